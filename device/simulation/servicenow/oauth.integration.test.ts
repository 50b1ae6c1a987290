import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../platform/logger.ts';
import { manualTime } from '../../platform/time.ts';
import { type ServiceNow, startServiceNow } from './start-servicenow.ts';
import { testClient } from './test-client.ts';

const incidents = '/api/now/table/incident';
const time = manualTime(1_000_000_000);
let serviceNow: ServiceNow;
let call: ReturnType<typeof testClient>;
beforeAll(async () => {
  serviceNow = await startServiceNow({ port: 0, dataDir: ':memory:', logger: silentLogger, time });
  call = testClient(serviceNow);
});
afterAll(() => serviceNow.stop());
beforeEach(() => serviceNow.reset());

async function token(form: Record<string, string>) {
  const { clientId, clientSecret } = serviceNow.credentials;
  const body = new URLSearchParams({ client_id: clientId, client_secret: clientSecret, ...form }).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded', authorization: '' };
  const reply = await call('POST', '/oauth_token.do', { body, headers });
  const answer: Record<string, unknown> = JSON.parse(reply.text);
  return { status: reply.status, answer };
}
const byPassword = () =>
  token({ grant_type: 'password', username: 'admin', password: serviceNow.credentials.password });
const statusWith = async (bearer: unknown) =>
  (await call('GET', incidents, { headers: { authorization: `Bearer ${bearer}` } })).status;

describe('OAuth', () => {
  test.each([
    ['password', () => byPassword()],
    ['client_credentials', () => token({ grant_type: 'client_credentials' })],
  ])('%s gives a token that opens the Table API', async (_grant, request) => {
    const { status, answer } = await request();
    expect(status).toBe(200);
    expect(answer).toEqual({
      scope: 'useraccount',
      token_type: 'Bearer',
      expires_in: 1799,
      refresh_token: expect.any(String),
      access_token: expect.any(String),
    });
    expect(await statusWith(answer['access_token'])).toBe(200);
  });

  test('a second request inside the lifetime gets the same token with the time that is left', async () => {
    const first = await byPassword();
    time.advance(600_000);
    const second = await byPassword();
    expect(second.answer).toMatchObject({ access_token: first.answer['access_token'], expires_in: 1199 });
  });

  test('a token ends, and its refresh token gives another', async () => {
    const first = await byPassword();
    time.advance(1_800_000);
    expect(await statusWith(first.answer['access_token'])).toBe(401);
    const second = await token({ grant_type: 'refresh_token', refresh_token: String(first.answer['refresh_token']) });
    expect(second.status).toBe(200);
    expect(second.answer['access_token']).not.toBe(first.answer['access_token']);
    expect(await statusWith(second.answer['access_token'])).toBe(200);
  });

  test('a fault expires a token before its time', async () => {
    const { answer } = await byPassword();
    serviceNow.faults.add({ kind: 'expire-token', count: 1 });
    expect(await statusWith(answer['access_token'])).toBe(401);
    expect((await byPassword()).answer['access_token']).not.toBe(answer['access_token']);
  });

  test.each<[string, Record<string, string>]>([
    ['a wrong password', { grant_type: 'password', username: 'admin', password: 'wrong' }],
    ['a wrong client secret', { grant_type: 'client_credentials', client_secret: 'wrong' }],
    ['an unknown refresh token', { grant_type: 'refresh_token', refresh_token: 'x' }],
    ['an unknown grant', { grant_type: 'magic' }],
  ])('%s is refused', async (_case, form) => {
    expect(await token(form)).toEqual({
      status: 401,
      answer: { error_description: 'access_denied', error: 'server_error' },
    });
  });

  test('the API key opens the Table API', async () => {
    const headers = { authorization: '', 'x-sn-apikey': serviceNow.credentials.apiKey };
    expect((await call('GET', incidents, { headers })).status).toBe(200);
  });
});
