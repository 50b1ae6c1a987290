import { DynamoDBClient, GetItemCommand, PutItemCommand, QueryCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import {
  GetFunctionCommand,
  InvokeCommand,
  LambdaClient,
  ListEventSourceMappingsCommand,
} from '@aws-sdk/client-lambda';
import type { Client } from 'stompit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { readingsTableName } from '../stream-ingestion/contract.ts';
import { type ActiveMq, connectStomp, startActiveMq } from '../testing/activemq.ts';
import { account, client } from '../testing/clients.ts';
import { describeRights } from '../testing/describe-rights.ts';
import { eventually } from '../testing/eventually.ts';
import { type MqEvent, type MqPoller, maximumRedeliveries, publish, startMqPoller } from '../testing/mq-poller.ts';
import { output } from '../testing/outputs.ts';
import { takeMessages } from '../testing/queue.ts';
import { haveReadingsTable } from '../testing/readings-table.ts';
import { statementsOf, withoutStatement } from '../testing/roles.ts';
import { authorization, destinationPolicy, groups } from './broker-policy.ts';
import { brokerDeadLetters, names } from './contract.ts';
import { rights } from './rights.ts';
import { message, readingText } from './test-messages.ts';

const stack = 'MqConsumerStack';
const FunctionName = output(stack, 'FunctionName');
const eventSourceArn = `arn:aws:mq:${account.region}:${account.id}:broker:${names.broker}:b-9bcfa592-423a-4942-879d-eb284b418fc8`;
const users = { lambda: groups.consumers, plant: groups.producers, operator: groups.operators };
const instant = (second: number) => new Date(Date.UTC(2026, 0, 2, 3, 4, second)).toISOString();

const parkedSchema = z.object({ id: z.string(), reason: z.string(), data: z.string() });
const takeParked = takeMessages(output(stack, 'ParkingQueueUrl'), parkedSchema);

async function rowsOf(device: string) {
  const { Items = [] } = await client(DynamoDBClient).send(
    new QueryCommand({
      ...{ TableName: readingsTableName, ConsistentRead: true, KeyConditionExpression: 'partitionKey = :key' },
      ExpressionAttributeValues: { ':key': { S: device } },
    }),
  );
  return Items;
}

/** Temperatures of a device's rows, in the order of their instants. */
async function temperaturesOf(device: string): Promise<string[]> {
  return (await rowsOf(device)).map(({ metrics }) => metrics?.M?.['temperature']?.N ?? '');
}

/** Calls the deployed function as Lambda's poller does. */
async function invoke(event: MqEvent): Promise<void> {
  const { FunctionError, Payload } = await client(LambdaClient).send(
    new InvokeCommand({ FunctionName, Payload: JSON.stringify(event) }),
  );
  if (FunctionError !== undefined) throw new Error(Buffer.from(Payload ?? []).toString());
}

describe('mq-consumer', () => {
  let broker: ActiveMq;
  let plant: Client;
  const pollers: MqPoller[] = [];

  beforeAll(async () => {
    const plugins = authorization(names.queue);
    const starting = startActiveMq({
      ...{ folder: account.folder, users, plugins, destinationPolicy, queue: names.queue },
    });
    await haveReadingsTable();
    broker = await starting;
    plant = await connectStomp(broker.addressFor('plant'));
  });

  afterAll(async () => {
    await Promise.all(pollers.map((poller) => poller.stop()));
    plant?.destroy();
    await broker?.stop();
  });

  /** Polls the queue of the room while a test runs, with the deployed function unless it says otherwise. */
  async function polling(options: {
    batchSize?: number;
    redeliveryDelayMs?: number;
    call?: (event: MqEvent) => Promise<void>;
  }): Promise<MqPoller> {
    const { batchSize = 100, redeliveryDelayMs = 50, call = invoke } = options;
    const poller = await startMqPoller({
      ...{ broker: broker.addressFor('lambda'), queue: names.queue, eventSourceArn, batchSize, redeliveryDelayMs },
      invoke: call,
    });
    pollers.push(poller);
    return poller;
  }

  const send = (body: string | Uint8Array) => publish(plant, names.queue, body);
  const readingOf = (deviceId: string, second: number, temperature: number) =>
    readingText({ deviceId, ts: instant(second), metrics: { temperature } });

  test('deployed: the function has the name of the post, and is mapped to the queue where the account polls brokers', async () => {
    const lambda = client(LambdaClient);
    const { Configuration } = await lambda.send(new GetFunctionCommand({ FunctionName: names.function }));
    expect(Configuration).toMatchObject({
      Timeout: 60,
      Environment: { Variables: { READINGS_TABLE: readingsTableName } },
    });
    const { EventSourceMappings } = await lambda.send(new ListEventSourceMappingsCommand({ FunctionName }));
    expect(EventSourceMappings).toHaveLength(account.isLocal ? 0 : 1);
  });

  test('triggered: readings sent as text and as bytes are rows [activemq]', async () => {
    const poller = await polling({});
    await send(readingOf('mq-text', 1, 21.5));
    await send(Buffer.from(readingOf('mq-bytes', 1, 22.5)));
    await eventually(async () => {
      expect(await temperaturesOf('mq-text')).toEqual(['21.5']);
      expect(await temperaturesOf('mq-bytes')).toEqual(['22.5']);
    });
    expect((await rowsOf('mq-text'))[0]).toMatchObject({ site: { S: 'hall-2' }, seq: { N: '12' } });
    await poller.stop();
  });

  test('effect: of 80 messages each is stored, parked or known, none twice, and the last of a key stands [activemq]', async () => {
    const before = (await takeParked()).length;
    const bodies = Array.from({ length: 80 }, (_, place) => {
      if (place % 10 === 9) return place % 20 === 9 ? `poison ${place}` : Buffer.from([0xff, place]);
      return readingOf('mq-many', place % 30, place);
    });
    await Promise.all(bodies.map(send));
    const poller = await polling({ batchSize: 40 });
    const last = new Map(bodies.flatMap((_, place) => (place % 10 === 9 ? [] : [[place % 30, place]])));
    await eventually(async () => {
      expect(await temperaturesOf('mq-many')).toEqual(
        [...last].toSorted(([a], [b]) => a - b).map(([, place]) => String(place)),
      );
      expect((await takeParked()).length - before).toBe(8);
    });
    await poller.stop();
    const parked = await takeParked();
    expect(new Set(parked.map(({ id }) => id)).size).toBe(parked.length);
    const bytes = parked.slice(before).map(({ data }) => data);
    const poison = bodies.filter((_, place) => place % 10 === 9).map((body) => Buffer.from(body).toString('base64'));
    expect(bytes.toSorted()).toEqual(poison.toSorted());
  });

  test('effect: what was done and not acknowledged comes again, and neither takes a later place nor is parked twice [activemq]', async () => {
    const before = (await takeParked()).length;
    await send(readingOf('mq-again', 1, 1));
    await send('again poison');
    const seen: MqEvent[] = [];
    const first: MqPoller = await polling({
      call: async (event) => {
        await invoke(event);
        seen.push(event);
        // The answer is there, and the connection breaks before anything is acknowledged.
        first.drop();
      },
    });
    await eventually(() => expect(seen).toHaveLength(1));
    expect(await temperaturesOf('mq-again')).toEqual(['1']);
    // Meanwhile another consumer has a later reading of the same instant stored, and so the first one is late.
    const [event] = seen;
    const later = message(1, readingOf('mq-again', 1, 2), { brokerInTime: Date.now() + 1_000 });
    await client(LambdaClient).send(
      new InvokeCommand({ FunctionName, Payload: JSON.stringify({ ...event, messages: [later] }) }),
    );
    const second = await polling({
      call: async (again) => {
        await invoke(again);
        seen.push(again);
      },
    });
    await eventually(() => expect(seen.slice(1).flatMap(({ messages }) => messages)).toHaveLength(2));
    await second.stop();
    expect(
      seen
        .slice(1)
        .flatMap(({ messages }) => messages)
        .map(({ redelivered }) => redelivered),
    ).toEqual([true, true]);
    expect(await temperaturesOf('mq-again')).toEqual(['2']);
    expect((await takeParked()).length - before).toBe(1);
  });

  test('effect: a row of the stream is left as it is, whatever the bus says of the same instant [activemq]', async () => {
    const key = { partitionKey: { S: 'mq-stream' }, timestamp: { S: instant(1) } };
    await client(DynamoDBClient).send(
      new PutItemCommand({ TableName: readingsTableName, Item: { ...key, value: { N: '7' } } }),
    );
    const poller = await polling({});
    await send(readingOf('mq-stream', 1, 8));
    await send(readingOf('mq-stream', 2, 9));
    await eventually(async () => expect(await rowsOf('mq-stream')).toHaveLength(2));
    await poller.stop();
    const { Item } = await client(DynamoDBClient).send(
      new GetItemCommand({ TableName: readingsTableName, Key: key, ConsistentRead: true }),
    );
    expect(Item).toEqual({ ...key, value: { N: '7' } });
  });

  test('effect: what the function never takes lies in the dead letters of the broker, also where it is not persistent [activemq]', async () => {
    let deliveries = 0;
    const poller = await polling({
      redeliveryDelayMs: 1,
      call: async () => {
        deliveries += 1;
        throw new Error('never');
      },
    });
    await send('lost to the function');
    const operator = await connectStomp(broker.addressFor('operator'));
    const bodies: string[] = [];
    operator.subscribe({ destination: `/queue/${brokerDeadLetters}`, ack: 'auto' }, (error, dead) => {
      if (error === null) dead.setEncoding('utf8').on('data', (text: string) => void bodies.push(text));
    });
    await eventually(() => expect(bodies).toEqual(['lost to the function']));
    expect(deliveries).toBe(1 + maximumRedeliveries);
    operator.destroy();
    await poller.stop();
  });

  test('rights: a function that may not write is denied, and the broker gives its batch again until it may [activemq]', async () => {
    const failures: string[] = [];
    const poller = await polling({
      redeliveryDelayMs: 500,
      call: (event) =>
        invoke(event).catch((error: unknown) => {
          failures.push(String(error));
          throw error;
        }),
    });
    const role = output(stack, 'RoleName');
    const statement = (await statementsOf(role)).find(({ actions }) => actions.includes('dynamodb:PutItem'));
    if (statement === undefined) throw new Error(`${role} may not write rows at all`);
    await withoutStatement(role, statement, async () => {
      await send(readingOf('mq-denied', 1, 3));
      await eventually(() => expect(failures).not.toEqual([]));
    });
    await eventually(async () => expect(await temperaturesOf('mq-denied')).toEqual(['3']));
    expect(failures[0]).toContain('The table of readings takes nothing for now');
    await poller.stop();
    const { Items = [] } = await client(DynamoDBClient).send(
      new ScanCommand({ TableName: output(stack, 'MarksTableName'), FilterExpression: 'attribute_exists(failures)' }),
    );
    expect(Items).toEqual([]);
  });

  test('rights: the plant may send to its queue alone, and Lambda may not send to it [activemq]', async () => {
    const attempt = async (user: keyof typeof users, queue: string) => {
      const connection = await connectStomp(broker.addressFor(user));
      // What is refused ends the connection.
      connection.on('error', () => undefined);
      return publish(connection, queue, 'x').then(
        () => 'sent',
        (error: unknown) => String(error),
      );
    };
    expect(await attempt('plant', brokerDeadLetters)).toContain('not authorized to write');
    expect(await attempt('lambda', names.queue)).toContain('not authorized to write');
    const reader = await startMqPoller({
      ...{ broker: broker.addressFor('plant'), queue: names.queue, eventSourceArn, batchSize: 1, invoke },
    });
    await eventually(() => expect(reader.failure()).toContain('not authorized to read'));
  });
});

describeRights('mq-consumer', { stack, rights });
