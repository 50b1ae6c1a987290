import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../platform/logger.ts';
import { manualTime } from '../../platform/time.ts';
import type { FaultInput } from './faults.ts';
import { type ServiceNow, startServiceNow } from './start-servicenow.ts';
import { type CallOptions, testClient } from './test-client.ts';

const incidents = '/api/now/table/incident';
const unknownId = '0'.repeat(32);
let serviceNow: ServiceNow;
let call: ReturnType<typeof testClient>;
beforeAll(async () => {
  const time = manualTime(Date.parse('2026-03-01T10:00:00Z'));
  serviceNow = await startServiceNow({ port: 0, dataDir: ':memory:', logger: silentLogger, time });
  call = testClient(serviceNow);
  serviceNow.addUser({ userName: 'nobody', password: 'p', roles: [] });
  serviceNow.addUser({ userName: 'viewer', password: 'p', roles: ['reader'] });
});
afterAll(() => serviceNow.stop());
beforeEach(() => {
  serviceNow.reset();
  serviceNow.faults.clear();
});

interface Refused {
  method?: string;
  path: string;
  options?: CallOptions;
  fault?: FaultInput;
  status: number;
  message: string;
  detail: string | null;
  headers?: Record<string, string>;
}

const nobody = { userName: 'nobody', password: 'p' };
const wrongPassword = { userName: 'admin', password: 'wrong' };

