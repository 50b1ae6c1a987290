import { setTimeout as sleep } from 'node:timers/promises';
import { AthenaClient } from '@aws-sdk/client-athena';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { queryAthena } from '../shared/lake/query.aws.ts';
import type { Validation } from './contract.ts';

const { DATABASE, WORKGROUP } = readEnvironment(z.object({ DATABASE: z.string(), WORKGROUP: z.string() }));
const athena = new AthenaClient();
const input = z.object({ query: z.string(), sql: z.string() });

/** One validation query: how many rows there are that must not be, counted to a thousand. */
export async function handler(event: unknown): Promise<Validation> {
  const { query, sql } = input.parse(event);
  const { rows } = await queryAthena({
    ...{ athena, database: DATABASE, workgroup: WORKGROUP, sql: `SELECT * FROM (\n${sql}\n) AS found LIMIT 1000` },
    sleep: (ms) => sleep(ms),
  });
  return { query, rows: rows.length };
}
