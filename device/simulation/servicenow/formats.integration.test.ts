import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../platform/logger.ts';
import { type ServiceNow, startServiceNow } from './start-servicenow.ts';
import { testClient } from './test-client.ts';

const incidents = '/api/now/table/incident';
let serviceNow: ServiceNow;
let call: ReturnType<typeof testClient>;
beforeAll(async () => {
  serviceNow = await startServiceNow({ port: 0, dataDir: ':memory:', logger: silentLogger });
  call = testClient(serviceNow);
});
afterAll(() => serviceNow.stop());
beforeEach(() => serviceNow.reset());

const xml = { 'content-type': 'application/xml', accept: 'application/xml' };
const document = '<?xml version="1.0" encoding="UTF-8"?>';

describe('XML', () => {
  test('creates, reads, updates and lists as JSON does', async () => {
    const entry =
      '<request><entry><short_description>a &lt;b&gt; &amp; c</short_description><urgency>1</urgency></entry></request>';
    const created = await call('POST', `${incidents}?sysparm_fields=number,short_description`, {
      body: entry,
      headers: xml,
    });
    expect(created.status).toBe(201);
    expect(created.headers.get('content-type')).toBe('application/xml;charset=UTF-8');
    expect(created.text).toBe(
      `${document}<response><result><number>INC0010001</number><short_description>a &lt;b&gt; &amp; c</short_description></result></response>`,
    );
    const [row] = serviceNow.rows('incident');
    expect(row).toMatchObject({ short_description: 'a <b> & c', urgency: '1', priority: '3' });

    const path = `${incidents}/${row?.['sys_id']}?sysparm_fields=assignment_group,state&sysparm_display_value=all`;
    const updated = await call('PATCH', path, {
      body: '<request><assignment_group>Hardware</assignment_group></request>',
      headers: xml,
    });
    expect(updated.text).toMatch(
      /<response><result><assignment_group><display_value>Hardware<\/display_value><link>http[^<]+<\/link><value>[0-9a-f]{32}<\/value><\/assignment_group><state><display_value>New<\/display_value><value>1<\/value><\/state><\/result><\/response>$/,
    );

    await call('POST', incidents, { body: '<request/>', headers: xml });
    const list = await call('GET', `${incidents}?sysparm_fields=number`, { headers: { accept: 'text/xml' } });
    expect(list.text).toBe(
      `${document}<response><result><number>INC0010001</number></result><result><number>INC0010002</number></result></response>`,
    );
    expect(list.headers.get('x-total-count')).toBe('2');
  });

  test('refuses as JSON does, also under a fault', async () => {
    const missing = await call('GET', `${incidents}/${'0'.repeat(32)}`, { headers: { accept: 'application/xml' } });
    expect(missing.status).toBe(404);
    expect(missing.text).toBe(
      `${document}<response><error><message>No Record found</message><detail>Record doesn&apos;t exist or ACL restricts the record retrieval</detail></error><status>failure</status></response>`,
    );
    const wrong = await call('POST', incidents, { body: '<request><a>', headers: xml });
    expect([wrong.status, wrong.text]).toEqual([400, expect.stringContaining('The payload is not valid XML.')]);
    serviceNow.faults.add({ kind: 'status', status: 503, count: 1 });
    expect((await call('GET', incidents, { headers: { accept: 'application/xml' } })).text).toContain('</response>');
    expect(serviceNow.rows('incident')).toEqual([]);
  });

  test('two entries are no record', async () => {
    const body = '<request><entry><urgency>1</urgency></entry><entry><urgency>2</urgency></entry></request>';
    expect((await call('POST', incidents, { body, headers: xml })).status).toBe(400);
  });
});

