import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { correlationIdOf, deviceOf, pageQuery } from './incident-record.ts';
import { createMediation } from './mediate.ts';
import { createReadingsApi } from './readings.ts';
import { serve } from './rest-event.ts';

const onFailure = ({ error }: { error: unknown }) => {
  throw error;
};
const requestContext = { requestId: 'request-1', authorizer: { keyId: 'account.1', plan: 'partner' } };
const onUpstreamFailure = () => undefined;
const event = (httpMethod: string, path: string, body: unknown = undefined, headers: Record<string, string> = {}) => ({
  ...{ httpMethod, path, headers, requestContext, multiValueQueryStringParameters: null },
  body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
});
const wanted = { site: 'hall-2', device: 'press-4', shortDescription: 'hot' };

describe('a request that is not valid', () => {
  function mediation() {
    let asked = 0;
    const app = createMediation({
      table: async () => {
        asked += 1;
        return { ok: true, value: [] };
      },
      newId: () => '0'.repeat(32),
      onFailure,
      onUpstreamFailure,
    });
    return { app, asked: () => asked };
  }

  test.each([
    ['POST', '/v1/incidents', 'no json', ''],
    ['POST', '/v1/incidents', { ...wanted, site: 'x'.repeat(129) }, 'site'],
    ['POST', '/v1/incidents', { ...wanted, shortDescription: 'x'.repeat(161) }, 'shortDescription'],
    ['POST', '/v1/incidents', { ...wanted, device: '°'.repeat(60) }, 'device'],
    ['PATCH', '/v1/incidents/INC0010001', {}, ''],
    ['PATCH', '/v1/incidents/INC0010001', { state: 'resolved' }, ''],
    ['PATCH', '/v1/incidents/INC1^ORactive=true', { workNote: 'x' }, 'number'],
    ['GET', '/v1/incidents/1', undefined, 'number'],
  ])(
    'a body that is no incident is refused field by field, and ServiceNow is not asked (poison)',
    async (method, path, body, field) => {
      const { app, asked } = mediation();
      const answer = await serve(app, event(method, path, body));
      expect(answer).toMatchObject({ statusCode: 400, headers: { 'content-type': 'application/problem+json' } });
      expect(JSON.parse(answer.body)).toMatchObject({ errors: [{ field }], correlationId: 'request-1' });
      expect(asked()).toBe(0);
    },
  );

  test.each([
    ['POST', '/v1/incidents', wanted],
    ['PATCH', '/v1/incidents/INC0010001', { workNote: 'x' }],
  ])('%s %s is for keys of the plan partner, and ServiceNow is not asked by another', async (method, path, body) => {
    for (const authorizer of [{ keyId: 'account.1', plan: 'free' }, { keyId: 'account.1' }]) {
      const { app, asked } = mediation();
      const answer = await serve(app, {
        ...event(method, path, body),
        requestContext: { requestId: 'one', authorizer },
      });
      expect(answer).toMatchObject({ statusCode: 403, headers: { 'content-type': 'application/problem+json' } });
      expect(JSON.parse(answer.body)).toMatchObject({ type: 'urn:greengrass-itsm:forbidden' });
      expect(asked()).toBe(0);
    }
  });

  test('a query is parsed, and a correlation id that could break a log is not taken over', async () => {
    const { app } = mediation();
    const query = (parameters: Record<string, string[]>) => ({
      ...event('GET', '/v1/incidents', undefined, { 'X-Correlation-Id': 'a b\n' }),
      headers: { 'x-correlation-id': 'a b' },
      multiValueQueryStringParameters: parameters,
    });
    expect(await serve(app, query({ limit: ['100'] }))).toMatchObject({
      statusCode: 200,
      headers: { 'x-correlation-id': 'request-1' },
    });
    for (const wrong of [{ limit: ['101'] }, { limit: ['0'] }, { state: ['open'] }, { cursor: ['x^ORactive=true'] }]) {
      expect((await serve(app, query(wrong))).statusCode).toBe(400);
    }
  });

  test('fields that nobody knows are ignored', async () => {
    const { app } = mediation();
    expect((await serve(app, event('GET', '/v1/incidents/INC0010001'))).statusCode).toBe(404);
    expect((await serve(app, event('PATCH', '/v1/incidents/INC0010001', { workNote: 'x', more: 1 }))).statusCode).toBe(
      404,
    );
  });

  test('a function that fails says so without saying how', async () => {
    const failures: unknown[] = [];
    const app = createMediation({
      table: async () => {
        throw new Error('the password is secret');
      },
      newId: () => '',
      onFailure: (failure) => failures.push(failure),
      onUpstreamFailure,
    });
    const answer = await serve(app, event('GET', '/v1/incidents', undefined, { 'x-correlation-id': 'order-7' }));
    expect([answer.statusCode, answer.headers['x-correlation-id']]).toEqual([500, 'order-7']);
    expect(answer.body).not.toContain('secret');
    expect(failures).toMatchObject([{ correlationId: 'order-7' }]);
  });
});

