import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';
import { AwsFault, type AwsRequest, fakeAws } from '../testing/fake-aws.ts';
import { createStateTable } from './state-table.aws.ts';
import { startMs } from './test-messages.ts';
import { firing } from './test-opener-store-contract.ts';

const key = 'hall-2/press-4/temperature/upper';

function stage(answer: (request: AwsRequest) => unknown = () => ({})) {
  const requests: AwsRequest[] = [];
  const dynamo = new DynamoDBClient(
    fakeAws((request) => {
      requests.push(request);
      return answer(request);
    }),
  );
  return { requests, table: createStateTable(dynamo, 'State', 'https://dev1.example.com/incident') };
}

test('the first state of a key is made only if there is none, the next one only in place of the known one', async () => {
  const { requests, table } = stage();
  expect(await table.save(firing(), undefined)).toBe('saved');
  expect(await table.save(firing(), 4)).toBe('saved');
  expect(requests).toMatchObject([
    { operation: 'PutItem', input: { ConditionExpression: 'attribute_not_exists(id)', Item: { version: { N: '1' } } } },
    {
      input: {
        ConditionExpression: 'version = :version',
        ExpressionAttributeValues: { ':version': { N: '4' } },
        Item: {
          id: { S: key },
          version: { N: '5' },
          wake: { S: 'wake' },
          wakeAtMs: { N: '0' },
          waitingSinceMs: { N: String(startMs) },
        },
      },
    },
  ]);
});

test('a key that somebody else has changed is told, any other failure is thrown', async () => {
  const refused = (type: string) =>
    stage(() => {
      throw new AwsFault(type);
    }).table.save(firing(), 4);
  expect(await refused('ConditionalCheckFailedException')).toBe('changed');
  await expect(refused('ProvisionedThroughputExceededException')).rejects.toThrow();
});

test('a key with nothing to tell leaves the index of what is due, and comes back as it was', async () => {
  const stored = { ...firing(), entries: [] };
  const { requests, table } = stage(({ operation }) =>
    operation === 'GetItem' ? { Item: { state: { S: JSON.stringify(stored) }, version: { N: '7' } } } : {},
  );
  await table.save(stored, 6);
  expect(requests[0]).not.toHaveProperty('input.Item.wake');
  expect(await table.load(key)).toEqual({ state: stored, version: 7 });
});

test('of an instance that is new the moment is remembered, and what is unknown has its default', async () => {
  const { requests, table } = stage(() => ({ Attributes: { firstSeenMs: { N: '5' } } }));
  expect(await table.instance(9)).toEqual({ firstSeenMs: 5, pausedUntilMs: 0, knownRows: [] });
  expect(requests).toMatchObject([
    {
      input: {
        Key: { id: { S: '#https://dev1.example.com/incident' } },
        UpdateExpression: 'SET firstSeenMs = if_not_exists(firstSeenMs, :now)',
      },
    },
  ]);
});

test('a pause that is longer already, or of another one, is no failure', async () => {
  const { requests, table } = stage(() => {
    throw new AwsFault('ConditionalCheckFailedException');
  });
  await table.pause(5, 'throttled');
  await table.resume(5);
  expect(requests).toMatchObject([
    { input: { ConditionExpression: 'attribute_not_exists(pausedUntilMs) OR pausedUntilMs < :until' } },
    { input: { ConditionExpression: 'pausedUntilMs = :seen' } },
  ]);
});
