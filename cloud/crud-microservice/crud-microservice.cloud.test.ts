import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import {
  DeleteRuleCommand,
  EventBridgeClient,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
  DeleteUserCommand,
  DeleteUserPolicyCommand,
  IAMClient,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { CreateQueueCommand, DeleteQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { account, client, type Keys } from '../testing/clients.ts';
import { describeRights } from '../testing/describe-rights.ts';
import { eventually } from '../testing/eventually.ts';
import { type HttpRequest, http } from '../testing/http-request.ts';
import { output } from '../testing/outputs.ts';
import { takeMessages } from '../testing/queue.ts';
import { assumeRole, statementsOf, withoutStatement } from '../testing/roles.ts';
import { signedHttp } from '../testing/signed-request.ts';
import { device, deviceList, eventDetail, eventSource, eventTypes, problem } from './contract.ts';
import { attributesOf } from './device-row.ts';
import { rights } from './rights.ts';
import { row } from './test-devices.ts';

const stack = 'CrudMicroserviceStack';
const TableName = output(stack, 'TableName');
const devices = `${output(stack, 'Endpoint')}/devices`;

const eventSchema = z.object({
  'detail-type': z.enum(eventTypes),
  source: z.literal(eventSource),
  detail: eventDetail,
});
const parkedSchema = z.object({ id: z.string(), reason: z.string(), data: z.string() });
const takeParked = takeMessages(output(stack, 'ParkingQueueUrl'), parkedSchema);

describe('crud-microservice', () => {
  const name = 'crud-microservice-test';
  let writer: Keys;
  let reader: Keys;
  let queueUrl: string;
  let takeEvents: () => Promise<readonly z.infer<typeof eventSchema>[]>;

  beforeAll(async () => {
    writer = await assumeRole(output(stack, 'WriterRoleArn'));
    reader = await assumeRole(output(stack, 'ReaderRoleArn'));
    const QueueArn = `arn:aws:sqs:${account.region}:${account.id}:${name}`;
    const allow = { Effect: 'Allow', Principal: { Service: 'events.amazonaws.com' }, Action: 'sqs:SendMessage' };
    const { QueueUrl } = await client(SQSClient).send(
      new CreateQueueCommand({
        QueueName: name,
        Attributes: {
          Policy: JSON.stringify({ Version: '2012-10-17', Statement: [{ ...allow, Resource: QueueArn }] }),
        },
      }),
    );
    queueUrl = z.string().parse(QueueUrl);
    takeEvents = takeMessages(queueUrl, eventSchema);
    const events = client(EventBridgeClient);
    await events.send(new PutRuleCommand({ Name: name, EventPattern: JSON.stringify({ source: [eventSource] }) }));
    await events.send(new PutTargetsCommand({ Rule: name, Targets: [{ Id: 'queue', Arn: QueueArn }] }));
  });

  afterAll(async () => {
    const events = client(EventBridgeClient);
    await events.send(new RemoveTargetsCommand({ Rule: name, Ids: ['queue'] }));
    await events.send(new DeleteRuleCommand({ Name: name }));
    await client(SQSClient).send(new DeleteQueueCommand({ QueueUrl: queueUrl }));
  });

  const send = (
    method: string,
    path: string,
    fields?: unknown,
    headers: Record<string, string> = {},
    keys = writer,
  ) => {
    const request: HttpRequest = { method, headers, ...(fields === undefined ? {} : { body: JSON.stringify(fields) }) };
    return signedHttp(keys, `${devices}${path}`, request);
  };
  const read = (body: string) => device.parse(JSON.parse(body));

  async function rowOf(id: string) {
    const { Item } = await client(DynamoDBClient).send(
      new GetItemCommand({ TableName, Key: { id: { S: id } }, ConsistentRead: true }),
    );
    return Item;
  }
  async function eventsOf(id: string) {
    return (await takeEvents())
      .filter(({ detail }) => detail.device.id === id)
      .toSorted((a, b) => a.detail.device.version - b.detail.device.version);
  }

  test('deployed: the registry answers, and says in its own words what it has not', async () => {
    expect(deviceList.parse(JSON.parse((await send('GET', '?limit=1')).body)).items.length).toBeLessThanOrEqual(1);
    const missing = await send('GET', '/01KDYDG6MY0E1R70Y3G7GE1R71');
    expect(missing).toMatchObject({ status: 404, headers: { 'content-type': 'application/problem+json' } });
    expect(problem.parse(JSON.parse(missing.body)).detail).toContain('01KDYDG6MY0E1R70Y3G7GE1R71');
  });

  test('triggered: a signed POST is a row and an event, by way of API, function, table, stream and bus', async () => {
    const answer = await send('POST', '', { title: 'Press 4', deviceId: 'press-4', site: 'hall-2' });
    expect(answer.status).toBe(201);
    const made = read(answer.body);
    expect(answer.headers['location']).toBe(`/devices/${made.id}`);
    expect(await rowOf(made.id)).toMatchObject({ title: { S: 'Press 4' }, version: { N: '1' } });
    await eventually(async () => {
      expect(await eventsOf(made.id)).toMatchObject([{ 'detail-type': 'DeviceRegistered', detail: { device: made } }]);
    });
  });

  test('effect: a device that is registered, changed and removed is told three times, in versions', async () => {
    const { id } = read((await signedHttp(writer, `${devices}?title=Saw%201`, { method: 'POST' })).body);
    expect(await send('PATCH', `/${id}`, { title: 'Saw 2', version: 7 })).toMatchObject({ status: 409 });
    const changed = await send('PATCH', `/${id}`, { title: 'Saw 2', version: 1 });
    expect(changed.status).toBe(200);
    expect(read((await send('GET', `/${id}`)).body)).toEqual(read(changed.body));
    expect(await send('DELETE', `/${id}`)).toMatchObject({ status: 204, body: '' });
    expect((await send('DELETE', `/${id}`)).status).toBe(204);
    expect((await send('PATCH', `/${id}`, { title: 'gone' })).status).toBe(404);
    // What is left says nothing of the device.
    expect(Object.keys((await rowOf(id)) ?? {}).toSorted()).toEqual(['expiresAt', 'id', 'removedAt', 'requestDigest']);
    await eventually(async () => {
      const told = await eventsOf(id);
      expect(told.map((event) => [event['detail-type'], event.detail.device.version]).toSorted()).toEqual([
        ['DeviceChanged', 2],
        ['DeviceRegistered', 1],
        ['DeviceRemoved', 2],
      ]);
    });
  });

  test('effect: a POST that is repeated after its device was removed does not bring it back', async () => {
    const headers = { 'idempotency-key': 'a-late-repeat-of-crud-1' };
    const post = () => send('POST', '', { title: 'late' }, headers);
    const { id } = read((await post()).body);
    expect((await send('DELETE', `/${id}`)).status).toBe(204);
    expect((await post()).status).toBe(409);
    expect((await send('GET', `/${id}`)).status).toBe(404);
    await eventually(async () => {
      const told = (await eventsOf(id)).map((event) => event['detail-type']);
      expect(told.toSorted()).toEqual(['DeviceRegistered', 'DeviceRemoved']);
    });
  });

  test('effect: a row that somebody wrote by hand is no device to read, to change or to remove', async () => {
    const id = '01KDYDG6MY0E1R70Y3G7GE1R72';
    await client(DynamoDBClient).send(new PutItemCommand({ TableName, Item: { id: { S: id }, note: { S: 'x' } } }));
    expect((await send('GET', `/${id}`)).status).toBe(404);
    expect((await send('PATCH', `/${id}`, { title: 'x' })).status).toBe(404);
    expect((await send('PATCH', `/${id}`, { title: 'x', version: 1 })).status).toBe(404);
    expect(await rowOf(id)).toEqual({ id: { S: id }, note: { S: 'x' } });
  });

  test('effect: of a mixed batch each is stored and told once, refused or parked, and no id is there twice', async () => {
    const parkedBefore = (await takeParked()).length;
    const titles = Array.from({ length: 20 }, (_, place) => (place % 5 === 4 ? '' : `mixed ${place}`));
    const ids: string[] = [];
    let refused = 0;
    for (const [place, title] of titles.entries()) {
      const headers = { 'idempotency-key': `mixed-batch-of-crud-${place}` };
      // Every third is sent once more by a caller that lost the answer.
      for (let sent = 0; sent < (place % 3 === 0 ? 2 : 1); sent += 1) {
        const answer = await send('POST', '', { title }, headers);
        if (answer.status === 400) refused += 1;
        else ids.push(read(answer.body).id);
      }
      if (place % 7 !== 0) continue;
      const Item = { id: { S: `by-hand-${place}` }, note: { S: 'no device' } };
      await client(DynamoDBClient).send(new PutItemCommand({ TableName, Item }));
    }
    expect(new Set(ids).size).toBe(16);
    expect(refused).toBe(5);
    await eventually(async () => {
      const told = (await takeEvents()).filter(({ detail }) => detail.device.title.startsWith('mixed'));
      expect(told.map(({ detail }) => detail.device.id).toSorted()).toEqual([...new Set(ids)].toSorted());
      const parked = (await takeParked()).slice(parkedBefore);
      expect(parked.map(({ reason }) => reason)).toEqual(['not-a-device', 'not-a-device', 'not-a-device']);
      const bytes = parked.map(({ data }) => Buffer.from(data, 'base64').toString());
      for (const place of [0, 7, 14]) expect(bytes.join()).toContain(`by-hand-${place}"`);
    });
    const events = await takeEvents();
    expect(new Set(events.map(({ detail }) => detail.eventId)).size).toBe(events.length);
  });

  test('effect: pages of the list have all devices once, and none of the rows that are none', async () => {
    const made: string[] = [];
    for (const title of ['page 1', 'page 2', 'page 3']) made.push(read((await send('POST', '', { title })).body).id);
    const ids: string[] = [];
    let token: string | undefined;
    do {
      const page = await send(
        'GET',
        `?limit=2${token === undefined ? '' : `&nextToken=${token}`}`,
        undefined,
        {},
        reader,
      );
      const { items, nextToken } = deviceList.parse(JSON.parse(page.body));
      ids.push(...items.map(({ id }) => id));
      token = nextToken;
    } while (token !== undefined);
    expect(ids).toEqual(expect.arrayContaining(made));
    expect(ids).not.toContain('by-hand-0');
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('rights: without a signature nobody gets in, and a reader cannot write', async () => {
    expect((await http(devices)).status).toBe(403);
    expect((await send('GET', '', undefined, {}, reader)).status).toBe(200);
    const one = '/01KDYDG6MY0E1R70Y3G7GE1R71';
    expect((await send('POST', '', { title: 'x' }, {}, reader)).status).toBe(403);
    expect((await send('PATCH', one, { title: 'x' }, {}, reader)).status).toBe(403);
    expect((await send('DELETE', one, undefined, {}, reader)).status).toBe(403);
  });

  // The local account is several: a key of twelve digits is the root of the account of that number.
  test.runIf(account.isLocal)(
    'rights: somebody of a second account that is named calls by a role, nobody of a third one does',
    async () => {
      const asIn = async <T>(id: string, work: (keys: Keys) => Promise<T>): Promise<T> => {
        const iam = client(IAMClient, { accessKeyId: id, secretAccessKey: 'test' });
        const UserName = 'caller-of-devices';
        const PolicyName = 'assume';
        const may = { Effect: 'Allow', Action: 'sts:AssumeRole', Resource: output(stack, 'WriterRoleArn') };
        await iam.send(new CreateUserCommand({ UserName }));
        const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [may] });
        await iam.send(new PutUserPolicyCommand({ UserName, PolicyName, PolicyDocument }));
        const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
        const { AccessKeyId = '', SecretAccessKey = '' } = AccessKey ?? {};
        try {
          const keys = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey };
          const { Account } = await client(STSClient, keys).send(new GetCallerIdentityCommand({}));
          expect(Account).toBe(id);
          return await work(keys);
        } finally {
          await iam.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId }));
          await iam.send(new DeleteUserPolicyCommand({ UserName, PolicyName }));
          await iam.send(new DeleteUserCommand({ UserName }));
        }
      };
      const assume = async (keys: Keys): Promise<Keys> => {
        const { Credentials } = await client(STSClient, keys).send(
          new AssumeRoleCommand({ RoleArn: output(stack, 'WriterRoleArn'), RoleSessionName: 'from-abroad' }),
        );
        const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = Credentials ?? {};
        return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
      };
      await asIn('111122223333', async (keys) => {
        // Its own keys are those of another account.
        expect((await send('GET', '', undefined, {}, keys)).status).toBe(403);
        const answer = await send('POST', '', { title: 'from abroad' }, {}, await assume(keys));
        expect(answer.status).toBe(201);
        expect(await rowOf(read(answer.body).id)).toMatchObject({ title: { S: 'from abroad' } });
      });
      await asIn('444455556666', (keys) =>
        expect(assume(keys)).rejects.toThrow('not authorized to perform: sts:AssumeRole'),
      );
    },
  );

  /** What a function answers while its role lacks the statement of one action. */
  async function lacking(which: 'Create' | 'Announce', action: string, payload: unknown) {
    const role = output(stack, `${which}RoleName`);
    const statement = (await statementsOf(role)).find(({ actions }) => actions.includes(action));
    if (statement === undefined) throw new Error(`${role} may not ${action} at all`);
    return withoutStatement(role, statement, async () => {
      const { FunctionError, Payload } = await client(LambdaClient).send(
        new InvokeCommand({ FunctionName: output(stack, `${which}Name`), Payload: JSON.stringify(payload) }),
      );
      return { FunctionError, text: Buffer.from(Payload ?? []).toString() };
    });
  }

  test('rights: functions that may not write or not tell are denied, and say so', async () => {
    const create = { headers: {}, body: JSON.stringify({ title: 'denied' }) };
    const writing = await lacking('Create', 'dynamodb:PutItem', create);
    expect(writing.FunctionError).toBeDefined();
    expect(writing.text).toContain('not authorized to perform: dynamodb:PutItem');
    const dynamodb = { SequenceNumber: '1', ApproximateCreationDateTime: 1_767_323_045, NewImage: attributesOf(row()) };
    const telling = await lacking('Announce', 'events:PutEvents', {
      Records: [{ eventID: 'denied', eventName: 'INSERT', dynamodb }],
    });
    expect(telling.FunctionError).toBeDefined();
    expect(telling.text).toContain('not authorized to perform: events:PutEvents');
  });
});

describeRights('crud-microservice', { stack, rights });