test('pages go by the instant of creation, as numbers are text: INC10000000 comes after INC9999999', async () => {
  const row = (number: string, sys_created_on: string) => ({
    ...{ sys_id: '0'.repeat(32), number, sys_created_on, state: '1', short_description: 'hot', description: '' },
    ...{ correlation_id: '', impact: 3, urgency: 3, priority: 5 },
    ...{ opened_at: sys_created_on, sys_updated_on: sys_created_on },
  });
  const newer = row('INC10000000', '2026-01-02 03:04:05');
  const older = row('INC9999999', '2026-01-02 03:04:04');
  const asked: (string | undefined)[] = [];
  const app = createMediation({
    table: async ({ query }) => {
      asked.push(query?.encoded);
      return { ok: true, value: [asked.length === 1 ? newer : older, older].slice(0, 3 - asked.length) };
    },
    newId: () => '',
    onFailure,
    onUpstreamFailure,
  });
  const list = async (parameters: Record<string, string[]>) => {
    const answer = await serve(app, {
      ...event('GET', '/v1/incidents'),
      multiValueQueryStringParameters: { limit: ['1'], ...parameters },
    });
    const { incidents, next } = z
      .object({ incidents: z.array(z.object({ number: z.string() })), next: z.string().nullable() })
      .parse(JSON.parse(answer.body));
    return { numbers: incidents.map(({ number }) => number), next };
  };
  const first = await list({});
  expect(first.numbers).toEqual(['INC10000000']);
  expect(await list({ cursor: [first.next ?? ''] })).toEqual({ numbers: ['INC9999999'], next: null });
  expect(asked[1]).toBe(
    'sys_created_on<=2026-01-02 03:04:05^sys_created_on<2026-01-02 03:04:05^ORnumber<INC10000000^ORDERBYDESCsys_created_on^ORDERBYDESCnumber',
  );
});

describe('the device of an incident', () => {
  const part = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 10 });

  test('is what it was opened for, and no part of it can leave its place in a query', () => {
    fc.assert(
      fc.property(part, part, (site, device) => {
        const id = correlationIdOf({ site, device, shortDescription: 'x', impact: 3, urgency: 3 }, '0'.repeat(32));
        if (id !== undefined) {
          expect(id.length).toBeLessThanOrEqual(100);
          expect(deviceOf(id)).toEqual({ site, device });
        }
        expect(pageQuery({ device }).split('^')).toHaveLength(3);
      }),
    );
  });

  test.each(['', 'a', 'a/b', '%/b/c', 'a/%zz/c'])('is unknown where the correlation id is "%s"', (id) => {
    expect(deviceOf(id)).toEqual({ site: null, device: null });
  });
});

describe('readings', () => {
  const stored = ['01', '02', '03', '04', '05'].map((second) => ({
    timestamp: `2026-01-02T03:04:${second}.000Z`,
    metrics: { temperature: Number(second) },
    site: null,
  }));
  const app = createReadingsApi({
    readings: {
      list: async ({ from, to, after = '', limit }) =>
        stored.filter(({ timestamp }) => timestamp >= from && timestamp <= to && timestamp > after).slice(0, limit),
    },
    onFailure,
  });
  const get = async (query: Record<string, string>) => {
    const multiValueQueryStringParameters = Object.fromEntries(
      Object.entries(query).map(([name, one]) => [name, [one]]),
    );
    const answer = await serve(app, {
      ...event('GET', '/v1/devices/press 4/readings'),
      multiValueQueryStringParameters,
    });
    return { status: answer.statusCode, body: JSON.parse(answer.body) };
  };
  const range = { from: '2026-01-02T04:04:02+01:00', to: '2026-01-02T03:04:05Z' };

  test('come page by page, each once, in the order of their instants', async () => {
    const first = await get({ ...range, limit: '3' });
    const second = await get({ ...range, limit: '3', cursor: first.body.next });
    expect([first, second].map(({ body }) => body.readings.map(({ at }: { at: string }) => at.slice(17, 19)))).toEqual([
      ['02', '03', '04'],
      ['05'],
    ]);
    expect(second.body.next).toBeNull();
  });

  test.each([
    [{ from: 'yesterday', to: range.to }, 'from'],
    [{ from: range.to, to: '2026-01-02T03:04:01Z' }, 'to'],
    [{ ...range, cursor: 'x' }, 'cursor'],
    [{ ...range, cursor: Buffer.from('2026-01-02T03:04:01.999Z').toString('base64url') }, 'cursor'],
    [{ ...range, cursor: Buffer.from('2026-01-02T03:04:05.001Z').toString('base64url') }, 'cursor'],
  ])('of %o are refused', async (query, field) => {
    expect(await get(query)).toMatchObject({ status: 400, body: { errors: [{ field }] } });
  });
});