/** Texts as instances say them: clients tell refusals apart by their words. */
const refusals: [string, Refused][] = [
  [
    'no login',
    {
      path: incidents,
      options: { headers: { authorization: '' } },
      status: 401,
      message: 'User Not Authenticated',
      detail: 'Required to provide Auth information',
      headers: { 'www-authenticate': 'BASIC realm="Service-now"' },
    },
  ],
  [
    'a wrong password, before all else',
    {
      path: '/api/now/table/nothing',
      options: { as: wrongPassword },
      status: 401,
      message: 'User Not Authenticated',
      detail: 'Required to provide Auth information',
    },
  ],
  [
    'an unknown table',
    {
      path: '/api/now/table/incidents',
      status: 400,
      message: 'Invalid table incidents',
      detail: 'Table incidents does not exist',
    },
  ],
  [
    'an unknown path',
    {
      path: '/api/now/nothing',
      status: 400,
      message: 'Requested URI does not represent any resource',
      detail: null,
    },
  ],
  [
    'an unknown version',
    {
      path: '/api/now/v3/table/incident',
      status: 400,
      message: 'Requested URI does not represent any resource',
      detail: null,
    },
  ],
  [
    'no right to read',
    {
      path: incidents,
      options: { as: nobody },
      status: 403,
      message: 'Insufficient rights to query records',
      detail: null,
    },
  ],
  [
    'no right to write',
    {
      method: 'POST',
      path: incidents,
      options: { as: { userName: 'viewer', password: 'p' }, body: {} },
      status: 403,
      message: 'Operation Failed',
      detail: 'ACL Exception Insert Failed due to security constraints',
    },
  ],
  [
    'a business rule',
    {
      method: 'PATCH',
      path: `${incidents}/${unknownId}`,
      options: { body: {} },
      fault: { kind: 'business-rule', name: 'Guard' },
      status: 403,
      message: 'Operation Failed',
      detail: `Operation against file 'incident' was aborted by Business Rule 'Guard^${unknownId}'. Business Rule Stack:Guard`,
    },
  ],
  [
    'a resolution without its close fields',
    {
      method: 'POST',
      path: incidents,
      options: { body: { state: 6 } },
      status: 403,
      message: 'Operation Failed',
      detail: 'Data Policy Exception: The following fields are mandatory: Resolution code',
    },
  ],
  [
    'an unknown record',
    {
      path: `${incidents}/${unknownId}`,
      status: 404,
      message: 'No Record found',
      detail: "Record doesn't exist or ACL restricts the record retrieval",
    },
  ],
  [
    'an empty list on v1',
    {
      path: '/api/now/v1/table/incident',
      status: 404,
      message: 'No Record found',
      detail: "Record doesn't exist or ACL restricts the record retrieval",
    },
  ],
  [
    'a method that the path does not have',
    {
      method: 'DELETE',
      path: incidents,
      status: 405,
      message: 'Method not supported: DELETE',
      detail: null,
    },
  ],
  [
    'an answer in a format that there is not',
    {
      path: incidents,
      options: { headers: { accept: 'text/csv' } },
      status: 406,
      message: 'Not acceptable: application/json and application/xml can be produced',
      detail: null,
    },
  ],
  [
    'a body in a format that there is not',
    {
      method: 'POST',
      path: incidents,
      options: { body: 'a=b', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      status: 415,
      message: 'Unsupported media type: application/x-www-form-urlencoded',
      detail: null,
    },
  ],
  [
    'a rate limit with its headers',
    {
      path: incidents,
      fault: { kind: 'status', status: 429, retryAfterSeconds: 30, limitPerHour: 500 },
      status: 429,
      message: 'Rate limit exceeded',
      detail: 'Rate limit of 500 requests per hour for Table API exceeded',
      headers: {
        'retry-after': '30',
        'x-ratelimit-limit': '500',
        'x-ratelimit-reset': String(Date.parse('2026-03-01T10:00:30Z') / 1_000),
        'x-ratelimit-rule': 'Table API limit',
      },
    },
  ],
  [
    'a rate limit without headers',
    {
      path: incidents,
      fault: { kind: 'status', status: 429 },
      status: 429,
      message: 'Rate limit exceeded',
      detail: 'Rate limit of 1000 requests per hour for Table API exceeded',
      headers: { 'retry-after': 'null', 'x-ratelimit-limit': 'null', 'x-ratelimit-reset': 'null' },
    },
  ],
];

describe('a refusal', () => {
  test.each(refusals)('for %s has its status and its words', async (_case, refused) => {
    if (refused.fault !== undefined) serviceNow.faults.add(refused.fault);
    const reply = await call(refused.method ?? 'GET', refused.path, refused.options);
    expect({ status: reply.status, body: JSON.parse(reply.text) }).toEqual({
      status: refused.status,
      body: { error: { message: refused.message, detail: refused.detail }, status: 'failure' },
    });
    for (const [name, value] of Object.entries(refused.headers ?? {}))
      expect(String(reply.headers.get(name))).toBe(value);
    expect(serviceNow.rows('incident')).toEqual([]);
  });

  test('for a body of more than 10 MB needs no body: its declared length is enough', async () => {
    const { username, password } = serviceNow.credentials;
    const status = await new Promise<[number | undefined, string]>((resolve, reject) => {
      const request = httpRequest(serviceNow.url + incidents, {
        method: 'POST',
        auth: `${username}:${password}`,
        headers: { 'content-type': 'application/json', 'content-length': 10_485_761 },
        agent: false,
      });
      request.on('error', reject);
      request.on('response', (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => {
          request.destroy();
          resolve([response.statusCode, text]);
        });
      });
      request.flushHeaders();
    });
    expect(status).toEqual([
      413,
      JSON.stringify({
        error: {
          message: 'Exception while reading request',
          detail: 'Rejected large REST payload with content-length = 10485761 bytes. Max allowed: 10485760 bytes.',
        },
        status: 'failure',
      }),
    ]);
  });

  test('of OAuth has the words of OAuth', async () => {
    const reply = await call('POST', '/oauth_token.do', {
      body: 'grant_type=password&username=admin&password=wrong',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect([reply.status, JSON.parse(reply.text)]).toEqual([
      401,
      { error_description: 'access_denied', error: 'server_error' },
    ]);
  });

  test('of a HEAD request has its status and no body', async () => {
    const reply = await call('HEAD', `${incidents}/${unknownId}`);
    expect([reply.status, reply.text]).toEqual([404, '']);
  });
});
