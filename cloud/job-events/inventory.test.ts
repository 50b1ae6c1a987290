import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { AwsFault, fakeAws } from '../testing/fake-aws.ts';
import type { JobEvent } from './contract.ts';
import { createInventory } from './inventory.aws.ts';
import { event } from './test-events.ts';

const inputSchema = z.object({
  Item: z.record(z.string(), z.unknown()).optional(),
  ConditionExpression: z.literal('attribute_not_exists(id) OR lastSequence < :sequence'),
  ExpressionAttributeValues: z.looseObject({ ':sequence': z.object({ N: z.string() }) }),
});

/** A table of one row, which knows this condition and no other. */
function stage() {
  let row: { deleted: boolean; sequence: bigint } | undefined;
  const dynamo = new DynamoDBClient(
    fakeAws(({ operation, input }) => {
      const { ExpressionAttributeValues } = inputSchema.parse(input);
      const sequence = BigInt(ExpressionAttributeValues[':sequence'].N);
      if (row !== undefined && row.sequence >= sequence) throw new AwsFault('ConditionalCheckFailedException');
      row = { deleted: operation === 'UpdateItem', sequence };
      return {};
    }),
  );
  return { inventory: createInventory(dynamo, 'Inventory'), isDeleted: () => row?.deleted };
}

async function takeAll(...events: JobEvent[]) {
  const { inventory, isDeleted } = stage();
  const outcomes: string[] = [];
  for (const one of events) outcomes.push(await inventory.take(one));
  return { outcomes, deleted: isDeleted() };
}

test('a job is stored, and marked once it is deleted', async () => {
  expect(await takeAll(event.created(1), event.deleted(2))).toEqual({ outcomes: ['stored', 'deleted'], deleted: true });
});

test('a late duplicate does not bring a deleted job back (duplicate)', async () => {
  expect(await takeAll(event.created(1), event.deleted(2), event.created(1))).toEqual({
    outcomes: ['stored', 'deleted', 'older-than-known'],
    deleted: true,
  });
});

test('a job whose end comes before its beginning stays deleted (reorder)', async () => {
  expect(await takeAll(event.deleted(2), event.created(1))).toEqual({
    outcomes: ['deleted', 'older-than-known'],
    deleted: true,
  });
});

test('a job that is made anew is on offer again', async () => {
  expect(await takeAll(event.created(1), event.deleted(2), event.created(3))).toMatchObject({ deleted: false });
});

test('a table that is throttled is an error, so that SQS sends the event again (throttle)', async () => {
  const dynamo = new DynamoDBClient(
    fakeAws(() => {
      throw new AwsFault('ProvisionedThroughputExceededException');
    }),
  );
  await expect(createInventory(dynamo, 'Inventory').take(event.created(1))).rejects.toThrow(
    'ProvisionedThroughputExceededException',
  );
});
