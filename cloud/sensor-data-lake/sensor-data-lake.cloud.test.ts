import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { AthenaClient } from '@aws-sdk/client-athena';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { configSchema } from '../../device/config/schema.ts';
import { devicePolicy } from '../greengrass/iot-policy.ts';
import { queryAthena } from '../shared/lake/query.aws.ts';
import { account, client } from '../testing/clients.ts';
import { deadLettersAfter } from '../testing/dead-letters.ts';
import { describeRights } from '../testing/describe-rights.ts';
import { describeRuleErrors } from '../testing/describe-rule-errors.ts';
import { createDevice, type Device } from '../testing/device.ts';
import { eventually } from '../testing/eventually.ts';
import { output } from '../testing/outputs.ts';
import { takeMessages } from '../testing/queue.ts';
import { statementsOf, withoutStatement } from '../testing/roles.ts';
import { physicalId } from '../testing/stack-resources.ts';
import { queries, selectionSql } from './queries.ts';
import { rights } from './rights.ts';
import { line, notification, reading } from './test-messages.ts';

const stack = 'SensorDataLakeStack';
const topic = 'IoTBlog/sensorData';
const instant = (second: number) => new Date(Date.UTC(2026, 0, 2, 3, 4, second)).toISOString();
const takeParked = takeMessages(
  output(stack, 'ParkingQueueUrl'),
  z.object({ id: z.string(), reason: z.string(), data: z.string() }),
);
const where = account.isLocal ? [] : ['--account', account.id, '--region', account.region];

/** What `npm run lake` prints. */
async function lake(...args: string[]): Promise<string> {
  const command = ['--import', 'tsx', 'scripts/lake/main.ts', '--from', '2026-01-01', '--to', '2026-01-31'];
  const { stdout } = await promisify(execFile)(process.execPath, [...command, ...args, ...where]);
  return stdout;
}

const readings = queries.find(({ name }) => name === 'readings');

/** Rows of the query `readings`. */
async function readingsOf(device: string): Promise<Record<string, string | null>[]> {
  if (readings === undefined) throw new Error('there is no query readings');
  const { columns, rows } = await queryAthena({
    athena: client(AthenaClient),
    workgroup: output(stack, 'WorkgroupName'),
    database: output(stack, 'DatabaseName'),
    sql: selectionSql(readings, { from: '2026-01-01', to: '2026-01-31', device, limit: 1_000 }),
    sleep: (ms) => sleep(ms),
  });
  return rows.map((row) => Object.fromEntries(columns.map((column, place) => [column, row[place] ?? null])));
}

const putRaw = (key: string, lines: readonly string[]) =>
  client(S3Client).send(
    new PutObjectCommand({ Bucket: output(stack, 'RawBucketName'), Key: `readings/${key}`, Body: lines.join('\n') }),
  );

