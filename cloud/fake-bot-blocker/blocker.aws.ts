import { setTimeout as pause } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { WAFV2Client } from '@aws-sdk/client-wafv2';
import type { z } from 'zod';
import { withinRanges } from './address.ts';
import { type Blocker, createBlocker } from './blocker.ts';
import { createCaughtTable } from './caught-table.aws.ts';
import type { blockerEnvironment } from './environment.ts';
import { createIpSet } from './ip-set.aws.ts';

/** Requests that hang must not use up the time of the function. */
const requestHandler = { connectionTimeout: 1_000, requestTimeout: 3_000, throwOnRequestTimeout: true };
const dayMs = 86_400_000;

/** What both functions of the room do with the table and the sets. */
export function createBlockerOf(environment: z.output<typeof blockerEnvironment>): Blocker {
  const { TABLE_NAME: tableName, SCOPE: Scope, IP_SETS, ALLOW_CIDRS, TTL_DAYS } = environment;
  const waf = new WAFV2Client({ requestHandler });
  const setOf = ({ name: Name, id: Id }: { name: string; id: string }) => createIpSet(waf, { Name, Id, Scope });
  const ttlMs = TTL_DAYS * dayMs;
  const sleep = async (ms: number) => void (await pause(ms));
  const dynamo = new DynamoDBClient({ requestHandler });
  return createBlocker({
    table: createCaughtTable({ dynamo, tableName, ttlMs, sleep, random: Math.random }),
    sets: { ipv4: setOf(IP_SETS.ipv4), ipv6: setOf(IP_SETS.ipv6) },
    allows: withinRanges(ALLOW_CIDRS),
    ttlMs,
    now: Date.now,
    sleep,
    random: Math.random,
  });
}
