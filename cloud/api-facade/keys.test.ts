import { CreateApiKeyCommand, CreateUsagePlanKeyCommand } from '@aws-sdk/client-api-gateway';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { AwsFault, fakeAws } from '../testing/fake-aws.ts';
import { hashOf, keyIdOf, newApiKey, parseApiKey } from './api-key.ts';
import { authorise } from './authorise.ts';
import { issuedKey, keyList, keyTags, type PlanName } from './contract.ts';
import { createGatewayKeys } from './gateway-keys.aws.ts';
import { createKeyTable } from './key-table.aws.ts';
import { createKeysApi, type GatewayKeys, type KeyRow, type KeyRows } from './keys.ts';

const account = '11111111-2222-4333-8444-555555555555';
const now = new Date('2026-11-24T10:00:00Z');

/** Rows and gateway of one account, in memory. */
function portal() {
  const rows = new Map<string, KeyRow & { hash: string; requests: number }>();
  const gateway = new Map<string, { value: string; plan: PlanName }>();
  let random = 0;
  const keyRows: KeyRows = {
    list: async () => [...rows.values()],
    async claim(_account, { slot, ...key }) {
      const known = rows.get(slot);
      if (known?.revokedAt === null) return false;
      rows.set(slot, { ...key, id: keyIdOf(slot, key.hash), slot, revokedAt: null, requests: known?.requests ?? 0 });
      return true;
    },
    async revoke(_account, id, at) {
      const row = [...rows.values()].find((one) => one.id === id);
      if (row !== undefined) row.revokedAt ??= at;
      return row;
    },
    usage: async (_account, slot) => rows.get(slot),
  };
  const keys: GatewayKeys = {
    async create({ name, value, plan }) {
      gateway.set(name, { value, plan });
      return name;
    },
    async remove(id) {
      gateway.delete(id);
    },
  };
  const app = createKeysApi({
    rows: keyRows,
    gateway: keys,
    gatewayValue: ({ hash }) => hash,
    now: () => now,
    random() {
      random += 1;
      return new Uint8Array(32).fill(random);
    },
    onFailure: ({ error }) => {
      throw error;
    },
  });
  const call = async (method: string, path: string, body?: unknown, groups: string[] = []) => {
    const request = new Request(`http://facade.invalid${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const caller = { requestId: 'one', keyId: undefined, plan: undefined, account, groups };
    const answer = await app.fetch(request, caller);
    const text = await answer.text();
    const answered: unknown = text === '' ? undefined : JSON.parse(text);
    return { status: answer.status, body: answered };
  };
  const authorised = (key: string) =>
    authorise(
      { methodArn: 'arn:route', headers: { 'X-Api-Key': key } },
      {
        async count({ slot }, hash) {
          const row = rows.get(slot);
          if (row === undefined || row.hash !== hash || row.revokedAt !== null) return undefined;
          row.requests += 1;
          return row.plan;
        },
      },
      now,
    );
  return { call, authorised, rows, gateway };
}

describe('keys of an account', () => {
  test('a key is shown once, kept as its hash, and opens until it is revoked', async () => {
    const { call, authorised, rows, gateway } = portal();
    const { status, body } = await call('POST', '/portal/apikeys', { label: ' line 4 ' });
    const { key, ...entry } = issuedKey.parse(body);
    expect([status, entry]).toEqual([
      201,
      { id: keyIdOf('1', hashOf(key)), plan: 'free', label: 'line 4', createdAt: now.toISOString(), revokedAt: null },
    ]);
    expect(JSON.stringify([...rows.values(), ...gateway])).not.toContain(key);
    expect(await call('GET', '/portal/apikeys')).toEqual({ status: 200, body: { keys: [entry] } });

    const hash = hashOf(key);
    expect(await authorised(key)).toMatchObject({
      policyDocument: { Statement: [{ Effect: 'Allow', Resource: 'arn:route' }] },
      context: { keyId: `${account}.1`, plan: 'free' },
      usageIdentifierKey: hash,
    });
    expect([...gateway.values()]).toEqual([{ value: hash, plan: 'free' }]);

    expect((await call('DELETE', `/portal/apikeys/${entry.id}`)).status).toBe(204);
    expect(await authorised(key)).toMatchObject({ policyDocument: { Statement: [{ Effect: 'Deny' }] } });
    expect(gateway.size).toBe(0);
    expect((await call('DELETE', `/portal/apikeys/${entry.id}`)).status).toBe(204);
  });

  test('an account has five keys at a time, and the count of a slot outlives its keys', async () => {
    const { call, authorised } = portal();
    const issued = [];
    for (let count = 0; count < 5; count += 1) {
      issued.push(issuedKey.parse((await call('POST', '/portal/apikeys', {})).body));
    }
    expect(new Set(issued.map(({ id }) => id)).size).toBe(5);
    expect(await call('POST', '/portal/apikeys', {})).toMatchObject({
      status: 409,
      body: { type: 'urn:greengrass-itsm:too_many_keys' },
    });
    await authorised(issued[2]?.key ?? '');
    const third = issued[2]?.id ?? '';
    await call('DELETE', `/portal/apikeys/${third}`);
    const next = issuedKey.parse((await call('POST', '/portal/apikeys', {})).body);
    expect(next.id).toMatch(/^3-/);
    expect((await call('GET', `/portal/apikeys/${next.id}/usage`)).body).toEqual({
      month: '2026-11',
      requests: 1,
      requestsPerMonth: 10_000,
    });
    expect(keyList.parse((await call('GET', '/portal/apikeys')).body).keys).toHaveLength(5);

    // The id of a key that has gone names no newer one.
    expect((await call('DELETE', `/portal/apikeys/${third}`)).status).toBe(404);
    expect((await call('GET', `/portal/apikeys/${third}/usage`)).status).toBe(404);
    expect(await authorised(next.key)).toMatchObject({ policyDocument: { Statement: [{ Effect: 'Allow' }] } });
  });

  test('a slot whose month is used up gets no new key, so that revoking is no way to a new quota', async () => {
    const { call, rows } = portal();
    const { id } = issuedKey.parse((await call('POST', '/portal/apikeys', {})).body);
    const [row] = rows.values();
    if (row !== undefined) row.requests = 10_000;
    await call('DELETE', `/portal/apikeys/${id}`);
    expect(issuedKey.parse((await call('POST', '/portal/apikeys', {})).body).id).toMatch(/^2-/);
  });

  test('the plan partner is for its group alone', async () => {
    const { call } = portal();
    expect((await call('POST', '/portal/apikeys', { plan: 'partner' })).status).toBe(403);
    expect(await call('POST', '/portal/apikeys', { plan: 'partner' }, ['partner'])).toMatchObject({
      status: 201,
      body: { plan: 'partner' },
    });
  });

  test.each([
    ['POST', '/portal/apikeys', { plan: 'gold' }, 400],
    ['POST', '/portal/apikeys', { label: 'x'.repeat(70_000) }, 413],
    ['DELETE', '/portal/apikeys/6', undefined, 400],
    ['DELETE', '/portal/apikeys/2', undefined, 400],
    ['DELETE', '/portal/apikeys/2-0123456789ab', undefined, 404],
    ['GET', '/portal/apikeys/2-0123456789ab/usage', undefined, 404],
    ['GET', '/portal/elsewhere', undefined, 404],
  ])('%s %s with %o is %i', async (method, path, body, status) => {
    const { call } = portal();
    expect((await call(method, path, body)).status).toBe(status);
  });
});

describe('the text of a key', () => {
  const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });

  test('says whose it is, and another one has another hash', () => {
    fc.assert(
      fc.property(bytes, bytes, fc.constantFrom('1', '2', '3', '4', '5'), (one, other, slot) => {
        const key = newApiKey(account, slot, one);
        expect(parseApiKey(key.text)).toEqual(key);
        expect(hashOf(key.text) === hashOf(newApiKey(account, slot, other).text)).toBe(Buffer.from(one).equals(other));
      }),
    );
  });

  test('anything else is none, and nobody is asked about it', async () => {
    const asked: unknown[] = [];
    const keys = {
      async count(key: unknown) {
        asked.push(key);
        return undefined;
      },
    };
    await fc.assert(
      fc.asyncProperty(fc.option(fc.string(), { nil: undefined }), async (text) => {
        const headers = text === undefined ? null : { 'x-api-key': text };
        const answer = await authorise({ methodArn: 'arn:route', headers }, keys, now);
        expect(answer.policyDocument.Statement[0].Effect).toBe('Deny');
      }),
    );
    expect(asked).toEqual([]);
  });
});

describe('the table of keys', () => {
  const written = z.object({ ConditionExpression: z.string(), UpdateExpression: z.string() });

  test('counts in the write that looks the key up, and takes a failed condition for no key', async () => {
    const inputs: unknown[] = [];
    const dynamo = new DynamoDBClient(
      fakeAws(({ input }) => {
        inputs.push(input);
        throw new AwsFault('ConditionalCheckFailedException');
      }),
    );
    expect(await createKeyTable(dynamo, 'Keys').count({ account, slot: '1' }, 'hash', '2026-11')).toBeUndefined();
    expect(written.parse(inputs[0])).toMatchObject({
      UpdateExpression: 'ADD #month :one',
      ConditionExpression: expect.stringContaining('#hash = :hash AND attribute_not_exists(#revokedAt) AND ('),
    });
    // A slot whose keys were shown 9,999 times has one request of the plan free left.
    expect(inputs[0]).toMatchObject({
      ConditionExpression: expect.stringContaining('(#plan = :free AND #month < :freeLimit)'),
      ExpressionAttributeValues: { ':freeLimit': { N: '10000' }, ':partnerLimit': { N: '1000000' } },
    });
  });

  test('fails where the table fails, so that nobody is let in or out by it', async () => {
    const dynamo = new DynamoDBClient(
      fakeAws(() => {
        throw new AwsFault('AccessDeniedException');
      }),
    );
    await expect(createKeyTable(dynamo, 'Keys').count({ account, slot: '1' }, 'hash', '2026-11')).rejects.toThrow();
  });
});

describe('the keys of API Gateway', () => {
  test('one that gets no plan is deleted again, and the failure is told', async () => {
    const sent: string[] = [];
    const tags: unknown[] = [];
    const gateway = createGatewayKeys(
      {
        async send(command: { constructor: { name: string } }) {
          if (command instanceof CreateApiKeyCommand) tags.push(command.input.tags);
          sent.push(command.constructor.name);
          if (command instanceof CreateUsagePlanKeyCommand) throw new Error('no such plan');
          return { id: 'key-1' };
        },
      },
      async () => ({ free: 'plan-1', partner: 'plan-2' }),
    );
    await expect(gateway.create({ name: 'one', value: 'hash', plan: 'free' })).rejects.toThrow('no such plan');
    expect(sent).toEqual(['CreateApiKeyCommand', 'CreateUsagePlanKeyCommand', 'DeleteApiKeyCommand']);
    expect(tags).toEqual([keyTags]);
  });
});
