import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../platform/logger.ts';
import { manualTime } from '../../platform/time.ts';
import { type ServiceNow, startServiceNow } from './start-servicenow.ts';
import { type CallOptions, type Reply, testClient } from './test-client.ts';

const incidents = '/api/now/table/incident';
const time = manualTime(Date.parse('2026-03-01T10:00:00.900Z'));
let serviceNow: ServiceNow;
let call: ReturnType<typeof testClient>;

beforeAll(async () => {
  serviceNow = await startServiceNow({ port: 0, dataDir: ':memory:', logger: silentLogger, time });
  call = testClient(serviceNow);
  serviceNow.addUser({ userName: 'creator', password: 'p', roles: ['incident_creator'] });
  serviceNow.addUser({ userName: 'nobody', password: 'p', roles: [] });
  serviceNow.addUser({ userName: 'viewer', password: 'p', roles: ['reader'] });
  serviceNow.addUser({ userName: 'fulfiller', password: 'p', roles: ['itil'] });
});
afterAll(() => serviceNow.stop());
beforeEach(() => {
  serviceNow.reset();
  time.setWall(Date.parse('2026-03-01T10:00:00.900Z'));
});

const as = (userName: string) => ({ as: { userName, password: 'p' } });
const create = (body: unknown, options: CallOptions = {}) => call('POST', incidents, { body, ...options });
const onlyRow = () => serviceNow.rows('incident')[0] ?? {};

async function created(body: unknown): Promise<string> {
  await create(body);
  return serviceNow.rows('incident').at(-1)?.['sys_id'] ?? '';
}

function expectFailure(reply: Reply, status: number, message: string, detail: string | null) {
  expect({ status: reply.status, body: JSON.parse(reply.text) }).toEqual({
    status,
    body: { error: { message, detail }, status: 'failure' },
  });
}

describe('creating', () => {
  test('answers 201 with the record and where it is', async () => {
    const reply = await create({ short_description: 'hot', impact: 1, urgency: '2' });
    expect(reply.status).toBe(201);
    expect(reply.headers.get('content-type')).toBe('application/json;charset=UTF-8');
    expect(reply.headers.get('location')).toBe(`${serviceNow.url}${incidents}/${onlyRow()['sys_id']}`);
    expect(reply.result).toMatchObject({
      number: 'INC0010001',
      short_description: 'hot',
      priority: '2',
      state: '1',
      incident_state: '1',
      active: 'true',
      opened_at: '2026-03-01 10:00:00',
      sys_created_on: '2026-03-01 10:00:00',
      sys_created_by: 'admin',
      sys_mod_count: '0',
    });
    expect(onlyRow()['sys_id']).toMatch(/^[0-9a-f]{32}$/);
  });

  test('ignores unknown fields, fields of the system, the number, the priority and values that are no text', async () => {
    await create({
      misspelt: 'x',
      sys_id: 'x',
      sys_created_on: 'x',
      number: 'INC1',
      priority: '1',
      description: { a: 1 },
      category: null,
    });
    expect(onlyRow()).toMatchObject({ number: 'INC0010001', priority: '5', description: '', category: '' });
    expect(onlyRow()['sys_id']).not.toBe('x');
    expect(onlyRow()).not.toHaveProperty('misspelt');
  });

  test('cuts long values without an error, by characters', async () => {
    await create({
      short_description: '🔥'.repeat(161),
      correlation_id: 'c'.repeat(101),
      correlation_display: 'd'.repeat(101),
    });
    expect(onlyRow()).toMatchObject({
      short_description: '🔥'.repeat(160),
      correlation_id: 'c'.repeat(100),
      correlation_display: 'd'.repeat(100),
    });
  });

  test('is not idempotent: the same body twice makes two records', async () => {
    await create({ correlation_id: 'k' });
    await create({ correlation_id: 'k' });
    expect((await call('GET', `${incidents}?sysparm_query=correlation_id=k`)).result).toHaveLength(2);
  });

  test('takes a reference by sys_id or by its name', async () => {
    const group = serviceNow.rows('sys_user_group').find((row) => row['name'] === 'Hardware')?.['sys_id'];
    await create({ assignment_group: 'Hardware' });
    expect(onlyRow()['assignment_group']).toBe(group);
    await create({ assignment_group: group });
    expect(serviceNow.rows('incident')[1]?.['assignment_group']).toBe(group);
  });

  test('leaves the body out where it is not wanted', async () => {
    const reply = await create({}, { headers: { 'x-no-response-body': 'true' } });
    expect([reply.status, reply.text]).toEqual([201, '']);
  });

  test('refuses what is no JSON object and other media types', async () => {
    expectFailure(await create('{"a":'), 400, 'Exception while reading request', 'The payload is not valid JSON.');
    expect((await create('[1]')).status).toBe(400);
    expect((await create('<a/>', { headers: { 'content-type': 'text/csv' } })).status).toBe(415);
    expect((await create('{}', { headers: { accept: 'text/csv' } })).status).toBe(406);
    expect(serviceNow.rows('incident')).toEqual([]);
  });

  test('keeps what looks like code as it came', async () => {
    const text = `<script>alert(1)</script> '; DROP TABLE incident; -- "`;
    await create({ short_description: text, work_notes: text });
    expect(onlyRow()['short_description']).toBe(text);
    expect(serviceNow.rows('sys_journal_field')[0]?.['value']).toBe(text);
  });
});