describe('sensor-data-lake', () => {
  let device: Device;

  beforeAll(async () => {
    const scope = { partition: 'aws', region: account.region, account: account.id };
    device = await createDevice('lake-press-4', devicePolicy(scope, configSchema.parse({}).topics, ['monitor']));
  });

  afterAll(() => device.remove());

  const message = (fields: Record<string, unknown>) =>
    JSON.stringify(reading({ deviceId: device.thingName, ...fields }));

  test('deployed: the table is there and has no rows', async () => {
    expect(await readingsOf(device.thingName)).toEqual([]);
  });

  test('triggered: a reading that its device publishes is in the table, by way of rule, Firehose, object and function', async () => {
    const connection = await device.connect();
    await connection.publishAsync(topic, message({ ts: instant(1) }), { qos: 1 });
    await eventually(
      async () => {
        expect(await readingsOf(device.thingName)).toEqual([
          expect.objectContaining({ day: '2026-01-02', metric: 'humidity', value: '40.25' }),
          expect.objectContaining({ day: '2026-01-02', metric: 'temperature', value: '21.5' }),
        ]);
      },
      { limitMs: 60_000 },
    );
  });

  test('effect: what a device says of another one is parked byte for byte', async () => {
    const connection = await device.connect();
    const lie = JSON.stringify(reading({ deviceId: 'lake-press-5' }));
    await connection.publishAsync(topic, lie, { qos: 1 });
    await eventually(async () => {
      const parked = await takeParked();
      expect(parked.map(({ reason, data }) => [reason, Buffer.from(data, 'base64').toString()])).toContainEqual([
        'other-device',
        lie,
      ]);
    });
    expect(await readingsOf('lake-press-5')).toEqual([]);
  });

  test('effect: of 100 lines each is read once or parked, whatever comes twice', async () => {
    const before = (await takeParked()).length;
    const lines = Array.from({ length: 100 }, (_, place) => {
      if (place % 10 === 9) return line(`poison ${place}`, 'many');
      // Every fifth says again what the one before it said.
      const second = place % 5 === 4 ? place - 1 : place;
      return line(reading({ deviceId: 'many', ts: instant(second), metrics: { temperature: second } }), 'many');
    });
    await putRaw('many', lines);
    // The same object comes twice, as S3 tells at least once.
    await putRaw('many', lines);
    const expected = [...new Set(Array.from({ length: 100 }, (_, place) => (place % 5 === 4 ? place - 1 : place)))];
    const poison = Array.from({ length: 10 }, (_, tenth) => tenth * 10 + 9);
    await eventually(async () => {
      const values = (await readingsOf('many')).map(({ value }) => Number(value));
      expect(values).toEqual(expected);
      const parked = (await takeParked()).slice(before);
      expect(parked.map(({ id }) => id)).toEqual(poison.map((place) => `readings/many:${place + 1}`));
    });
  });

  test('effect: a query is printed as a table and drawn as a chart', async () => {
    const table = await lake('--query', 'hourly', '--device', 'many');
    expect(table).toContain('2026-01-02 03:00:00');
    expect(table).toMatch(/lowest\s+mean\s+highest\s+readings/);
    const file = join(account.folder, 'hourly.svg');
    await lake('--query', 'hourly', '--device', 'many', '--chart', file);
    expect(readFileSync(file, 'utf8')).toContain('many');
  });

  test('effect: an object on which the function has failed four times lies in the dead letters, and stays', async () => {
    const { bodies, receives } = await deadLettersAfter(
      {
        queueUrl: await physicalId(stack, 'AWS::SQS::Queue', 'RawObjects'),
        functionName: output(stack, 'ConvertName'),
        without: 's3:PutObject',
      },
      () => putRaw('dead', [line(reading({ deviceId: 'dead' }), 'dead')]),
    );
    expect(receives).toBe(4);
    expect(bodies.join()).toContain('readings/dead');
    expect(await readingsOf('dead')).toEqual([]);
  });

  test('rights: a function that may not write its files is denied, says so, and writes them when it may', async () => {
    await putRaw('denied', [line(reading({ deviceId: 'denied' }), 'denied')]);
    const processed = output(stack, 'ProcessedBucketName');
    const listed = async () => {
      const { Contents = [] } = await client(S3Client).send(new ListObjectsV2Command({ Bucket: processed }));
      return Contents.map(({ Key }) => Key);
    };
    const event = { Records: [notification('m1', 'readings/denied')] };
    const invoke = async () => {
      const { Payload } = await client(LambdaClient).send(
        new InvokeCommand({ FunctionName: output(stack, 'ConvertName'), Payload: JSON.stringify(event) }),
      );
      return JSON.parse(Buffer.from(Payload ?? []).toString());
    };
    await eventually(async () => expect(await readingsOf('denied')).toHaveLength(2));
    const role = output(stack, 'ConvertRoleName');
    const statement = (await statementsOf(role)).find(({ actions }) => actions.includes('s3:PutObject'));
    if (statement === undefined) throw new Error(`${role} may not write at all`);
    expect(await withoutStatement(role, statement, invoke)).toEqual({ batchItemFailures: [{ itemIdentifier: 'm1' }] });
    const before = await listed();
    expect(await invoke()).toEqual({ batchItemFailures: [] });
    // The same object is the same files.
    expect(await listed()).toEqual(before);
    const { Body } = await client(S3Client).send(new GetObjectCommand({ Bucket: processed, Key: before[0] }));
    expect(
      Buffer.from((await Body?.transformToByteArray()) ?? [])
        .subarray(0, 4)
        .toString(),
    ).toBe('PAR1');
  });
});

describeRights('sensor-data-lake', { stack, rights });
describeRuleErrors('sensor-data-lake', { stack });
