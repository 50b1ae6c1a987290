import { createHash } from 'node:crypto';
import {
  CreateTableCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  GetItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb';
import {
  GetFunctionConfigurationCommand,
  InvokeCommand,
  LambdaClient,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { CreateSecretCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import type { AnomalyMessage } from '../../device/anomaly/anomaly.ts';
import { configSchema } from '../../device/config/schema.ts';
import { startHarness } from '../../device/handler/handler-harness.ts';
import { createServiceNow } from '../../device/incident/servicenow/client.ts';
import { silentLogger } from '../../device/platform/logger.ts';
import { systemTime } from '../../device/platform/time.ts';
import type { ServiceNow } from '../../device/simulation/servicenow/start-servicenow.ts';
import { devicePolicy } from '../greengrass/iot-policy.ts';
import { account, client } from '../testing/clients.ts';
import { deadLettersAfter } from '../testing/dead-letters.ts';
import { describeRights } from '../testing/describe-rights.ts';
import { describeRuleErrors } from '../testing/describe-rule-errors.ts';
import { createDevice, type Device } from '../testing/device.ts';
import { eventually } from '../testing/eventually.ts';
import { completeFifoTopic } from '../testing/fifo-topic.ts';
import { output } from '../testing/outputs.ts';
import { takeMessages } from '../testing/queue.ts';
import { statementsOf, withoutStatement } from '../testing/roles.ts';
import { startTestServiceNow } from '../testing/servicenow.ts';
import { physicalId } from '../testing/stack-resources.ts';
import { incidentEvent } from './contract.ts';
import type { OpenerStore } from './opener-ports.ts';
import { rights } from './rights.ts';
import { createStateTable } from './state-table.aws.ts';
import { anomaly, breach } from './test-messages.ts';
import { openerStoreContract } from './test-opener-store-contract.ts';

const stack = 'IncidentEventsStack';
const topic = 'IoTBlog/anomaly';
const deviceId = 'incident-press-4';
const credentials = { username: 'admin', password: 'twin-password' };
const parkedSchema = z.object({ id: z.string(), reason: z.string(), data: z.string() });
const translateParking = takeMessages(output(stack, 'TranslateParkingUrl'), parkedSchema);

let serviceNow: ServiceNow;
let device: Device;
let connection: MqttClient;

/** A breach of a metric of its own, so that tests do not meet. */
const of = (metric: string, fields: Partial<AnomalyMessage> = {}) => anomaly({ deviceId, metric, ...fields });
const publish = (message: AnomalyMessage | string) =>
  connection.publishAsync(topic, typeof message === 'string' ? message : JSON.stringify(message), { qos: 1 });
const incidentsOf = (metric: string) =>
  serviceNow
    .rows('incident')
    .filter((row) => row['correlation_id'] === `hall-2/${deviceId}/${metric}/upper` && row['state'] !== '8');

async function openRow(metric: string) {
  const { Item } = await client(DynamoDBClient).send(
    new GetItemCommand({
      TableName: output(stack, 'OpenIncidentsName'),
      Key: { correlationId: { S: `hall-2/${deviceId}/${metric}/upper` } },
      ConsistentRead: true,
    }),
  );
  return Item;
}

/** Ids of all events of a metric of this test's device in the lake: those of other tests lie in it too. */
async function lakeIds(metric: string) {
  const Bucket = output(stack, 'LakeName');
  const s3 = client(S3Client);
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }));
  const bodies = await Promise.all(
    Contents.map(async ({ Key }) => (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString()),
  );
  return bodies
    .flatMap((body) => body?.trim().split('\n') ?? [])
    .map((line) => incidentEvent.parse(JSON.parse(line)))
    .filter(({ eventDetails }) => eventDetails.deviceId === deviceId && eventDetails.metric === metric)
    .map(({ id }) => id);
}

/** What the schedule does each minute. */
async function tellDue(): Promise<void> {
  const { FunctionError, Payload } = await client(LambdaClient).send(
    new InvokeCommand({ FunctionName: output(stack, 'TellDueName'), Payload: '{}' }),
  );
  expect(FunctionError, Buffer.from(Payload ?? []).toString()).toBeUndefined();
}

/** The opener's functions for the instance of this test, with times that a test can wait for. */
async function configure(): Promise<void> {
  const configuration = {
    serviceNow: { url: serviceNow.url, timeoutMs: 2_000 },
    handler: { quietMs: 0 },
    delivery: { settleMs: 1_000, backoffBaseMs: 100, backoffCapMs: 200, pauseMs: 500 },
  };
  const lambda = client(LambdaClient);
  for (const FunctionName of [output(stack, 'OpenerName'), output(stack, 'TellDueName')]) {
    const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
    const Variables = { ...Environment?.Variables, CONFIGURATION: JSON.stringify(configuration) };
    await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables } }));
  }
}

