import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { AwsFault, fakeAws } from '../testing/fake-aws.ts';
import { createOpenIncidents } from './open-incidents.aws.ts';
import { anomaly, startMs } from './test-messages.ts';

const inputSchema = z.object({ Item: z.record(z.string(), z.unknown()), ConditionExpression: z.string() });

function stage(answer: () => unknown = () => ({})) {
  const items: Record<string, unknown>[] = [];
  const dynamo = new DynamoDBClient(
    fakeAws(({ input }) => {
      items.push(inputSchema.parse(input).Item);
      return answer();
    }),
  );
  return { items, open: createOpenIncidents({ dynamo, tableName: 'Open', keepDays: 30, nowMs: () => startMs }) };
}

test('a breach that lasts stands at its site, one that has ended is kept for a while', async () => {
  const { items, open } = stage();
  expect(await open.take(anomaly())).toBe('open');
  expect(await open.take(anomaly({ phase: 'resolved', sequence: 2, firingSequence: 1 }))).toBe('ended');
  expect(items).toMatchObject([
    { correlationId: { S: 'hall-2/press-4/temperature/upper' }, openAtSite: { S: 'hall-2' }, sequence: { N: '1' } },
    { endedAt: { S: '2026-01-02T03:04:07Z' }, expiresAt: { N: String(startMs / 1_000 + 30 * 86_400) } },
  ]);
  expect(items[1]).not.toHaveProperty('openAtSite');
});

test('what the table knows better is no failure, what it does not answer is', async () => {
  const { open } = stage(() => {
    throw new AwsFault('ConditionalCheckFailedException');
  });
  expect(await open.take(anomaly())).toBe('older-than-known');
  const { open: away } = stage(() => {
    throw new AwsFault('ProvisionedThroughputExceededException');
  });
  await expect(away.take(anomaly())).rejects.toThrow('ProvisionedThroughputExceededException');
});
