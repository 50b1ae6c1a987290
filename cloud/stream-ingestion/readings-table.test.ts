import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { AwsFault, fakeAws } from '../testing/fake-aws.ts';
import { planBatch } from './ingest.ts';
import { createReadingsTable } from './readings-table.aws.ts';
import { reading, record, settings } from './test-records.ts';

const inputSchema = z.object({
  RequestItems: z.object({
    Readings: z.array(z.looseObject({ PutRequest: z.object({ Item: z.looseObject({ partitionKey: z.unknown() }) }) })),
  }),
});
type Requests = z.infer<typeof inputSchema>['RequestItems']['Readings'];

/** A table of which `answer` says how many rows it takes of a request; the rest it leaves. */
function stage(answer: (rows: Requests, request: number) => number) {
  const requests: Requests[] = [];
  const sleeps: number[] = [];
  const table = createReadingsTable({
    dynamo: new DynamoDBClient(
      fakeAws(({ input }) => {
        const rows = inputSchema.parse(input).RequestItems.Readings;
        requests.push(rows);
        const left = rows.slice(answer(rows, requests.length));
        return left.length === 0 ? {} : { UnprocessedItems: { Readings: left } };
      }),
    ),
    tableName: 'Readings',
    sleep: async (ms) => void sleeps.push(ms),
    random: () => 1,
  });
  return { table, requests, sleeps };
}

const writes = (count: number) =>
  planBatch(
    Array.from({ length: count }, (_, index) => record(index, `${index}|2026-01-02T03:04:05Z`, `sensor-${index}`)),
    settings,
  ).writes;

test('rows go out 25 a request, numbers as they came', async () => {
  const { table, requests } = stage((rows) => rows.length);
  expect(await table.write(writes(60))).toEqual([]);
  expect(requests.map((rows) => rows.length)).toEqual([25, 25, 10]);
  expect(requests[0]?.[3]?.PutRequest.Item).toEqual({
    partitionKey: { S: 'sensor-3' },
    timestamp: { S: '2026-01-02T03:04:05.000Z' },
    value: { N: '3' },
    expiresAt: { N: expect.any(String) },
  });
});

test('a reading is written with all its metrics', async () => {
  const { table, requests } = stage((rows) => rows.length);
  await table.write(planBatch([record(1, JSON.stringify(reading()))], settings).writes);
  expect(requests[0]?.[0]?.PutRequest.Item).toMatchObject({
    metrics: { M: { temperature: { N: '21.5' }, humidity: { N: '40.25' } } },
    site: { S: 'hall-2' },
    seq: { N: '12' },
  });
});

test('what the table left is sent again, later each time, and nothing else is (partial failure)', async () => {
  const { table, requests, sleeps } = stage((rows, request) => (request < 3 ? rows.length - 5 : rows.length));
  expect(await table.write(writes(25))).toEqual([]);
  expect(requests.map((rows) => rows.length)).toEqual([25, 5, 5]);
  expect(sleeps).toEqual([100, 200]);
});

test.each(['ProvisionedThroughputExceededException', 'ThrottlingException', 'RequestLimitExceeded'])(
  'what the table never takes for %s is named, after six requests (throttle)',
  async (fault) => {
    const { table, requests, sleeps } = stage(() => {
      throw new AwsFault(fault);
    });
    const given = writes(3);
    expect(await table.write(given)).toEqual(given);
    expect(requests).toHaveLength(6);
    expect(sleeps).toEqual([100, 200, 400, 800, 1_000]);
  },
);

test('an error that no retry cures is thrown', async () => {
  const { table, requests } = stage(() => {
    throw new AwsFault('AccessDeniedException');
  });
  await expect(table.write(writes(3))).rejects.toThrow('AccessDeniedException');
  expect(requests).toHaveLength(1);
});
