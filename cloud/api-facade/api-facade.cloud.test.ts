import {
  APIGatewayClient,
  CreateUsagePlanCommand,
  CreateUsagePlanKeyCommand,
  DeleteUsagePlanCommand,
  DeleteUsagePlanKeyCommand,
  GetUsagePlansCommand,
} from '@aws-sdk/client-api-gateway';
import {
  AdminAddUserToGroupCommand,
  AdminConfirmSignUpCommand,
  CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import { DynamoDBClient, GetItemCommand, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { ServiceNow } from '../../device/simulation/servicenow/start-servicenow.ts';
import { readingsTableName } from '../stream-ingestion/contract.ts';
import { account, client } from '../testing/clients.ts';
import { describeRights } from '../testing/describe-rights.ts';
import { type HttpRequest, http } from '../testing/http-request.ts';
import { output } from '../testing/outputs.ts';
import { haveReadingsTable } from '../testing/readings-table.ts';
import { statementsOf, withoutStatement } from '../testing/roles.ts';
import { startTestServiceNow } from '../testing/servicenow.ts';
import { issuedKey } from './contract.ts';
import { createUserPool, type UserPool } from './portal/user-pool.ts';
import { rights } from './rights.ts';

const stack = 'ApiFacadeStack';
const base = account.isLocal
  ? `https://${output(stack, 'ApiId')}.execute-api.localhost:4566/api`
  : output(stack, 'ApiUrl').replace(/\/$/, '');
const password = 'Long-enough-1-for-all';

/** A request to the API; a body goes as JSON, an answer comes as it is parsed. */
async function call(
  method: string,
  path: string,
  {
    key,
    token,
    body,
    headers = {},
  }: { key?: string; token?: string; body?: unknown; headers?: Record<string, string> } = {},
) {
  const request: HttpRequest = {
    method,
    headers: {
      ...(key === undefined ? {} : { 'x-api-key': key }),
      ...(token === undefined ? {} : { authorization: token }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  };
  const answer = await http(`${base}${path}`, request);
  const isJson = /json/.test(answer.headers['content-type'] ?? '');
  const parsed: unknown = isJson && answer.body !== '' ? JSON.parse(answer.body) : answer.body;
  return { status: answer.status, headers: answer.headers, body: parsed };
}

const wanted = {
  site: 'hall-2',
  device: 'facade-press-4',
  shortDescription: 'too hot <40 °C & rising',
  description: 'line one\nline two',
  impact: 1,
  urgency: 2,
};
const numbered = z.object({ number: z.string() });

describe('api-facade', () => {
  let serviceNow: ServiceNow;
  let token: string;
  /** Of the plan partner. */
  let key: string;
  let pool: UserPool;

  const incidents = () => serviceNow.rows('incident');

  async function issue(label: string, plan = 'free', by = token): Promise<z.infer<typeof issuedKey>> {
    const { status, body } = await call('POST', '/portal/apikeys', { token: by, body: { label, plan } });
    expect(status, JSON.stringify(body)).toBe(201);
    return issuedKey.parse(body);
  }

  beforeAll(async () => {
    serviceNow = await startTestServiceNow();
    const { username, password: own } = serviceNow.credentials;
    const SecretString = JSON.stringify({ url: serviceNow.url, username, password: own });
    await client(SecretsManagerClient).send(
      new PutSecretValueCommand({ SecretId: output(stack, 'InstanceSecretArn'), SecretString }),
    );
    const ClientId = output(stack, 'ClientId');
    const endpoint = account.endpoint ?? `https://cognito-idp.${account.region}.amazonaws.com/`;
    pool = createUserPool(endpoint, ClientId);
    const email = `reader-${Date.now()}@example.com`;
    expect(await pool.signUp(email, password)).toMatchObject({ ok: true });
    const user = { UserPoolId: output(stack, 'UserPoolId'), Username: email };
    await client(CognitoIdentityProviderClient).send(new AdminConfirmSignUpCommand(user));
    const signIn = async () => {
      const signedIn = await pool.signIn(email, password);
      if (!signedIn.ok) throw new Error(signedIn.sentence);
      return signedIn.value;
    };
    token = await signIn();
    await client(CognitoIdentityProviderClient).send(new AdminAddUserToGroupCommand({ ...user, GroupName: 'partner' }));
    // The token from before still says that the account is in no group.
    key = (await issue('tests', 'partner', await signIn())).key;
  });

  afterAll(() => serviceNow?.stop());

  test('deployed: the page and the OpenAPI document are there for everybody', async () => {
    const page = await call('GET', '/portal');
    expect([page.status, page.headers['content-security-policy']]).toEqual([
      200,
      expect.stringContaining("default-src 'none'"),
    ]);
    expect((await call('GET', '/portal/files/page.js')).headers['content-type']).toContain('text/javascript');
    expect((await call('GET', '/openapi.json')).body).toMatchObject({ openapi: '3.1.0' });
  });

  test('triggered: a POST with a key opens an incident in ServiceNow', async () => {
    const opened = await call('POST', '/v1/incidents', {
      key,
      body: wanted,
      headers: { 'x-correlation-id': 'order-7' },
    });
    expect(opened).toMatchObject({
      status: 201,
      headers: { 'x-correlation-id': 'order-7', 'content-type': expect.stringContaining('application/json') },
      body: { ...wanted, state: 'new', priority: 2 },
    });
    const { number } = numbered.parse(opened.body);
    expect(incidents().find((row) => row['number'] === number)).toMatchObject({
      short_description: wanted.shortDescription,
      description: wanted.description,
      correlation_id: expect.stringMatching(/^hall-2\/facade-press-4\/api\/[0-9a-f]{32}$/),
    });
  });

  test('effect: what is in ServiceNow is read, listed page by page, noted on and resolved', async () => {
    const device = 'facade-press-5';
    const numbers: string[] = [];
    for (let count = 0; count < 3; count += 1) {
      const { body } = await call('POST', '/v1/incidents', { key, body: { ...wanted, device } });
      numbers.push(numbered.parse(body).number);
    }
    const page = z.object({ incidents: z.array(numbered), next: z.string().nullable() });
    const first = page.parse((await call('GET', `/v1/incidents?device=${device}&state=new&limit=2`, { key })).body);
    const second = page.parse(
      (await call('GET', `/v1/incidents?device=${device}&state=new&limit=2&cursor=${first.next}`, { key })).body,
    );
    expect([...first.incidents, ...second.incidents].map(({ number }) => number)).toEqual(numbers.toReversed());
    expect(second.next).toBeNull();

    const [number = ''] = numbers;
    const done = { state: 'resolved', closeCode: 'Solution provided', closeNotes: 'cooled', workNote: 'fan replaced' };
    expect(await call('PATCH', `/v1/incidents/${number}`, { key, body: done })).toMatchObject({
      status: 200,
      body: { state: 'resolved' },
    });
    expect((await call('GET', `/v1/incidents/${number}`, { key })).body).toMatchObject({ number, state: 'resolved' });
    expect(serviceNow.rows('sys_journal_field').map((row) => row['value'])).toContain('fan replaced');
    expect((await call('GET', '/v1/incidents/INC9999999', { key })).status).toBe(404);
  });

  test('effect: of a mixed batch each request is stored or refused, and none is stored twice', async () => {
    const before = incidents().length;
    const good = Array.from({ length: 6 }, (_, place) => ({ ...wanted, shortDescription: `mixed ${place}` }));
    const batch: { body: unknown; name: string }[] = [
      ...good.map((body, place) => ({ body, name: `mixed-${place}` })),
      ...good.slice(0, 3).map((body, place) => ({ body, name: `mixed-${place}` })),
      { body: 'no json', name: 'poison-1' },
      { body: { ...wanted, impact: 9 }, name: 'poison-2' },
    ];
    const statuses: number[] = [];
    for (const { body, name } of batch) {
      statuses.push((await call('POST', '/v1/incidents', { key, body, headers: { 'idempotency-key': name } })).status);
    }
    expect(statuses).toEqual([201, 201, 201, 201, 201, 201, 200, 200, 200, 400, 400]);
    const stored = incidents().slice(before);
    expect(stored).toHaveLength(6);
    expect(new Set(stored.map((row) => row['correlation_id'])).size).toBe(6);
  });

  test('effect: a fault of ServiceNow is told apart from one of the caller, and nothing is stored', async () => {
    const before = incidents().length;
    serviceNow.faults.add({ kind: 'status', status: 429, retryAfterSeconds: 17, count: 1 });
    expect(await call('POST', '/v1/incidents', { key, body: wanted })).toMatchObject({
      status: 503,
      headers: { 'retry-after': '17', 'content-type': expect.stringContaining('application/problem+json') },
      body: { type: 'urn:greengrass-itsm:upstream_busy' },
    });
    serviceNow.faults.add({ kind: 'malformed-body', count: 1, match: { method: 'GET' } });
    expect((await call('GET', '/v1/incidents', { key })).status).toBe(502);
    expect(incidents()).toHaveLength(before);
    expect((await call('GET', '/v1/incidents', { key })).status).toBe(200);
  });

  test('effect: readings of a device are read from the table of stream-ingestion', async () => {
    const dynamo = client(DynamoDBClient);
    await haveReadingsTable();
    const at = (second: number) => `2026-01-02T03:04:0${second}.000Z`;
    for (const second of [1, 2, 3]) {
      await dynamo.send(
        new PutItemCommand({
          TableName: readingsTableName,
          Item: {
            partitionKey: { S: 'facade press 6' },
            timestamp: { S: at(second) },
            metrics: { M: { temperature: { N: `2${second}.5` } } },
            site: { S: 'hall-2' },
          },
        }),
      );
    }
    const path = `/v1/devices/${encodeURIComponent('facade press 6')}/readings`;
    expect(await call('GET', `${path}?from=${at(2)}&to=2026-01-02T04:04:03%2B01:00`, { key })).toMatchObject({
      status: 200,
      body: {
        readings: [
          { at: at(2), metrics: { temperature: 22.5 }, site: 'hall-2' },
          { at: at(3), metrics: { temperature: 23.5 } },
        ],
        next: null,
      },
    });
    expect(await call('GET', `${path}?from=${at(2)}`, { key })).toMatchObject({
      status: 400,
      body: { type: 'urn:greengrass-itsm:invalid_request' },
    });
  });

  test('effect: without a key, with a wrong one, and over its quota a request is refused', async () => {
    const forbidden = { status: 403, body: { type: 'urn:greengrass-itsm:forbidden', title: 'Forbidden', status: 403 } };
    expect(await call('GET', '/v1/incidents')).toMatchObject(forbidden);
    expect(await call('GET', '/v1/incidents', { key: `${key.slice(0, -5)}AAAAA` })).toMatchObject(forbidden);
    expect((await call('GET', '/portal/apikeys')).status).toBe(401);

    const limited = await issue('limited');
    await withQuota(limited, 2, async () => {
      const statuses: number[] = [];
      for (let count = 0; count < 3; count += 1) {
        statuses.push((await call('GET', '/v1/incidents', { key: limited.key })).status);
      }
      expect(statuses).toEqual([200, 200, 429]);
    });
    expect((await call('GET', `/portal/apikeys/${limited.id}/usage`, { token })).body).toMatchObject({
      requests: 3,
      requestsPerMonth: 10_000,
    });
    expect((await call('POST', '/portal/apikeys', { token, body: { plan: 'partner' } })).status).toBe(403);
  });

  test('effect: nobody signs up with an address of another domain', async () => {
    expect(await pool.signUp(`reader-${Date.now()}@elsewhere.net`, password)).toMatchObject({
      ok: false,
      sentence: expect.stringContaining('Ask the operators'),
    });
  });

  test('effect: a key of the plan free reads and does not write, and ends with its month, not with its gateway key', async () => {
    const before = incidents().length;
    const reader = await issue('reader');
    expect(await call('POST', '/v1/incidents', { key: reader.key, body: wanted })).toMatchObject({
      status: 403,
      body: { type: 'urn:greengrass-itsm:forbidden' },
    });
    expect(incidents()).toHaveLength(before);
    await client(DynamoDBClient).send(
      new UpdateItemCommand({
        ...{ TableName: output(stack, 'KeyTableName'), Key: keyOf(reader.id) },
        UpdateExpression: 'SET #month = :used',
        ExpressionAttributeNames: { '#month': `requests ${new Date().toISOString().slice(0, 7)}` },
        ExpressionAttributeValues: { ':used': { N: '9999' } },
      }),
    );
    expect((await call('GET', '/v1/incidents', { key: reader.key })).status).toBe(200);
    expect((await call('GET', '/v1/incidents', { key: reader.key })).status).toBe(403);
    expect((await call('DELETE', `/portal/apikeys/${reader.id}`, { token })).status).toBe(204);
  });

  test('effect: of a key only the hash is kept, and a revoked key is refused by the next request', async () => {
    const issued = await issue('short life');
    expect((await call('GET', '/v1/incidents', { key: issued.key })).status).toBe(200);
    const row = JSON.stringify(await rowOf(issued.id));
    expect(row).not.toContain(issued.key.split('.')[2]);
    const list = await call('GET', '/portal/apikeys', { token });
    expect(JSON.stringify(list.body)).toContain('short life');
    expect(JSON.stringify(list.body)).not.toContain(issued.key.split('.')[2]);

    expect((await call('DELETE', `/portal/apikeys/${issued.id}`, { token })).status).toBe(204);
    expect((await call('GET', '/v1/incidents', { key: issued.key })).status).toBe(403);
    expect((await call('DELETE', `/portal/apikeys/${issued.id}`, { token })).status).toBe(204);
  });

  test('rights: a function that may not read the table is denied, and the answer does not say more than that', async () => {
    await haveReadingsTable();
    const path = '/v1/devices/denied/readings?from=2026-01-02T03:04:05Z&to=2026-01-02T03:04:05Z';
    const role = output(stack, 'ReadReadingsRoleName');
    const statement = (await statementsOf(role)).find(({ actions }) => actions.includes('dynamodb:Query'));
    if (statement === undefined) throw new Error(`${role} may not query at all`);
    const denied = await withoutStatement(role, statement, () => call('GET', path, { key }));
    expect(denied).toMatchObject({ status: 500, body: { type: 'urn:greengrass-itsm:internal' } });
    expect(JSON.stringify(denied.body)).not.toMatch(/dynamodb|arn:/i);
    expect((await call('GET', path, { key })).status).toBe(200);
  });

  function keyOf(id: string) {
    const [sub = ''] = key.split('.');
    return { account: { S: sub }, slot: { S: id.charAt(0) } };
  }

  async function rowOf(id: string) {
    const { Item } = await client(DynamoDBClient).send(
      new GetItemCommand({
        TableName: output(stack, 'KeyTableName'),
        Key: keyOf(id),
        ConsistentRead: true,
      }),
    );
    return Item;
  }

  /** Does something while the key belongs to a plan of so many requests a month. */
  async function withQuota(issued: { id: string }, limit: number, work: () => Promise<void>): Promise<void> {
    const gateway = client(APIGatewayClient);
    const keyId = (await rowOf(issued.id))?.['gatewayKeyId']?.S ?? '';
    const apiStages = [{ apiId: output(stack, 'ApiId'), stage: 'api' }];
    const { items = [] } = await gateway.send(new GetUsagePlansCommand({ keyId }));
    for (const { id: usagePlanId } of items) await gateway.send(new DeleteUsagePlanKeyCommand({ usagePlanId, keyId }));
    const { id: usagePlanId } = await gateway.send(
      new CreateUsagePlanCommand({ name: 'two-requests', apiStages, quota: { limit, period: 'MONTH' } }),
    );
    await gateway.send(new CreateUsagePlanKeyCommand({ usagePlanId, keyId, keyType: 'API_KEY' }));
    try {
      await work();
    } finally {
      await gateway.send(new DeleteUsagePlanKeyCommand({ usagePlanId, keyId }));
      await gateway.send(new DeleteUsagePlanCommand({ usagePlanId }));
    }
  }
});

describeRights('api-facade', { stack, rights });