describe('updating', () => {
  test.each(['PUT', 'PATCH'])('%s writes the given fields alone and counts', async (method) => {
    const sysId = await created({ short_description: 'hot', description: 'stays' });
    time.advance(5_000);
    const reply = await call(method, `${incidents}/${sysId}`, {
      body: { short_description: 'hotter' },
      ...as('fulfiller'),
    });
    expect(reply.status).toBe(200);
    expect(onlyRow()).toMatchObject({
      short_description: 'hotter',
      description: 'stays',
      sys_mod_count: '1',
      sys_updated_on: '2026-03-01 10:00:05',
      sys_updated_by: 'fulfiller',
      sys_created_by: 'admin',
    });
  });

  test('a write that changes nothing is not counted', async () => {
    const sysId = await created({ short_description: 'hot' });
    time.advance(5_000);
    await call('PATCH', `${incidents}/${sysId}`, { body: { short_description: 'hot', work_notes: '', misspelt: '1' } });
    expect(onlyRow()).toMatchObject({ sys_mod_count: '0', sys_updated_on: '2026-03-01 10:00:00' });
  });

  test('resolving needs close fields and leaves the record as it was where they are missing', async () => {
    const sysId = await created({});
    expectFailure(
      await call('PATCH', `${incidents}/${sysId}`, { body: { state: '6', work_notes: 'lost with it' } }),
      403,
      'Operation Failed',
      'Data Policy Exception: The following fields are mandatory: Resolution code',
    );
    expect(onlyRow()).toMatchObject({ state: '1', sys_mod_count: '0' });
    expect(serviceNow.rows('sys_journal_field')).toEqual([]);
    const reply = await call('PATCH', `${incidents}/${sysId}`, {
      body: { state: '6', close_code: 'Solution provided', close_notes: 'cool again' },
    });
    expect(reply.result).toMatchObject({
      state: '6',
      incident_state: '6',
      active: 'true',
      resolved_at: '2026-03-01 10:00:00',
    });
  });

  test('a POST may stand for a PATCH by the override header', async () => {
    const sysId = await created({});
    const headers = { 'x-http-method-override': 'PATCH' };
    expect((await call('POST', `${incidents}/${sysId}`, { body: { state: 2 }, headers })).status).toBe(200);
    expect(onlyRow()['state']).toBe('2');
  });

  test('takes labels for choices only as display values', async () => {
    const sysId = await created({});
    await call('PATCH', `${incidents}/${sysId}`, { body: { state: 'In Progress' } });
    expect(onlyRow()['state']).toBe('1');
    await call('PATCH', `${incidents}/${sysId}?sysparm_input_display_value=true`, { body: { state: 'In Progress' } });
    expect(onlyRow()['state']).toBe('2');
  });
});

describe('journals', () => {
  test('read back empty as value, and as the whole history, newest first, as display value', async () => {
    const sysId = await created({ work_notes: 'first' });
    time.advance(61_000);
    await call('PATCH', `${incidents}/${sysId}`, {
      body: { work_notes: 'second\n[x:1]', comments: 'hello' },
      ...as('fulfiller'),
    });
    const read = async (display: string) =>
      (await call('GET', `${incidents}/${sysId}?sysparm_fields=work_notes,comments&sysparm_display_value=${display}`))
        .result;
    const notes =
      '2026-03-01 10:01:01 - fulfiller (Work notes)\nsecond\n[x:1]\n\n2026-03-01 10:00:00 - System Administrator (Work notes)\nfirst\n\n';
    const comments = '2026-03-01 10:01:01 - fulfiller (Additional comments)\nhello\n\n';
    expect(await read('false')).toEqual({ work_notes: '', comments: '' });
    expect(await read('true')).toEqual({ work_notes: notes, comments });
    expect(await read('all')).toEqual({
      work_notes: { display_value: notes, value: '' },
      comments: { display_value: comments, value: '' },
    });
    expect(onlyRow()['sys_mod_count']).toBe('1');
  });

  test('have their entries in sys_journal_field, which clients cannot write', async () => {
    const sysId = await created({ work_notes: 'first' });
    const query = `element_id=${sysId}^element=work_notes`;
    expect((await call('GET', `/api/now/table/sys_journal_field?sysparm_query=${query}`)).result).toMatchObject([
      { name: 'incident', element: 'work_notes', element_id: sysId, value: 'first', sys_created_by: 'admin' },
    ]);
    expect((await call('POST', '/api/now/table/sys_journal_field', { body: { value: 'forged' } })).status).toBe(403);
  });
});

