import { afterEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../platform/logger.ts';
import { manualTime } from '../../platform/time.ts';
import type { FaultInput } from './faults.ts';
import { type ServiceNow, startServiceNow } from './start-servicenow.ts';
import { testClient } from './test-client.ts';

const incidents = '/api/now/table/incident';
const running: ServiceNow[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop()));
});

async function start(...faults: FaultInput[]) {
  const time = manualTime(Date.parse('2026-03-01T10:00:00Z'));
  const serviceNow = await startServiceNow({
    port: 0,
    dataDir: ':memory:',
    logger: silentLogger,
    time,
    random: () => 0.5,
  });
  running.push(serviceNow);
  for (const fault of faults) serviceNow.faults.add(fault);
  const call = testClient(serviceNow);
  return {
    serviceNow,
    call,
    time,
    create: (body: unknown = {}) => call('POST', incidents, { body }),
    rows: () => serviceNow.rows('incident'),
  };
}

describe('an exchange under faults', () => {
  test('is cut before the commit: nothing was written', async () => {
    const { create, rows, serviceNow } = await start({ kind: 'cut-before-commit', count: 1 });
    await expect(create()).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(rows()).toHaveLength(0);
    expect((await create()).status).toBe(201);
    expect(serviceNow.faults.fired('cut-before-commit')).toBe(1);
  });

  test('is cut after the commit: the record is there', async () => {
    const { create, rows } = await start({ kind: 'commit-then-cut', count: 1 });
    await expect(create()).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(rows()).toHaveLength(1);
  });

  test('is cut and commits later, at its moment and not before', async () => {
    const { create, rows, time } = await start({ kind: 'cut-then-commit', delayMs: 5_000, count: 1 });
    await expect(create({ correlation_id: 'late' })).rejects.toMatchObject({ code: 'ECONNRESET' });
    time.advance(4_999);
    expect(rows()).toHaveLength(0);
    time.advance(1);
    expect(rows()).toMatchObject([{ correlation_id: 'late', sys_created_on: '2026-03-01 10:00:05' }]);
  });

  test('that was put off is dropped when the instance stops', async () => {
    const { create, serviceNow, time } = await start({ kind: 'cut-then-commit', delayMs: 5_000 });
    await expect(create()).rejects.toThrow();
    await serviceNow.stop();
    expect(time.nextTimerAt()).toBeUndefined();
  });

  test('is slow, and done even when its client has gone', async () => {
    const { create, rows, time, serviceNow } = await start({ kind: 'slow', delayMs: 1_000, count: 1 });
    const slow = create();
    await expect.poll(() => time.nextTimerAt()).toBe(1_000);
    expect(rows()).toHaveLength(0);
    time.advance(1_000);
    expect((await slow).status).toBe(201);

    serviceNow.faults.add({ kind: 'slow', delayMs: 1_000 });
    const client = new AbortController();
    const gone = fetch(serviceNow.url + incidents, {
      method: 'POST',
      headers: { 'x-sn-apikey': serviceNow.credentials.apiKey },
      signal: client.signal,
    });
    await expect.poll(() => time.nextTimerAt()).toBe(2_000);
    client.abort();
    await expect(gone).rejects.toThrow();
    time.advance(1_000);
    await expect.poll(() => rows().length).toBe(2);
  });

  test('gets the page of a sleeping instance, and nothing is written', async () => {
    const { create, rows } = await start({ kind: 'hibernate' });
    const reply = await create();
    expect([reply.status, reply.headers.get('content-type')]).toEqual([200, 'text/html']);
    expect(reply.text).toContain('Instance Hibernating page');
    expect(rows()).toHaveLength(0);
  });

  test.each([401, 403, 404, 429, 500, 502, 503])('gets status %i, and nothing is written', async (status) => {
    const { create, rows } = await start({ kind: 'status', status, count: 1 });
    const reply = await create();
    expect(reply.status).toBe(status);
    expect(JSON.parse(reply.text)).toMatchObject({ status: 'failure' });
    expect(rows()).toHaveLength(0);
  });

  test('gets half a body, or one that is no JSON, after the commit', async () => {
    const { create, rows } = await start({ kind: 'truncated-body', count: 1 }, { kind: 'malformed-body', count: 1 });
    await expect(create()).rejects.toMatchObject({ code: 'ECONNRESET' });
    const malformed = await create();
    expect(malformed.status).toBe(201);
    expect(() => JSON.parse(malformed.text)).toThrow();
    expect(rows()).toHaveLength(2);
  });

  test('may be cut at a read too, and the server lives on', async () => {
    const { call, create } = await start(
      { kind: 'cut-before-commit', match: { method: 'GET' } },
      { kind: 'cut-before-commit', match: { method: 'HEAD' } },
    );
    await expect(call('GET', incidents)).rejects.toMatchObject({ code: 'ECONNRESET' });
    await expect(call('HEAD', incidents)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect((await create()).status).toBe(201);
  });

  test('cannot see what it wrote', async () => {
    const { create, call, rows } = await start({ kind: 'create-without-read' });
    expect((await create()).status).toBe(201);
    expect((await call('GET', incidents)).text).toBe('{"result":[]}');
    expect((await call('GET', `${incidents}/${rows()[0]?.['sys_id']}`)).status).toBe(404);
  });

  test('loses parts of its query, and so sees more than it asked for', async () => {
    const { create, call } = await start({ kind: 'drop-query-parts', fields: ['correlation_id'] });
    await create({ correlation_id: 'a' });
    await create({ correlation_id: 'b' });
    const found = async (query: string) => (await call('GET', `${incidents}?sysparm_query=${query}`)).result;
    expect(await found('correlation_id=a')).toHaveLength(2);
    expect(await found('correlation_id=a^number=INC0010002')).toHaveLength(1);
  });

  test('is refused by a data policy', async () => {
    const { create, rows, call } = await start({ kind: 'data-policy', fields: ['Category', 'Caller'] });
    const reply = await create();
    expect(reply.status).toBe(403);
    expect(JSON.parse(reply.text).error).toEqual({
      message: 'Operation Failed',
      detail: 'Data Policy Exception: The following fields are mandatory: Category, Caller',
    });
    expect((await call('GET', incidents)).status).toBe(200);
    expect(rows()).toEqual([]);
  });

  test('is refused by a business rule', async () => {
    const { create, rows, call } = await start({
      kind: 'business-rule',
      name: 'Guard',
      match: { method: 'PATCH', bodyIncludes: '"state"' },
    });
    await create();
    const sysId = rows()[0]?.['sys_id'];
    const reply = await call('PATCH', `${incidents}/${sysId}`, { body: { state: 2 } });
    expect(reply.status).toBe(403);
    expect(JSON.parse(reply.text).error).toEqual({
      message: 'Operation Failed',
      detail: `Operation against file 'incident' was aborted by Business Rule 'Guard^${sysId}'. Business Rule Stack:Guard`,
    });
    expect((await call('PATCH', `${incidents}/${sysId}`, { body: { work_notes: 'x' } })).status).toBe(200);
  });

  test('cuts do not mix up requests that run at once', async () => {
    const { create, rows, serviceNow } = await start({ kind: 'commit-then-cut', probability: 1, count: 10 });
    const ends = await Promise.allSettled(
      Array.from({ length: 40 }, (_, index) => create({ correlation_id: `k${index}` })),
    );
    expect(ends.filter((end) => end.status === 'rejected')).toHaveLength(10);
    expect(new Set(rows().map((row) => row['correlation_id'])).size).toBe(40);
    expect(serviceNow.faults.fired('commit-then-cut')).toBe(10);
  });
});

describe('the admin endpoint', () => {
  test('wants its token', async () => {
    const { call, serviceNow } = await start();
    expect((await call('GET', '/admin/faults')).status).toBe(401);
    expect((await call('GET', '/admin/faults', { headers: { authorization: 'Bearer x' } })).status).toBe(401);
    const headers = { authorization: `Bearer ${serviceNow.credentials.adminToken}` };
    expect((await call('GET', '/admin/faults', { headers })).status).toBe(200);
  });

  test('adds, shows and removes faults, and says what is wrong with one', async () => {
    const { call, serviceNow, create } = await start();
    const headers = { authorization: `Bearer ${serviceNow.credentials.adminToken}` };
    const added = await call('POST', '/admin/faults', { headers, body: { kind: 'status', status: 503, count: 1 } });
    expect(added.status).toBe(201);
    expect((await create()).status).toBe(503);
    const shown = await call('GET', '/admin/faults', { headers });
    expect(JSON.parse(shown.text).faults).toMatchObject([
      { id: 'fault-1', fired: 1, fault: { kind: 'status', status: 503 } },
    ]);
    expect((await call('DELETE', '/admin/faults/fault-1', { headers })).status).toBe(204);
    expect((await call('DELETE', '/admin/faults/fault-1', { headers })).status).toBe(404);
    const wrong = await call('POST', '/admin/faults', { headers, body: { kind: 'status', status: 42 } });
    expect([wrong.status, wrong.text]).toEqual([400, expect.stringContaining('status')]);
  });

  test('rotates a password: the old one is refused from then on', async () => {
    const { call, serviceNow } = await start();
    const headers = { authorization: `Bearer ${serviceNow.credentials.adminToken}` };
    expect((await call('GET', incidents)).status).toBe(200);
    const rotated = await call('POST', '/admin/users/admin/password', { headers, body: { password: 'rotated' } });
    expect(rotated.status).toBe(204);
    expect((await call('GET', incidents)).status).toBe(401);
    expect((await call('GET', incidents, { as: { userName: 'admin', password: 'rotated' } })).status).toBe(200);
    expect((await call('POST', '/admin/users/someone/password', { headers, body: { password: 'x' } })).status).toBe(
      404,
    );
  });
});
