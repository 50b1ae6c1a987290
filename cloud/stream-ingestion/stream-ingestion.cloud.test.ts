import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { DynamoDBClient, GetItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { configSchema } from '../../device/config/schema.ts';
import { devicePolicy } from '../greengrass/iot-policy.ts';
import { account, client } from '../testing/clients.ts';
import { describeRights } from '../testing/describe-rights.ts';
import { describeRuleErrors } from '../testing/describe-rule-errors.ts';
import { createDevice, type Device } from '../testing/device.ts';
import { eventually } from '../testing/eventually.ts';
import { output } from '../testing/outputs.ts';
import { statementsOf, withoutStatement } from '../testing/roles.ts';
import { rights } from './rights.ts';
import { reading } from './test-records.ts';

const stack = 'StreamIngestionStack';
const TableName = output(stack, 'TableName');
const StreamName = output(stack, 'StreamName');
const topic = 'IoTBlog/sensorData';
const instant = (second: number) => new Date(Date.UTC(2026, 0, 2, 3, 4, second)).toISOString();

const parkedSchema = z.object({ id: z.string(), reason: z.string(), data: z.string() });
type Parked = z.infer<typeof parkedSchema>;

/** All that was parked since the tests began. */
const parked: Parked[] = [];

async function takeParked(): Promise<readonly Parked[]> {
  const QueueUrl = output(stack, 'ParkingQueueUrl');
  const sqs = client(SQSClient);
  for (;;) {
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
    if (Messages.length === 0) return parked;
    for (const { Body = '', ReceiptHandle } of Messages) {
      parked.push(parkedSchema.parse(JSON.parse(Body)));
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    }
  }
}

async function row(partitionKey: string, timestamp: string) {
  const Key = { partitionKey: { S: partitionKey }, timestamp: { S: timestamp } };
  const { Item } = await client(DynamoDBClient).send(new GetItemCommand({ TableName, Key, ConsistentRead: true }));
  return Item;
}

async function rowsOf(partitionKey: string) {
  const { Items = [] } = await client(DynamoDBClient).send(
    new QueryCommand({
      ...{ TableName, ConsistentRead: true, KeyConditionExpression: 'partitionKey = :key' },
      ExpressionAttributeValues: { ':key': { S: partitionKey } },
    }),
  );
  return Items;
}

describe('stream-ingestion', () => {
  let device: Device;

  beforeAll(async () => {
    const scope = { partition: 'aws', region: account.region, account: account.id };
    device = await createDevice('stream-press-4', devicePolicy(scope, configSchema.parse({}).topics, ['monitor']));
  });

  afterAll(() => device.remove());

  const message = (fields: Record<string, unknown>) =>
    JSON.stringify(reading({ deviceId: device.thingName, ...fields }));

  test('deployed: the table is empty and the stream is there', async () => {
    expect(await rowsOf(device.thingName)).toEqual([]);
  });

  test('triggered: a reading that its device publishes is a row, by way of rule, stream and function', async () => {
    const connection = await device.connect();
    await connection.publishAsync(topic, message({ ts: instant(1) }), { qos: 1 });
    await eventually(async () => {
      expect(await row(device.thingName, instant(1))).toMatchObject({
        metrics: { M: { temperature: { N: '21.5' }, humidity: { N: '40.25' } } },
        site: { S: 'hall-2' },
        seq: { N: '12' },
      });
    });
  });

  test('effect: what a device says of another one is parked byte for byte, and its followers are stored', async () => {
    const connection = await device.connect();
    const lie = JSON.stringify(reading({ deviceId: 'stream-press-5' }));
    await connection.publishAsync(topic, lie, { qos: 1 });
    await connection.publishAsync(topic, 'hello', { qos: 1 });
    await connection.publishAsync(topic, message({ ts: instant(2) }), { qos: 1 });
    await eventually(async () => {
      expect(await row(device.thingName, instant(2))).toBeDefined();
      const found = await takeParked();
      const texts = found.map(({ reason, data }) => [reason, Buffer.from(data, 'base64').toString()]);
      expect(texts).toContainEqual(['other-device', lie]);
      expect(texts).toContainEqual(['not-a-reading', 'hello']);
    });
    expect(await rowsOf('stream-press-5')).toEqual([]);
  });

  test('effect: the two records of the post, put by the seed script, are rows, their numbers as they were put', async () => {
    const where = account.isLocal ? [] : ['--account', account.id, '--region', account.region];
    await promisify(execFile)(process.execPath, ['--import', 'tsx', 'scripts/seed/main.ts', ...where]);
    await eventually(async () => {
      expect(await row('1301', '2020-08-22T01:16:36.000Z')).toMatchObject({ value: { N: '15.4' } });
      expect(await row('1503', '2020-08-22T01:08:15.000Z')).toMatchObject({ value: { N: '39.1' } });
    });
  });

  test('effect: of 200 records each is stored or parked, none twice, and the last writer of a key wins', async () => {
    const before = (await takeParked()).length;
    const records = Array.from({ length: 200 }, (_, place) =>
      place % 10 === 9 ? `poison ${place}` : `${place}|${instant(place % 40)}`,
    );
    for (let start = 0; start < records.length; start += 100) {
      const Records = records
        .slice(start, start + 100)
        .map((data) => ({ PartitionKey: 'many', Data: Buffer.from(data) }));
      await client(KinesisClient).send(new PutRecordsCommand({ StreamName, Records }));
    }
    const values = Array.from({ length: 40 }, (_, second) => 160 + second).filter((place) => place % 10 !== 9);
    await eventually(async () => {
      expect((await rowsOf('many')).map(({ value }) => Number(value?.N))).toEqual(values);
      expect((await takeParked()).length - before).toBe(20);
    });
    expect(new Set(parked.map(({ id }) => id)).size).toBe(parked.length);
  });

  test('rights: a function that may not write its rows is denied, and says so', async () => {
    const lambda = client(LambdaClient);
    const FunctionName = output(stack, 'IngestName');
    const record = {
      eventID: 'shardId-000000000000:1',
      kinesis: {
        sequenceNumber: '1',
        partitionKey: 'denied',
        data: Buffer.from(`1|${instant(0)}`).toString('base64'),
        approximateArrivalTimestamp: 1_767_323_045.5,
      },
    };
    const invoke = async () => {
      const { FunctionError, Payload } = await lambda.send(
        new InvokeCommand({ FunctionName, Payload: JSON.stringify({ Records: [record] }) }),
      );
      return { FunctionError, text: Buffer.from(Payload ?? []).toString() };
    };
    const role = output(stack, 'IngestRoleName');
    const held = await statementsOf(role);
    const statement = held.find(({ actions }) => actions.includes('dynamodb:BatchWriteItem'));
    if (statement === undefined) throw new Error(`${role} may not write rows at all`);
    const denied = await withoutStatement(role, statement, invoke);
    expect(denied.FunctionError).toBeDefined();
    expect(denied.text).toContain('not authorized to perform: dynamodb:BatchWriteItem');
    expect(await rowsOf('denied')).toEqual([]);
    const allowed = await invoke();
    expect(allowed.FunctionError).toBeUndefined();
    expect(JSON.parse(allowed.text)).toEqual({ batchItemFailures: [] });
    expect(await rowsOf('denied')).toHaveLength(1);
  });
});

describeRights('stream-ingestion', { stack, rights });
describeRuleErrors('stream-ingestion', { stack });