describe('reading', () => {
  test('gives a record in three display modes, with and without links', async () => {
    const sysId = await created({ assignment_group: 'Hardware' });
    const groupId = onlyRow()['assignment_group'];
    const link = `${serviceNow.url}/api/now/table/sys_user_group/${groupId}`;
    const read = async (parameters: string) =>
      (
        await call(
          'GET',
          `${incidents}/${sysId}?sysparm_fields=state,assignment_group,caller_id,misspelt&${parameters}`,
        )
      ).result;
    expect(await read('')).toEqual({ state: '1', assignment_group: { link, value: groupId }, caller_id: '' });
    expect(await read('sysparm_display_value=true')).toEqual({
      state: 'New',
      assignment_group: { display_value: 'Hardware', link },
      caller_id: '',
    });
    expect(await read('sysparm_display_value=all')).toEqual({
      state: { display_value: 'New', value: '1' },
      assignment_group: { display_value: 'Hardware', link, value: groupId },
      caller_id: { display_value: '', value: '' },
    });
    expect(await read('sysparm_exclude_reference_link=true')).toEqual({
      state: '1',
      assignment_group: groupId,
      caller_id: '',
    });
    expect(await read('sysparm_exclude_reference_link=true&sysparm_display_value=true')).toMatchObject({
      assignment_group: 'Hardware',
    });
    expect(await read('sysparm_exclude_reference_link=true&sysparm_display_value=all')).toMatchObject({
      assignment_group: { display_value: 'Hardware', value: groupId },
    });
  });

  test('walks references by dots in fields and in queries', async () => {
    await create({ assignment_group: 'Hardware', short_description: 'a' });
    await create({ short_description: 'b' });
    const reply = await call(
      'GET',
      `${incidents}?sysparm_query=assignment_group.name=hardware&sysparm_fields=short_description,assignment_group.name,assignment_group.manager.name,number.name`,
    );
    expect(reply.result).toEqual([
      { short_description: 'a', 'assignment_group.name': 'Hardware', 'assignment_group.manager.name': '' },
    ]);
  });

  test('counts all matches, pages and links the pages', async () => {
    for (let index = 0; index < 5; index += 1) await create({ correlation_id: `k${index}` });
    const page = await call(
      'GET',
      `${incidents}?sysparm_query=ORDERBYDESCnumber&sysparm_limit=2&sysparm_offset=2&sysparm_fields=number`,
    );
    expect(page.result).toEqual([{ number: 'INC0010003' }, { number: 'INC0010002' }]);
    expect(page.headers.get('x-total-count')).toBe('5');
    expect(page.headers.get('link')?.match(/rel="\w+"/g)).toEqual([
      'rel="first"',
      'rel="prev"',
      'rel="next"',
      'rel="last"',
    ]);
    const bare = await call('GET', `${incidents}?sysparm_no_count=true`);
    expect([bare.headers.get('x-total-count'), bare.headers.get('link')]).toEqual([null, null]);
    const unlinked = await call('GET', `${incidents}?sysparm_suppress_pagination_header=true`);
    expect([unlinked.headers.get('x-total-count'), unlinked.headers.get('link')]).toEqual(['5', null]);
  });

  test('filters by plain names and values, also by labels, beside an encoded query', async () => {
    const sysId = await created({ correlation_id: 'a' });
    await create({ correlation_id: 'b' });
    await call('PATCH', `${incidents}/${sysId}`, { body: { state: 8 } });
    const found = async (parameters: string) =>
      (await call('GET', `${incidents}?sysparm_fields=correlation_id&${parameters}`)).result;
    expect(await found('state=canceled')).toEqual([{ correlation_id: 'a' }]);
    expect(await found('number=INC0010002')).toEqual([{ correlation_id: 'b' }]);
    expect(await found('active=true&sysparm_query=correlation_id=a')).toEqual([]);
    expect(await found('misspelt=1')).toHaveLength(2);
  });

  test('a query with a misspelt field returns everything', async () => {
    await create({ correlation_id: 'a' });
    await create({ correlation_id: 'b' });
    expect((await call('GET', `${incidents}?sysparm_query=corelation_id=a`)).result).toHaveLength(2);
  });

  test('an empty list is 404 on v1 alone', async () => {
    expect((await call('GET', '/api/now/v2/table/incident')).text).toBe('{"result":[]}');
    expect((await call('GET', incidents)).text).toBe('{"result":[]}');
    expect((await call('GET', '/api/now/v1/table/incident')).status).toBe(404);
  });

  test('HEAD is GET without a body', async () => {
    await create({});
    const reply = await call('HEAD', incidents);
    expect([reply.status, reply.text, reply.headers.get('x-total-count')]).toEqual([200, '', '1']);
  });
});