async function putSecret(): Promise<void> {
  const secrets = client(SecretsManagerClient);
  const SecretString = JSON.stringify(credentials);
  const name = 'greengrass-snow-creds';
  await secrets
    .send(new CreateSecretCommand({ Name: name, SecretString }))
    .catch(() => secrets.send(new PutSecretValueCommand({ SecretId: name, SecretString })));
}

/** The opener's store on a table of its own, as the opener's. */
async function emptyStore(says: string): Promise<OpenerStore> {
  const dynamo = client(DynamoDBClient);
  const TableName = `opener-store-${createHash('sha256').update(says).digest('hex').slice(0, 12)}`;
  const { Table } = await dynamo.send(new DescribeTableCommand({ TableName: output(stack, 'StateTableName') }));
  await dynamo.send(
    new CreateTableCommand({
      ...{ TableName, BillingMode: 'PAY_PER_REQUEST' },
      ...{ KeySchema: Table?.KeySchema, AttributeDefinitions: Table?.AttributeDefinitions },
      GlobalSecondaryIndexes: Table?.GlobalSecondaryIndexes?.map(({ IndexName, KeySchema, Projection }) => ({
        ...{ IndexName, KeySchema, Projection },
      })),
    }),
  );
  onTestFinished(async () => void (await dynamo.send(new DeleteTableCommand({ TableName }))));
  await eventually(async () => {
    const made = await dynamo.send(new DescribeTableCommand({ TableName }));
    expect(made.Table?.TableStatus).toBe('ACTIVE');
  });
  return createStateTable(dynamo, TableName, 'https://dev1.example.com/incident');
}

