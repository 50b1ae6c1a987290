import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { silentLogger } from '../../device/platform/logger.ts';
import type { FaultInput } from '../../device/simulation/servicenow/faults.ts';
import { type ServiceNow, startServiceNow } from '../../device/simulation/servicenow/start-servicenow.ts';
import { createMediation, type UpstreamFailure } from './mediate.ts';
import { createIncidentTable } from './service-now.ts';
import { jsonFormat, xmlFormat } from './table-format.ts';

let serviceNow: ServiceNow;
beforeAll(async () => {
  serviceNow = await startServiceNow({ port: 0, dataDir: ':memory:', password: 'right', logger: silentLogger });
});
afterAll(() => serviceNow.stop());
beforeEach(() => {
  serviceNow.reset();
  serviceNow.faults.clear();
});

const incidentOf = ({ body }: { body: unknown }) => z.object({ number: z.string() }).parse(body);
const page = z.object({ incidents: z.array(z.object({ number: z.string() })), next: z.string().nullable() });

describe.each([
  ['XML', xmlFormat],
  ['JSON', jsonFormat],
])('the incidents of an instance that speaks %s', (_name, format) => {
  const sent: { accept: string | null; body: string }[] = [];
  const failures: UpstreamFailure[] = [];
  let ids = 0;

  function client(password = 'right', timeoutMs = 5_000) {
    const app = createMediation({
      table: createIncidentTable({
        fetch: (address, init) => {
          sent.push({ accept: new Headers(init?.headers).get('accept'), body: String(init?.body ?? '') });
          return fetch(address, init);
        },
        format,
        readSecret: async () => ({ url: serviceNow.url, username: 'admin', password }),
        timeoutMs,
      }),
      newId() {
        ids += 1;
        return String(ids).padStart(32, '0');
      },
      onFailure: ({ error }) => {
        throw error;
      },
      onUpstreamFailure: (failure) => failures.push(failure),
    });
    return async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
      const request = new Request(`http://facade.invalid${path}`, {
        method,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const own = { keyId: 'account.1', plan: 'partner', account: undefined, groups: [] } as const;
      const caller = { requestId: 'request-1', ...own };
      const answer = await app.fetch(request, caller);
      const answered: unknown = await answer.json();
      return { status: answer.status, headers: answer.headers, body: answered };
    };
  }

  const wanted = { site: 'hall 2', device: 'press/4', shortDescription: 'a <b> & "c" °', description: 'one\ntwo' };

  test('are opened, read and changed, every character as it was', async () => {
    const call = client();
    const opened = await call('POST', '/v1/incidents', wanted);
    const expected = { ...wanted, number: 'INC0010001', state: 'new', impact: 3, urgency: 3, priority: 5 };
    expect([opened.status, opened.body]).toEqual([201, expect.objectContaining(expected)]);
    expect(opened.headers.get('location')).toBe('incidents/INC0010001');
    expect((await call('GET', '/v1/incidents/INC0010001')).body).toEqual(opened.body);
    const changed = await call('PATCH', '/v1/incidents/INC0010001', { state: 'on-hold', workNote: 'waiting' });
    expect(changed.body).toMatchObject({ state: 'on-hold', openedAt: expect.stringMatching(/^\d{4}-.+Z$/) });
    expect(serviceNow.rows('incident')[0]).toMatchObject({
      correlation_id: expect.stringMatching(/^hall%202\/press%2F4\/api\/0{31}\d$/),
    });
    expect(sent.every(({ accept }) => accept === format.media)).toBe(true);
  });

  test('are listed by state and device, a page after the other, whatever is opened meanwhile', async () => {
    const call = client();
    for (const device of ['a', 'b', 'a', 'a']) await call('POST', '/v1/incidents', { ...wanted, device });
    await call('PATCH', '/v1/incidents/INC0010003', { state: 'in-progress' });
    const first = page.parse((await call('GET', '/v1/incidents?device=a&limit=2')).body);
    await call('POST', '/v1/incidents', { ...wanted, device: 'a' });
    const second = page.parse((await call('GET', `/v1/incidents?device=a&limit=2&cursor=${first.next}`)).body);
    const numbers = [first, second].map(({ incidents }) => incidents.map(({ number }) => number));
    expect(numbers).toEqual([['INC0010004', 'INC0010003'], ['INC0010001']]);
    expect(second.next).toBeNull();
    const open = page.parse((await call('GET', '/v1/incidents?device=a&state=in-progress')).body);
    expect(open.incidents).toMatchObject([{ number: 'INC0010003' }]);
    expect((await call('GET', '/v1/incidents?device=nobody')).body).toEqual({ incidents: [], next: null });
  });

  test('a request that is repeated with its key opens nothing new (duplicate)', async () => {
    const call = client();
    const key = { 'idempotency-key': 'order-7' };
    const opened = await call('POST', '/v1/incidents', wanted, key);
    const again = await call('POST', '/v1/incidents', wanted, key);
    expect([opened.status, again.status, again.body]).toEqual([201, 200, opened.body]);
    expect((await call('POST', '/v1/incidents', wanted, { 'idempotency-key': 'order-8' })).status).toBe(201);
    expect(serviceNow.rows('incident')).toHaveLength(2);
  });

  test('a key that is sent with another request is refused, whatever people changed meanwhile', async () => {
    const call = client();
    const key = { 'idempotency-key': 'order-7' };
    const opened = await call('POST', '/v1/incidents', wanted, key);
    for (const other of [{ site: 'hall 3' }, { device: 'press/5' }, { description: 'other' }, { impact: 1 }]) {
      expect(await call('POST', '/v1/incidents', { ...wanted, ...other }, key)).toMatchObject({
        status: 409,
        body: {
          type: 'urn:greengrass-itsm:idempotency_key_reused',
          detail: expect.stringContaining(incidentOf(opened).number),
        },
      });
    }
    await call('PATCH', `/v1/incidents/${incidentOf(opened).number}`, { state: 'in-progress' });
    expect((await call('POST', '/v1/incidents', wanted, key)).status).toBe(200);
    expect(serviceNow.rows('incident')).toHaveLength(1);
  });

  test('operators learn why ServiceNow did not serve, and callers no more than that', async () => {
    failures.length = 0;
    await client('wrong')('GET', '/v1/incidents');
    const table = createIncidentTable({
      fetch,
      format,
      // Port 1 of this machine: nobody listens.
      readSecret: async () => ({ url: 'http://127.0.0.1:1', username: 'admin', password: 'right' }),
      timeoutMs: 5_000,
    });
    const unreachable = await table({ method: 'GET', correlationId: 'request-1' });
    expect(failures).toMatchObject([{ kind: 'upstream_auth', correlationId: 'request-1' }]);
    expect(unreachable).toMatchObject({
      kind: 'upstream_unreachable',
      detail: expect.not.stringContaining('127.0.0.1'),
      cause: expect.stringMatching(/^\w*Error/),
    });
  });

  test.each<[FaultInput, number, string, string | null]>([
    [{ kind: 'status', status: 429, retryAfterSeconds: 17 }, 503, 'upstream_busy', '17'],
    [{ kind: 'status', status: 503 }, 503, 'upstream_busy', '30'],
    [{ kind: 'hibernate' }, 503, 'upstream_busy', '60'],
    [{ kind: 'status', status: 500 }, 502, 'upstream_invalid', null],
    [{ kind: 'malformed-body' }, 502, 'upstream_invalid', null],
    [{ kind: 'truncated-body' }, 502, 'upstream_unreachable', null],
    [{ kind: 'drop-query-parts', fields: ['state'] }, 502, 'upstream_invalid', null],
  ])('what ServiceNow answers under %o is told apart (throttle)', async (fault, status, kind, retryAfter) => {
    const call = client();
    await call('POST', '/v1/incidents', wanted);
    serviceNow.faults.add(fault);
    const answer = await call('GET', '/v1/incidents?state=closed');
    expect([answer.status, answer.body, answer.headers.get('retry-after')]).toEqual([
      status,
      expect.objectContaining({ type: `urn:greengrass-itsm:${kind}`, correlationId: 'request-1' }),
      retryAfter,
    ]);
  });

  test('wrong credentials, a slow instance and a refused change are told apart', async () => {
    await client()('POST', '/v1/incidents', wanted);
    expect(await client('wrong')('GET', '/v1/incidents')).toMatchObject({
      status: 502,
      body: { type: 'urn:greengrass-itsm:upstream_auth' },
    });
    serviceNow.faults.add({ kind: 'business-rule', name: 'No changes today' });
    expect(await client()('PATCH', '/v1/incidents/INC0010001', { workNote: 'x' })).toMatchObject({
      status: 422,
      body: { type: 'urn:greengrass-itsm:refused_by_instance', detail: expect.stringContaining('No changes today') },
    });
    serviceNow.faults.clear();
    serviceNow.faults.add({ kind: 'slow', delayMs: 2_000 });
    expect(await client('right', 20)('GET', '/v1/incidents')).toMatchObject({
      status: 504,
      body: { type: 'urn:greengrass-itsm:upstream_timeout' },
    });
  });
});
