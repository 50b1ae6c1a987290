import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { WAFV2Client } from '@aws-sdk/client-wafv2';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { AwsFault, type AwsRequest, fakeAws } from '../testing/fake-aws.ts';
import { parseAddress } from './address.ts';
import { createCaughtTable } from './caught-table.aws.ts';
import { createIpSet } from './ip-set.aws.ts';

const caught = (length: number) =>
  Array.from({ length }, (_, index) => {
    const address = parseAddress(`192.0.2.${index}`);
    if (address === undefined) throw new Error('no address');
    return { address, atMs: 1_000 };
  });

describe('the table', () => {
  const batch = z.object({ RequestItems: z.object({ Caught: z.array(z.unknown()) }) });

  function tableOf(answer: (request: AwsRequest) => unknown) {
    const slept: number[] = [];
    const table = createCaughtTable({
      dynamo: new DynamoDBClient(fakeAws(answer)),
      tableName: 'Caught',
      ttlMs: 86_400_000,
      sleep: async (ms) => void slept.push(ms),
      random: () => 1,
    });
    return { table, slept };
  }

  test('takes 25 rows a request, each of which outlives its block by a week', async () => {
    const requests: unknown[][] = [];
    const { table } = tableOf(({ input }) => {
      requests.push(batch.parse(input).RequestItems.Caught);
      return {};
    });
    await table.put(caught(26));
    expect(requests.map(({ length }) => length)).toEqual([25, 1]);
    expect(requests[1]).toEqual([
      {
        PutRequest: {
          Item: {
            family: { S: 'ipv4' },
            address: { S: '192.0.2.25' },
            caughtAtMs: { N: '1000' },
            expiresAt: { N: String(1 + 8 * 86_400) },
          },
        },
      },
    ]);
  });

  test('counts the rows of an hour in a row of its own, under the condition that they are within it', async () => {
    const asked: unknown[] = [];
    let refuses = false;
    const { table } = tableOf(({ input }) => {
      asked.push(input);
      if (refuses) throw new AwsFault('ConditionalCheckFailedException');
      return {};
    });
    const atMs = Date.parse('2026-01-02T03:04:05Z');
    expect(await table.reserve('ipv6', 100, atMs)).toBe(true);
    expect(asked).toMatchObject([
      {
        Key: { family: { S: 'budget#ipv6' }, address: { S: '2026-01-02T03' } },
        ConditionExpression: 'attribute_not_exists(taken) OR taken <= :left',
        ExpressionAttributeValues: {
          ':rows': { N: '100' },
          ':left': { N: '9900' },
          ':end': { N: `${atMs / 1_000 + 7_200}` },
        },
      },
    ]);
    refuses = true;
    expect(await table.reserve('ipv6', 100, atMs)).toBe(false);
  });

  test('is asked again for what it did not take, and not for ever', async () => {
    const left: unknown[] = [];
    const { table, slept } = tableOf(({ input }) => {
      const rows = batch.parse(input).RequestItems.Caught;
      left.push(rows.length);
      return { UnprocessedItems: { Caught: rows.slice(1) } };
    });
    await expect(table.put(caught(9))).rejects.toThrow('would not take 4 rows in 5 tries');
    expect(left).toEqual([9, 8, 7, 6, 5]);
    expect(slept).toEqual([100, 200, 400, 800]);
  });

  test('is given every row, also after some that it did not take', async () => {
    const written: number[] = [];
    const { table } = tableOf(({ input }) => {
      const rows = batch.parse(input).RequestItems.Caught;
      if (JSON.stringify(rows).includes('"192.0.2.0"')) return { UnprocessedItems: { Caught: rows } };
      written.push(rows.length);
      return {};
    });
    await expect(table.put(caught(60))).rejects.toThrow('would not take 25 rows');
    expect(written).toEqual([25, 10]);
  });

  test('answers page by page, and no more than is asked for', async () => {
    const queries: unknown[] = [];
    const { table } = tableOf(({ input }) => {
      queries.push(input);
      const Items = ['192.0.2.1', '192.0.2.2'].map((S) => ({ address: { S } }));
      return { Items, LastEvaluatedKey: { address: { S: '192.0.2.2' } } };
    });
    expect(await table.newest('ipv4', 5, 4)).toHaveLength(4);
    expect(queries).toMatchObject([
      { IndexName: 'newest', ConsistentRead: true, ScanIndexForward: false, Limit: 4 },
      { Limit: 2, ExclusiveStartKey: { address: { S: '192.0.2.2' } } },
    ]);
  });
});

describe('an IP set', () => {
  const identity = { Name: 'BlockFakeBotIPSet', Id: 'id', Scope: 'REGIONAL' } as const;
  const setOf = (answer: (request: AwsRequest) => unknown) => createIpSet(new WAFV2Client(fakeAws(answer)), identity);

  test('is replaced as a whole, with the token that was read', async () => {
    const requests: AwsRequest[] = [];
    const set = setOf((request) => {
      requests.push(request);
      return request.operation === 'GetIPSet' ? { LockToken: 't', IPSet: { Addresses: ['192.0.2.1/32'] } } : {};
    });
    expect(await set.read()).toEqual({ ranges: ['192.0.2.1/32'], lockToken: 't' });
    expect(await set.replace(['192.0.2.2/32'], 't')).toBe('replaced');
    expect(requests[1]).toEqual({
      operation: 'UpdateIPSet',
      input: { ...identity, Addresses: ['192.0.2.2/32'], LockToken: 't' },
    });
  });

  test('whose token is old is stale, and any other refusal is thrown', async () => {
    const refusing = (type: string) =>
      setOf(() => {
        throw new AwsFault(type);
      });
    expect(await refusing('WAFOptimisticLockException').replace([], 't')).toBe('stale');
    await expect(refusing('WAFNonexistentItemException').replace([], 't')).rejects.toThrow('WAFNonexistentItem');
  });
});
