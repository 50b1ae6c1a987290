import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../../platform/logger.ts';
import { manualTime } from '../../../platform/time.ts';
import { createChoices } from '../choices.ts';
import { openRecordStore } from '../record-store.ts';
import { createRecords } from '../records.ts';
import { type ServiceNow, type ServiceNowOptions, startServiceNow } from '../start-servicenow.ts';
import { type Table, tables } from '../tables.ts';
import { testClient } from '../test-client.ts';
import { pathOf } from './review-app.ts';
import { logIn, openEvents } from './test-page.ts';

const running: ServiceNow[] = [];

async function start(options: Partial<ServiceNowOptions> = {}) {
  const serviceNow = await startServiceNow({ port: 0, dataDir: ':memory:', logger: silentLogger, ...options });
  running.push(serviceNow);
  return { serviceNow, call: testClient(serviceNow) };
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop()));
});

function tableNamed(name: string): Table {
  const table = tables.get(name);
  if (table === undefined) throw new Error(`no table ${name}`);
  return table;
}

const incidents = '/api/now/table/incident';

describe('a login at the review page', () => {
  test('opens a session that reads by its cookie, and writes by its token too', async () => {
    const { serviceNow, call } = await start();
    const { response, body, setCookie, cookie, token } = await logIn(serviceNow);
    expect(response.status).toBe(200);
    expect(body).toMatchObject({ userName: 'admin', name: 'System Administrator', mayWrite: true });
    expect(setCookie).toMatch(/; Path=\/; HttpOnly; SameSite=Strict$/);

    const as = (headers: Record<string, string>) => ({ cookie, 'content-type': 'application/json', ...headers });
    const read = await fetch(serviceNow.url + incidents, { headers: as({}) });
    expect(read.status).toBe(200);
    const write = async (headers: Record<string, string>) =>
      (await fetch(serviceNow.url + incidents, { method: 'POST', body: '{}', headers: as(headers) })).status;
    expect(await write({})).toBe(401);
    expect(await write({ 'x-usertoken': 'guessed' })).toBe(401);
    expect(await write({ 'x-usertoken': token })).toBe(201);
    const overridden = await fetch(serviceNow.url + incidents, {
      headers: as({ 'x-http-method-override': 'POST' }),
    });
    expect(overridden.status).toBe(401);
    expect((await call('GET', `${incidents}?sysparm_fields=sys_created_by`)).result).toEqual([
      { sys_created_by: 'admin' },
    ]);
  });

  test('ends with a logout, and then nothing asks the browser for a password', async () => {
    const { serviceNow } = await start();
    const { cookie, token } = await logIn(serviceNow);
    const out = await fetch(`${serviceNow.url}/review/logout`, { method: 'POST', headers: { cookie } });
    expect([out.status, out.headers.get('set-cookie')]).toEqual([204, expect.stringContaining('Max-Age=0')]);
    for (const headers of [{ cookie }, { 'x-usertoken': token }]) {
      const refused = await fetch(serviceNow.url + incidents, { headers });
      expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, null]);
    }
    const session = await fetch(`${serviceNow.url}/review/session`, { headers: { cookie } });
    expect(await session.json()).toBeNull();
    expect((await fetch(serviceNow.url + incidents)).headers.get('www-authenticate')).toContain('BASIC');
  });

  test('is refused with a wrong password, and for a while after ten of them', async () => {
    const { serviceNow } = await start();
    for (let n = 0; n < 10; n += 1) expect((await logIn(serviceNow, `wrong-${n}`)).response.status).toBe(401);
    const { response, setCookie } = await logIn(serviceNow);
    expect([response.status, setCookie, Number(response.headers.get('retry-after')) > 0]).toEqual([429, '', true]);
  });

  test('is refused from a page of another origin, under another host name, and with more than a login in it', async () => {
    const { serviceNow, call } = await start();
    const send = (headers: Record<string, string>, body: unknown = { userName: 'admin', password: 'x' }) =>
      call('POST', '/review/login', { body, headers: { authorization: '', ...headers } });
    expect((await send({ origin: 'https://evil.example' })).status).toBe(403);
    expect((await send({ origin: `http://127.0.0.1:${serviceNow.port + 1}` })).status).toBe(403);
    expect((await send({ host: 'evil.example' })).status).toBe(421);
    expect((await send({}, 'not json')).status).toBe(400);
    expect((await send({}, { userName: 'admin', password: 'x'.repeat(5_000) })).status).toBe(413);
  });
});

describe('events of the review page', () => {
  test('tell of a new incident, of a note and of a file, and end with the server', async () => {
    const { serviceNow, call } = await start();
    const { cookie } = await logIn(serviceNow);
    const events = await openEvents(serviceNow, cookie);
    expect(await events.next()).toEqual({ name: 'faults', data: [] });
    const created = await call('POST', incidents, { body: { short_description: 'hot', work_notes: 'very' } });
    const sysId = serviceNow.rows('incident')[0]?.['sys_id'] ?? '';
    expect(created.status).toBe(201);
    expect(await events.next()).toEqual({ name: 'incidents', data: [sysId] });
    await call('PATCH', `${incidents}/${sysId}`, { body: { comments: 'seen' } });
    expect(await events.next()).toEqual({ name: 'incidents', data: [sysId] });
    const file = `/api/now/attachment/file?table_name=incident&table_sys_id=${sysId}&file_name=a.png`;
    await call('POST', file, { body: Buffer.from('png'), headers: { 'content-type': 'image/png' } });
    expect(await events.next()).toEqual({ name: 'incidents', data: [sysId] });
    await call('DELETE', `${incidents}/${sysId}`);
    expect(await events.next()).toEqual({ name: 'incidents', data: [sysId] });
    const ended = events.next();
    await serviceNow.stop();
    expect(await ended).toBeUndefined();
  });

  test('tell of a fault that comes, strikes and goes', async () => {
    const { serviceNow, call } = await start({ faults: [{ kind: 'slow', delayMs: 0, count: 1 }] });
    const { cookie } = await logIn(serviceNow);
    const events = await openEvents(serviceNow, cookie);
    expect(await events.next()).toMatchObject({
      name: 'faults',
      data: [{ text: expect.stringContaining('0 s late'), fired: 0 }],
    });
    await call('GET', incidents);
    expect(await events.next()).toEqual({ name: 'faults', data: [] });
    serviceNow.faults.add({ kind: 'status', status: 503, match: { table: 'incident' } });
    expect(await events.next()).toMatchObject({
      data: [{ text: 'Requests are answered with status 503 (only requests of table incident)' }],
    });
    await events.close();
  });

  test('are for those who are logged in', async () => {
    const { serviceNow } = await start();
    expect((await openEvents(serviceNow, 'servicenow_session=guessed')).response.status).toBe(401);
  });
});

