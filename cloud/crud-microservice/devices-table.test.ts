import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { expect, onTestFinished, test, vi } from 'vitest';
import { AwsFault, type AwsRequest, fakeAws } from '../testing/fake-aws.ts';
import { attributesOf } from './device-row.ts';
import { createDevicesTable } from './devices-table.aws.ts';
import { httpFunction } from './http-function.aws.ts';
import { aDevice, buried, row } from './test-devices.ts';

function stage(answer: (request: AwsRequest) => unknown) {
  const requests: AwsRequest[] = [];
  const dynamo = new DynamoDBClient(
    fakeAws((request) => {
      requests.push(request);
      return answer(request);
    }),
  );
  return { table: createDevicesTable(dynamo, 'Devices'), requests };
}

const refusal = (item?: unknown) =>
  new AwsFault('ConditionalCheckFailedException', item === undefined ? {} : { Item: item });
const { id } = aDevice();
const update = {
  ...{ id, set: { title: 'Press 5', priority: 2 }, remove: ['site'], version: 3 },
  updatedAt: '2026-01-02T03:04:06.000Z',
};

test('a row is written where its key is free, and what lies there is known without reading it', async () => {
  const free = stage(() => ({}));
  expect(await free.table.insert(row())).toEqual({ was: 'free' });
  expect(free.requests).toMatchObject([
    {
      operation: 'PutItem',
      input: { TableName: 'Devices', Item: { id: { S: id } }, ConditionExpression: 'attribute_not_exists(id)' },
    },
  ]);
  const taken = stage(() => {
    throw refusal(attributesOf(row({ title: 'other' })));
  });
  expect(await taken.table.insert(row())).toEqual({ was: 'taken', by: row({ title: 'other' }) });
  expect(taken.requests).toHaveLength(1);
});

test('a change writes its fields and the next version, where the version is the one that is meant', async () => {
  const { table, requests } = stage(() => ({ Attributes: attributesOf(row({ version: 4 })) }));
  expect(await table.update(update)).toEqual({ was: 'changed', device: aDevice({ version: 4 }) });
  expect(requests).toMatchObject([
    {
      operation: 'UpdateItem',
      input: {
        Key: { id: { S: id } },
        UpdateExpression:
          'SET #title = :title, #priority = :priority, #updatedAt = :updatedAt, #version = #version + :one REMOVE #site',
        ConditionExpression: '#version = :expected',
        ExpressionAttributeNames: { '#site': 'site', '#version': 'version' },
        ExpressionAttributeValues: { ':title': { S: 'Press 5' }, ':priority': { N: '2' }, ':expected': { N: '3' } },
      },
    },
  ]);
});

test('a refused change says whether the device is missing or another version', async () => {
  const missing = stage(() => {
    throw refusal();
  });
  expect(await missing.table.update(update)).toEqual({ was: 'missing' });
  const other = stage(() => {
    throw refusal(attributesOf(row({ version: 9 })));
  });
  expect(await other.table.update(update)).toEqual({ was: 'other-version', device: aDevice({ version: 9 }) });
});

test('a page begins where the one before it ended, without the rows that are no devices', async () => {
  const { table, requests } = stage(() => ({
    Items: [attributesOf(row()), { id: { S: 'by-hand' } }],
    LastEvaluatedKey: { id: { S: 'by-hand' } },
  }));
  expect(await table.page(2, id)).toEqual({ items: [aDevice()], next: 'by-hand' });
  expect(requests).toMatchObject([{ operation: 'Scan', input: { Limit: 2, ExclusiveStartKey: { id: { S: id } } } }]);
});

const tombstone = { id, removedAt: '2026-01-02T03:04:06.000Z', expiresAt: 1_769_915_046 };

test('a device is read as it is now, and removed', async () => {
  const { table, requests } = stage(({ operation }) => (operation === 'GetItem' ? { Item: attributesOf(row()) } : {}));
  expect(await table.get(id)).toEqual(aDevice());
  await table.bury(tombstone);
  expect(requests).toMatchObject([
    { operation: 'GetItem', input: { Key: { id: { S: id } }, ConsistentRead: true } },
    {
      operation: 'UpdateItem',
      input: {
        Key: { id: { S: id } },
        UpdateExpression:
          'SET removedAt = :removedAt, expiresAt = :expiresAt REMOVE #title, #deviceId, #site, #priority, #createdAt, #updatedAt, #version',
        ConditionExpression: 'attribute_exists(id) AND attribute_not_exists(removedAt)',
        ExpressionAttributeValues: {
          ':removedAt': { S: tombstone.removedAt },
          ':expiresAt': { N: String(tombstone.expiresAt) },
        },
      },
    },
  ]);
  expect(await stage(() => ({})).table.get(id)).toBeUndefined();
});

test('what is not there, or was removed before, is removed without a change', async () => {
  const { table } = stage(() => {
    throw refusal();
  });
  await expect(table.bury(tombstone)).resolves.toBeUndefined();
});

test.each([
  ['a tombstone', buried(tombstone)],
  ['a row that somebody wrote by hand', { id: { S: id }, note: { S: 'hello' } }],
])('%s is no device to read, to change or to register once more', async (_what, Item) => {
  const there = stage(() => ({ Item, Attributes: Item })).table;
  expect(await there.get(id)).toBeUndefined();
  expect(await there.update(update)).toEqual({ was: 'missing' });
  const refused = stage(() => {
    throw refusal(Item);
  });
  expect(await refused.table.update({ ...update, version: undefined })).toEqual({ was: 'missing' });
  expect(refused.requests).toMatchObject([{ input: { ConditionExpression: '#version >= :one' } }]);
  expect(await refused.table.insert(row())).toEqual({ was: 'taken', by: undefined });
});

test('what no other answer cures is thrown', async () => {
  const { table } = stage(() => {
    throw new AwsFault('AccessDeniedException');
  });
  await expect(table.insert(row())).rejects.toThrow('AccessDeniedException');
  await expect(table.update(update)).rejects.toThrow('AccessDeniedException');
  await expect(table.bury(tombstone)).rejects.toThrow('AccessDeniedException');
});

/** The handler of a route whose table answers an error. */
async function answerTo(type: string) {
  vi.stubEnv('DDB_TABLE_NAME', 'Devices');
  vi.stubEnv('DEVICES_PATH', '/devices');
  vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT');
  onTestFinished(() => void vi.unstubAllEnvs());
  const { table } = stage(() => {
    throw new AwsFault(type);
  });
  return httpFunction(async () => ({ status: 200, body: await table.get(id) }))({ headers: {} });
}

test('a table that is too busy is a 503 that says when to come again (throttle)', async () => {
  for (const type of ['ProvisionedThroughputExceededException', 'ThrottlingException', 'RequestLimitExceeded']) {
    expect(await answerTo(type)).toMatchObject({ statusCode: 503, headers: { 'retry-after': '1' } });
  }
  await expect(answerTo('AccessDeniedException')).rejects.toThrow('AccessDeniedException');
});
