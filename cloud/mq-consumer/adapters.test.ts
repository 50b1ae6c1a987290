import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { AwsFault, type AwsRequest, fakeAws } from '../testing/fake-aws.ts';
import { createArrivedReadings } from './arrived-readings.aws.ts';
import { decode } from './decode.ts';
import { createMarks } from './marks.aws.ts';
import { message, readingText } from './test-messages.ts';

const decoded = decode(message(7, readingText()), { keepDays: 30 });
if (decoded.kind !== 'reading') throw new Error('the test has no reading');
const { reading } = decoded;

const readingsWith = (answer: (request: AwsRequest) => unknown) =>
  createArrivedReadings(new DynamoDBClient(fakeAws(answer)), 'Readings');

test('a row is put on condition that none stands there, or one that arrived earlier', async () => {
  const requests: AwsRequest[] = [];
  const readings = readingsWith((request) => void requests.push(request));
  expect(await readings.write(reading)).toEqual({ kind: 'stored' });
  expect(requests).toEqual([
    {
      operation: 'PutItem',
      input: {
        TableName: 'Readings',
        Item: expect.objectContaining({
          partitionKey: { S: 'press-4' },
          timestamp: { S: '2026-01-02T03:04:05.678Z' },
          metrics: { M: { temperature: { N: '21.5' }, humidity: { N: '40.25' } } },
          arrival: { S: reading.arrival },
        }),
        ConditionExpression: 'attribute_not_exists(partitionKey) OR arrival < :arrival',
        ExpressionAttributeValues: { ':arrival': { S: reading.arrival } },
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      },
    },
  ]);
});

test.each([
  ['this message has written', { arrival: { S: reading.arrival } }, 'duplicate'],
  ['a later message has written', { arrival: { S: `${reading.arrival}0` } }, 'superseded'],
  ['the stream has written', { partitionKey: { S: 'press-4' } }, 'superseded'],
])('a row that %s is left', async (_, Item, kind) => {
  const readings = readingsWith(() => {
    throw new AwsFault('ConditionalCheckFailedException', { Item });
  });
  expect(await readings.write(reading)).toEqual({ kind });
});

test.each([
  'ProvisionedThroughputExceededException',
  'ThrottlingException',
  'AccessDeniedException',
  'ResourceNotFoundException',
])('for %s no message is to blame', async (fault) => {
  const readings = readingsWith(() => {
    throw new AwsFault(fault);
  });
  expect(await readings.write(reading)).toMatchObject({ kind: 'away', error: { name: fault } });
});

test('without an answer no message is to blame; what DynamoDB says of a row is thrown', async () => {
  const silent = readingsWith(() => {
    throw new Error('socket hang up');
  });
  expect(await silent.write(reading)).toMatchObject({ kind: 'away' });
  const strict = readingsWith(() => {
    throw new AwsFault('ValidationException');
  });
  await expect(strict.write(reading)).rejects.toThrow('ValidationException');
});

const updateSchema = z.object({
  Key: z.object({ messageId: z.object({ S: z.string() }) }),
  UpdateExpression: z.string(),
});
const readSchema = z.object({ RequestItems: z.object({ Marks: z.object({ Keys: z.array(z.unknown()) }) }) });

test('marks count failures, remember what was parked, and are asked a hundred at a time', async () => {
  const updates: string[] = [];
  const reads: number[] = [];
  const marks = createMarks({
    dynamo: new DynamoDBClient(
      fakeAws(({ operation, input }) => {
        if (operation === 'BatchGetItem') {
          reads.push(readSchema.parse(input).RequestItems.Marks.Keys.length);
          const known = { messageId: { S: 'm1' }, parked: { BOOL: true } };
          return { Responses: { Marks: [known, { messageId: { S: 'm2' }, failures: { N: '1' } }] } };
        }
        const { Key, UpdateExpression } = updateSchema.parse(input);
        updates.push(`${Key.messageId.S} ${UpdateExpression}`);
        return { Attributes: { failures: { N: '2' } } };
      }),
    ),
    tableName: 'Marks',
    now: () => 1_000,
  });
  expect(await marks.countFailure('m1')).toBe(2);
  const ids = Array.from({ length: 120 }, (_, index) => `m${index}`);
  expect(await marks.parkedAmong(ids)).toEqual(new Set(['m1']));
  expect(reads).toEqual([100, 20]);
  await marks.setParked(['m3']);
  expect(updates).toEqual(['m1 ADD failures :one SET expiresAt = :at', 'm3 SET parked = :true, expiresAt = :at']);
});

test('marks that were not read are not taken for missing ones', async () => {
  const marks = createMarks({
    dynamo: new DynamoDBClient(fakeAws(() => ({ UnprocessedKeys: { Marks: { Keys: [{ messageId: { S: 'm1' } }] } } }))),
    tableName: 'Marks',
    now: () => 1_000,
  });
  await expect(marks.parkedAmong(['m1'])).rejects.toThrow('throttled');
});