describe('beside the page', () => {
  test('faults strike the clients of the API and not the page', async () => {
    const { serviceNow, call } = await start({ faults: [{ kind: 'status', status: 503 }] });
    const { cookie } = await logIn(serviceNow);
    expect((await fetch(serviceNow.url + incidents, { headers: { cookie } })).status).toBe(200);
    expect((await call('GET', incidents)).status).toBe(503);
    // A cookie beside another proof does not make a client into the page.
    expect((await call('GET', incidents, { headers: { cookie } })).status).toBe(503);
  });

  test('each change of a field is kept with its author, and goes with the incident', async () => {
    const { serviceNow, call } = await start();
    await call('POST', incidents, { body: { short_description: 'hot' } });
    const sysId = serviceNow.rows('incident')[0]?.['sys_id'] ?? '';
    await call('PATCH', `${incidents}/${sysId}`, { body: { state: '2', impact: '1' } });
    await call('PATCH', `${incidents}/${sysId}`, { body: { state: '2' } });
    const entries = serviceNow.rows('sys_audit').map(({ documentkey, fieldname, oldvalue, newvalue, user }) => ({
      documentkey,
      fieldname,
      oldvalue,
      newvalue,
      user,
    }));
    const change = { documentkey: sysId, user: 'admin' };
    expect(entries.sort((a, b) => (a.fieldname ?? '').localeCompare(b.fieldname ?? ''))).toEqual([
      { ...change, fieldname: 'impact', oldvalue: '3', newvalue: '1' },
      { ...change, fieldname: 'priority', oldvalue: '5', newvalue: '3' },
      { ...change, fieldname: 'state', oldvalue: '1', newvalue: '2' },
    ]);
    expect((await call('POST', '/api/now/table/sys_audit', { body: {} })).status).toBe(403);
    await call('DELETE', `${incidents}/${sysId}`);
    expect(serviceNow.rows('sys_audit')).toEqual([]);
  });

  test('of one incident the newest thousand changes are kept', () => {
    const store = openRecordStore(':memory:');
    const time = manualTime();
    const records = createRecords({ store, choices: createChoices(store), clock: time, newId: randomUUID });
    const context = { userName: 'admin', userSysId: '', inputIsDisplayValue: false };
    const [incident, audit] = [tableNamed('incident'), tableNamed('sys_audit')];
    const other = records.add(incident, {}, 'admin');
    let row = records.add(incident, {}, 'admin');
    records.update(incident, other, { short_description: 'other' }, context);
    for (let n = 0; n < 1_005; n += 1) {
      const written = records.update(incident, row, { short_description: `${n}` }, context);
      if (written.ok) row = written.row;
    }
    const all = { where: '1', orderBy: 't.seq', values: [] };
    const kept = store.select(audit, all, { limit: -1, offset: 0 }).filter((one) => one['fieldname'] !== 'priority');
    store.close();
    const values = kept.map((one) => one['newvalue']);
    expect([values.length, values[0], values[1], values.at(-1)]).toEqual([1_001, 'other', '5', '1004']);
  });

  test('its documents are served under a strict policy, and unknown files are not', async () => {
    const { serviceNow } = await start();
    for (const path of ['/', '/incident/INC0010001']) {
      const response = await fetch(serviceNow.url + path);
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
      expect(response.headers.get('content-security-policy')).toContain("script-src 'self'");
    }
    expect((await fetch(`${serviceNow.url}/assets/no-such.js`)).status).toBe(404);
  });

  test.each([
    ['incident.do?sys_id=0123456789abcdef0123456789abcdef', '/incident/0123456789abcdef0123456789abcdef'],
    ['/incident.do?sys_id=abc&sysparm_view=x', '/incident/abc'],
    ['incident.do?sys_id=../../x', '/'],
    ['incident_list.do?sysparm_query=active=true', '/?sysparm_query=active%3Dtrue'],
    ['https://evil.example/', '/'],
    ['//evil.example', '/'],
  ])('a link of an instance to %s leads to %s', (uri, path) => {
    expect(pathOf(uri)).toBe(path);
  });

  test('links of an instance are redirected', async () => {
    const { serviceNow } = await start();
    const locationOf = async (path: string) =>
      (await fetch(serviceNow.url + path, { redirect: 'manual' })).headers.get('location');
    expect(await locationOf('/nav_to.do?uri=incident.do?sys_id=abc')).toBe('/incident/abc');
    expect(await locationOf('/nav_to.do?uri=incident.do%3Fsys_id%3Dabc')).toBe('/incident/abc');
    expect(await locationOf('/incident.do?sys_id=abc')).toBe('/incident/abc');
  });
});
