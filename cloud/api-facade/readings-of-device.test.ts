import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { fakeAws } from '../testing/fake-aws.ts';
import { createReadingsOfDevice } from './readings-of-device.aws.ts';

const row = (second: number, fields: Record<string, unknown> = {}) => ({
  timestamp: { S: `2026-01-02T03:04:0${second}.000Z` },
  metrics: { M: { temperature: { N: '21' } } },
  ...fields,
});

test('a page goes on behind the end of a query, and a row that is no reading is left out', async () => {
  const asked: unknown[] = [];
  const dynamo = new DynamoDBClient(
    fakeAws(({ input }) => {
      const { Limit, ExclusiveStartKey } = z
        .object({
          Limit: z.number(),
          ExclusiveStartKey: z.object({ timestamp: z.object({ S: z.string() }) }).optional(),
        })
        .parse(input);
      asked.push([Limit, ExclusiveStartKey?.timestamp.S]);
      const [first, second] = [row(1), row(2, { metrics: { S: 'odd' } })];
      const { timestamp } = second;
      return ExclusiveStartKey === undefined
        ? { Items: [first, second], LastEvaluatedKey: { partitionKey: { S: 'press' }, timestamp } }
        : { Items: [row(3)] };
    }),
  );
  const range = { from: '2026-01-02T03:04:00.000Z', to: '2026-01-02T03:04:09.000Z' };
  const rows = await createReadingsOfDevice(dynamo, 'Readings').list({ device: 'press', ...range, limit: 3 });
  expect(rows.map(({ timestamp }) => timestamp.slice(17, 19))).toEqual(['01', '03']);
  expect(asked).toEqual([
    [3, undefined],
    [2, '2026-01-02T03:04:02.000Z'],
  ]);
});