describe.runIf(account.isLocal)('incident-events', () => {
  beforeAll(async () => {
    serviceNow = await startTestServiceNow();
    await Promise.all([configure(), putSecret(), completeFifoTopic(output(stack, 'TopicArn'))]);
    const scope = { partition: 'aws', region: account.region, account: account.id };
    device = await createDevice(deviceId, devicePolicy(scope, configSchema.parse({}).topics, ['monitor']));
    connection = await device.connect();
  });

  afterAll(async () => {
    await device.remove();
    await serviceNow.stop();
  });

  test('deployed: nothing is open, and the lake is empty', async () => {
    expect(await openRow('temperature')).toBeUndefined();
    expect(await lakeIds('temperature')).toEqual([]);
  });

  test('triggered: a breach that its device publishes is an incident, open in the inventory, and an event in the lake', async () => {
    await publish(of('temperature'));
    await eventually(async () => {
      // An empty table waits for its settle time before it writes.
      await tellDue();
      expect(incidentsOf('temperature')).toHaveLength(1);
      expect(await openRow('temperature')).toMatchObject({ openAtSite: { S: 'hall-2' }, opener: { S: 'cloud' } });
      expect(await lakeIds('temperature')).toEqual([`${of('temperature').id}:1`]);
    });
    const { Items = [] } = await client(DynamoDBClient).send(
      new QueryCommand({
        ...{ TableName: output(stack, 'OpenIncidentsName'), IndexName: 'open' },
        KeyConditionExpression: 'openAtSite = :site',
        ExpressionAttributeValues: { ':site': { S: 'hall-2' } },
      }),
    );
    expect(Items.map(({ metric }) => metric?.S)).toContain('temperature');
  });

  test('effect: a breach that ends is told, and its incident resolved', async () => {
    for (const message of breach(1, { deviceId, metric: 'told' })) await publish(message);
    await eventually(async () => {
      await tellDue();
      expect(incidentsOf('told')).toMatchObject([{ state: '6', close_code: 'Solution provided' }]);
      expect(await openRow('told')).toMatchObject({ endedAt: { S: expect.any(String) } });
    });
    expect(await openRow('told')).not.toHaveProperty('openAtSite');
  });

  test('effect: an end that comes before its begin is one incident, resolved (reorder)', async () => {
    const [fired, updated, resolved] = breach(1, { deviceId, metric: 'reordered' });
    for (const message of [resolved, updated, fired]) if (message !== undefined) await publish(message);
    await eventually(async () => {
      await tellDue();
      expect(incidentsOf('reordered')).toMatchObject([{ state: '6' }]);
      expect(await lakeIds('reordered')).toHaveLength(3);
    });
    expect(await openRow('reordered')).not.toHaveProperty('openAtSite');
  });

  test('effect: a message that comes again changes nothing, and there is one incident (duplicate)', async () => {
    for (let time = 0; time < 3; time += 1) await publish(of('repeated'));
    await publish(of('repeated', { phase: 'updated', sequence: 2, firingSequence: 1 }));
    await eventually(async () => {
      await tellDue();
      expect(incidentsOf('repeated')).toHaveLength(1);
      expect(await openRow('repeated')).toMatchObject({ sequence: { N: '2' } });
      expect((await lakeIds('repeated')).toSorted()).toEqual(
        [1, 2].map((sequence) => `${of('repeated').id}:${sequence}`),
      );
    });
  });

  test('effect: a create whose answer was lost is found again, and there is one incident (partial failure)', async () => {
    serviceNow.faults.add({ kind: 'commit-then-cut', match: { method: 'POST', table: 'incident' }, count: 1 });
    await publish(of('lost'));
    await eventually(() => expect(incidentsOf('lost')).toHaveLength(1));
    await publish(of('lost', { phase: 'resolved', sequence: 2, firingSequence: 1 }));
    await eventually(async () => {
      await tellDue();
      expect(incidentsOf('lost')).toMatchObject([{ state: '6' }]);
    });
    expect(incidentsOf('lost')).toHaveLength(1);
  });

  test('effect: with edge and cloud both switched on each breach is in one incident, by whom its message says', async () => {
    const edge = createServiceNow(
      { ...configSchema.parse({}).serviceNow, url: serviceNow.url },
      {
        secrets: { kind: 'test', get: async () => ({ ok: true, credentials, version: '1' }) },
        ...{ logger: silentLogger, time: systemTime },
      },
    );
    const handler = await startHarness(
      (config) => {
        config.delivery.settleMs = 0;
      },
      { destination: () => edge },
    );
    const messages = (['edge', 'cloud'] as const).flatMap((opener) =>
      breach(1, { deviceId, metric: `by-${opener}`, opener }).slice(0, 2),
    );
    for (const message of messages) {
      handler.anomaly(message);
      await publish(message);
    }
    await eventually(async () => {
      await handler.settle();
      await tellDue();
      expect(incidentsOf('by-edge')).toHaveLength(1);
      expect(incidentsOf('by-cloud')).toHaveLength(1);
      // All have been heard by both.
      expect(await openRow('by-edge')).toMatchObject({ sequence: { N: '2' } });
      expect(await lakeIds('by-cloud')).toHaveLength(2);
    });
    await handler.handler.idle();
    await handler.close();
    await edge.close();
    const notes = serviceNow.rows('sys_journal_field').map((row) => row['value'] ?? '');
    const by = (metric: string) => notes.find((note) => note.includes(`${of(metric).id}:1]`)) ?? '';
    expect(by('by-edge')).toContain('Opened by the edge.');
    expect(by('by-cloud')).toContain('Opened by the cloud.');
    expect([incidentsOf('by-edge'), incidentsOf('by-cloud')].map((rows) => rows.length)).toEqual([1, 1]);
  });

  test('effect: what is no anomaly, or of another device, is parked byte for byte, and its followers go on (poison)', async () => {
    const lie = JSON.stringify(anomaly({ deviceId: 'incident-press-5' }));
    await publish('hello');
    await publish(lie);
    await publish(of('after-poison'));
    await eventually(async () => {
      const texts = (await translateParking()).map(({ reason, data }) => [
        reason,
        Buffer.from(data, 'base64').toString(),
      ]);
      expect(texts).toContainEqual(['not-an-anomaly', 'hello']);
      expect(texts).toContainEqual(['other-device', lie]);
      expect(await openRow('after-poison')).toBeDefined();
    });
  });

  test('effect: of a mixed batch each message is stored or parked, and no event is there twice', async () => {
    const before = (await translateParking()).length;
    const messages = Array.from({ length: 10 }, (_, place) =>
      breach(1 + 3 * place, { deviceId, metric: 'mixed', opener: 'edge' }),
    );
    for (const [place, message] of messages.flat().entries()) {
      await publish(message);
      if (place % 7 === 0) await publish(message);
      if (place % 10 === 9) await publish(`poison ${place}`);
    }
    await eventually(async () => {
      expect((await translateParking()).length - before).toBe(3);
      const ids = await lakeIds('mixed');
      expect(ids.length).toBe(30);
      expect(new Set(ids).size).toBe(30);
      expect(await openRow('mixed')).toMatchObject({ sequence: { N: '30' } });
    });
    expect(await openRow('mixed')).not.toHaveProperty('openAtSite');
    expect(incidentsOf('mixed')).toEqual([]);
  });

  test('effect: an event on which a consumer has failed three times lies in its dead letters', async () => {
    const message = of('dead', { opener: 'edge' });
    const { bodies, receives } = await deadLettersAfter(
      {
        queueUrl: await physicalId(stack, 'AWS::SQS::Queue', 'AnalyticsQueue'),
        functionName: output(stack, 'AnalyticsName'),
        without: 's3:PutObject',
      },
      () => publish(message),
    );
    expect(receives).toBe(3);
    expect(bodies.map((body) => incidentEvent.parse(JSON.parse(body)).eventDetails)).toContainEqual(message);
    expect(await lakeIds('dead')).toEqual([]);
  });

  test.each(openerStoreContract)('effect: in the table $says', async ({ says, holds }) => {
    await holds(await emptyStore(says));
  });

  test('rights: an opener that may not store an attempt sends none, and the event comes again', async () => {
    const invoke = async () => {
      const message = of('denied');
      const body = JSON.stringify({
        ...{ id: `${message.id}:1`, incidentId: message.id, eventCreated: message.at, eventType: 'IncidentOpened' },
        ...{ eventSource: 'anti-corruption-service', eventDetails: message },
      });
      const { Payload } = await client(LambdaClient).send(
        new InvokeCommand({
          FunctionName: output(stack, 'OpenerName'),
          Payload: JSON.stringify({
            Records: [{ messageId: 'denied', body, attributes: { MessageGroupId: 'denied' } }],
          }),
        }),
      );
      return JSON.parse(Buffer.from(Payload ?? []).toString());
    };
    const role = output(stack, 'OpenerRoleName');
    const statement = (await statementsOf(role)).find(({ actions }) => actions.includes('dynamodb:PutItem'));
    if (statement === undefined) throw new Error(`${role} may not write its table at all`);
    expect(await withoutStatement(role, statement, invoke)).toEqual({
      batchItemFailures: [{ itemIdentifier: 'denied' }],
    });
    expect(incidentsOf('denied')).toEqual([]);
    expect(await invoke()).toEqual({ batchItemFailures: [] });
    await eventually(async () => {
      await tellDue();
      expect(incidentsOf('denied')).toHaveLength(1);
    });
  });
});

describeRights('incident-events', { stack, rights });
describeRuleErrors('incident-events', { stack });