describe('deleting', () => {
  test('answers 204 without a body and takes the journal along', async () => {
    const sysId = await created({ work_notes: 'first' });
    const reply = await call('DELETE', `${incidents}/${sysId}`);
    expect([reply.status, reply.text]).toEqual([204, '']);
    expect([serviceNow.rows('incident'), serviceNow.rows('sys_journal_field')]).toEqual([[], []]);
    expect((await call('DELETE', `${incidents}/${sysId}`)).status).toBe(404);
  });

  test('a number is not given out again', async () => {
    await call('DELETE', `${incidents}/${await created({})}`);
    expect((await create({})).result).toMatchObject({ number: 'INC0010002' });
  });
});

describe('refusals', () => {
  const noRecord = ['No Record found', "Record doesn't exist or ACL restricts the record retrieval"] as const;

  test('say what an instance says', async () => {
    expectFailure(await call('GET', `${incidents}/${'0'.repeat(32)}`), 404, ...noRecord);
    expectFailure(await call('PATCH', `${incidents}/${'0'.repeat(32)}`, { body: {} }), 404, ...noRecord);
    expectFailure(
      await call('GET', '/api/now/table/incidents'),
      400,
      'Invalid table incidents',
      'Table incidents does not exist',
    );
    expectFailure(await call('GET', '/api/now/nothing'), 400, 'Requested URI does not represent any resource', null);
    expectFailure(await call('GET', incidents, as('nobody')), 403, 'Insufficient rights to query records', null);
    expect((await call('POST', `${incidents}/x`, { body: {} })).status).toBe(405);
    expect((await call('PATCH', incidents, { body: {} })).status).toBe(405);
  });

  test.each([
    ['no authorization', { authorization: '' }],
    ['a wrong password', { authorization: `Basic ${Buffer.from('admin:wrong').toString('base64')}` }],
    ['an unknown user', { authorization: `Basic ${Buffer.from('someone:x').toString('base64')}` }],
    ['an unknown token', { authorization: 'Bearer x' }],
    ['a wrong API key', { authorization: '', 'x-sn-apikey': 'x' }],
  ])('%s is not authenticated', async (_case, headers) => {
    const reply = await call('GET', incidents, { headers });
    expectFailure(reply, 401, 'User Not Authenticated', 'Required to provide Auth information');
    expect(reply.headers.get('www-authenticate')).toBe('BASIC realm="Service-now"');
  });

  test('a user may create and not read: look-ups are empty or find no record', async () => {
    const reply = await create({ correlation_id: 'k' }, as('creator'));
    expect(reply.status).toBe(201);
    const list = await call('GET', `${incidents}?sysparm_query=correlation_id=k`, as('creator'));
    expect([list.status, list.text, list.headers.get('x-total-count')]).toEqual([200, '{"result":[]}', '0']);
    expectFailure(await call('GET', `${incidents}/${onlyRow()['sys_id']}`, as('creator')), 404, ...noRecord);
    expectFailure(
      await call('PATCH', `${incidents}/${onlyRow()['sys_id']}`, { body: {}, ...as('creator') }),
      404,
      ...noRecord,
    );
  });

  test('a reader writes nothing, a fulfiller deletes nothing', async () => {
    const sysId = await created({});
    expect((await create({}, as('viewer'))).status).toBe(403);
    expect((await call('PATCH', `${incidents}/${sysId}`, { body: { state: 2 }, ...as('viewer') })).status).toBe(403);
    expect((await call('DELETE', `${incidents}/${sysId}`, as('fulfiller'))).status).toBe(403);
    expect(serviceNow.rows('incident')).toMatchObject([{ state: '1' }]);
  });
});