describe('a batch', () => {
  const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64');
  interface Serviced {
    id: string;
    status_code: number;
    status_text: string;
    body: string;
    headers: { name: string; value: string }[];
    execution_time: number;
  }
  const send = async (rest_requests: unknown, path = '/api/now/v1/batch', options = {}) => {
    const reply = await call('POST', path, { body: { batch_request_id: 7, rest_requests }, ...options });
    const answer: { batch_request_id: string; serviced_requests: Serviced[]; unserviced_requests: string[] } =
      JSON.parse(reply.text);
    return answer;
  };
  const bodyOf = (one: Serviced | undefined) => Buffer.from(one?.body ?? '', 'base64').toString('utf8');

  test('serves each request as if it had come alone, in its order', async () => {
    const answer = await send([
      { id: 'a', method: 'post', url: `${incidents}?sysparm_fields=number`, body: base64({ urgency: 1 }) },
      { id: 'b', method: 'GET', url: `${incidents}?sysparm_fields=number,urgency` },
      { id: 'c', method: 'GET', url: '/api/now/table/nothing' },
      { id: 'd', method: 'GET', url: 'http://[', headers: [] },
      { id: 'e', method: 'GET', url: '/api/now/v1/batch' },
    ]);
    expect(answer.batch_request_id).toBe('7');
    expect(answer.unserviced_requests).toEqual([]);
    expect(answer.serviced_requests.map(({ id, status_code, status_text }) => [id, status_code, status_text])).toEqual([
      ['a', 201, 'Created'],
      ['b', 200, 'OK'],
      ['c', 400, 'Bad Request'],
      ['d', 400, 'Bad Request'],
      ['e', 400, 'Bad Request'],
    ]);
    expect(answer.serviced_requests.slice(0, 2).map(bodyOf)).toEqual([
      '{"result":{"number":"INC0010001"}}',
      '{"result":[{"number":"INC0010001","urgency":"1"}]}',
    ]);
    expect(answer.serviced_requests[1]?.headers).toContainEqual({ name: 'X-Total-Count', value: '1' });
    expect(answer.serviced_requests[1]?.execution_time).toBeGreaterThanOrEqual(0);
  });

  test('honours the headers of each request, and leaves those of the answer out where asked', async () => {
    const answer = await send([
      {
        id: 1,
        method: 'POST',
        url: incidents,
        headers: [{ name: 'X-no-response-body', value: 'true' }],
        exclude_response_headers: true,
      },
      { id: 2, method: 'GET', url: incidents, headers: [{ name: 'Accept', value: 'application/xml' }] },
    ]);
    expect(answer.serviced_requests[0]).toMatchObject({ id: '1', status_code: 201, body: '', headers: [] });
    expect(bodyOf(answer.serviced_requests[1])).toContain('<response>');
  });

  test('acts for whoever sent it', async () => {
    serviceNow.addUser({ userName: 'viewer', password: 'p', roles: ['reader'] });
    const answer = await send([{ id: 1, method: 'POST', url: incidents, body: base64({}) }], undefined, {
      as: { userName: 'viewer', password: 'p' },
    });
    expect(answer.serviced_requests[0]?.status_code).toBe(403);
    expect(serviceNow.rows('incident')).toEqual([]);
  });

  test('is bounded: what is too much comes back unserviced', async () => {
    const requests = Array.from({ length: 203 }, (_, id) => ({
      id,
      method: 'GET',
      url: `${incidents}?sysparm_limit=1`,
    }));
    const answer = await send(requests, '/api/now/batch');
    expect(answer.serviced_requests).toHaveLength(200);
    expect(answer.unserviced_requests).toEqual(['200', '201', '202']);
  });

  test('is refused where it is none', async () => {
    expect((await call('POST', '/api/now/v1/batch', { body: { rest_requests: [] } })).status).toBe(400);
    expect(
      (await call('POST', '/api/now/v1/batch', { body: 'x', headers: { 'content-type': 'text/csv' } })).status,
    ).toBe(415);
    expect((await call('GET', '/api/now/v1/batch')).status).toBe(405);
    expect((await call('POST', '/api/now/v1/batch', { body: '{}', headers: { authorization: '' } })).status).toBe(401);
  });
});

describe('the property glide.invalid_query.returns_no_rows', () => {
  const property = 'glide.invalid_query.returns_no_rows';
  const found = async () => (await call('GET', `${incidents}?sysparm_query=misspelt=x`)).result;

  test('is set by the admin endpoint and takes effect at once', async () => {
    const headers = { authorization: `Bearer ${serviceNow.credentials.adminToken}` };
    await call('POST', incidents, { body: {} });
    expect(await found()).toHaveLength(1);
    expect((await call('PUT', `/admin/properties/${property}`, { headers, body: { value: true } })).status).toBe(204);
    expect(await found()).toEqual([]);
    const shown = await call('GET', '/admin/properties', { headers });
    expect(JSON.parse(shown.text)).toEqual({ properties: { [property]: 'true' } });
    expect((await call('PUT', '/admin/properties/other', { headers, body: { value: 'x' } })).status).toBe(404);
    expect((await call('PUT', `/admin/properties/${property}`, { headers, body: {} })).status).toBe(400);
    expect((await call('POST', '/admin/properties', { headers, body: {} })).status).toBe(405);
    expect((await call('PUT', `/admin/properties/${property}`, { body: { value: 'false' } })).status).toBe(401);
  });

  test('is a record of sys_properties, as on an instance', async () => {
    await call('POST', incidents, { body: {} });
    const list = await call('GET', `/api/now/table/sys_properties?name=${property}`);
    const sysId = serviceNow.rows('sys_properties')[0]?.['sys_id'];
    expect(list.result).toMatchObject([{ name: property, value: 'false', type: 'boolean' }]);
    await call('PATCH', `/api/now/table/sys_properties/${sysId}`, { body: { value: 'true' } });
    expect(await found()).toEqual([]);
  });
});
