import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../platform/logger.ts';
import { type ServiceNow, type ServiceNowOptions, startServiceNow } from './start-servicenow.ts';
import { testClient } from './test-client.ts';

const running: ServiceNow[] = [];
const folders: string[] = [];

async function start(options: Partial<ServiceNowOptions> = {}) {
  const serviceNow = await startServiceNow({ port: 0, dataDir: ':memory:', logger: silentLogger, ...options });
  running.push(serviceNow);
  return { serviceNow, call: testClient(serviceNow) };
}

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'servicenow-'));
  folders.push(made);
  return join(made, 'data');
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop()));
  await Promise.all(folders.splice(0).map((one) => rm(one, { recursive: true })));
});

const incidents = '/api/now/table/incident';

describe('the local ServiceNow', () => {
  test('keeps records, numbers, passwords and credentials over a restart', async () => {
    const dataDir = await folder();
    const first = await start({ dataDir });
    await first.call('POST', incidents, { body: { short_description: 'one', work_notes: 'a note' } });
    first.serviceNow.addUser({ userName: 'bot', password: 'bot-password', roles: ['itil'] });
    await first.serviceNow.stop();

    const second = await start({ dataDir });
    expect(second.serviceNow.credentials).toEqual(first.serviceNow.credentials);
    const as = { userName: 'bot', password: 'bot-password' };
    expect((await second.call('POST', incidents, { body: {}, as })).result).toMatchObject({ number: 'INC0010002' });
    const found = await second.call('GET', `${incidents}?number=INC0010001&sysparm_display_value=true`);
    expect(found.result).toMatchObject([{ short_description: 'one', work_notes: expect.stringContaining('a note') }]);
  });

  test('writes its credentials for the owner alone, and a given password not at all', async () => {
    const dataDir = await folder();
    const { serviceNow, call } = await start({ dataDir, password: 'given-by-the-caller' });
    const file = join(dataDir, 'credentials.json');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
    expect(await readFile(file, 'utf8')).not.toContain('given-by-the-caller');
    expect((await call('GET', incidents)).status).toBe(200);
    await serviceNow.stop();
    for (const name of ['servicenow.db', 'servicenow.db-wal']) {
      const bytes = await readFile(join(dataDir, name)).catch(() => Buffer.alloc(0));
      expect(bytes.includes('given-by-the-caller')).toBe(false);
    }
  });

  test('takes the password that it is started with', async () => {
    const dataDir = await folder();
    await (await start({ dataDir, password: 'old' })).serviceNow.stop();
    const { call } = await start({ dataDir, password: 'new' });
    expect((await call('GET', incidents)).status).toBe(200);
    expect((await call('GET', incidents, { as: { userName: 'admin', password: 'old' } })).status).toBe(401);
  });

  test('a reset empties it, starts the numbers anew and keeps the accounts', async () => {
    const { serviceNow, call } = await start();
    await call('POST', incidents, { body: {} });
    serviceNow.reset();
    expect(serviceNow.rows('incident')).toEqual([]);
    expect((await call('POST', incidents, { body: {} })).result).toMatchObject({ number: 'INC0010001' });
    expect((await call('GET', '/api/now/table/sys_choice?name=incident&element=state')).result).toHaveLength(6);
  });

  test('has demo incidents when asked, once', async () => {
    const dataDir = await folder();
    const first = await start({ dataDir, seedDemo: true });
    const count = first.serviceNow.rows('incident').length;
    expect(count).toBeGreaterThan(3);
    await first.serviceNow.stop();
    expect((await start({ dataDir, seedDemo: true })).serviceNow.rows('incident')).toHaveLength(count);
  });

  test('says in one sentence that its port is in use', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await expect(start({ port })).rejects.toMatchObject({
      reason: 'port-in-use',
      message: `Port ${port} on 127.0.0.1 is in use: stop what listens there, or choose another port for the local ServiceNow with --port.`,
    });
    await new Promise((resolve) => other.close(resolve));
  });

  test('says in one sentence that a certificate cannot be used', async () => {
    await expect(start({ tls: { cert: 'none', key: 'none' } })).rejects.toMatchObject({
      reason: 'tls-unusable',
      message: expect.stringContaining('Give a matching pair in PEM.'),
    });
  });

  test('answers no host name but its own', async () => {
    const { serviceNow, call } = await start({ allowedHosts: ['twin.example'] });
    const status = async (host: string) => (await call('GET', incidents, { headers: { host } })).status;
    expect(await status('evil.example')).toBe(421);
    expect(await status(`evil.example:${serviceNow.port}`)).toBe(421);
    expect(await status(`localhost:${serviceNow.port}`)).toBe(200);
    expect(await status('twin.example')).toBe(200);
  });

  test('lets no page of another origin write', async () => {
    const { serviceNow, call } = await start();
    const status = async (origin: string) => (await call('POST', incidents, { headers: { origin } })).status;
    expect([await status('https://evil.example'), await status('null')]).toEqual([403, 403]);
    expect(await status(serviceNow.url)).toBe(201);
    expect(serviceNow.rows('incident')).toHaveLength(1);
  });

  test('refuses a body of more than 10 MB, declared or streamed', async () => {
    const { call, serviceNow } = await start();
    const body = Buffer.alloc(10_485_761, 32);
    const declared = await call('POST', incidents, { body });
    expect(declared.status).toBe(413);
    expect((await call('POST', incidents, { body, headers: { 'transfer-encoding': 'chunked' } })).status).toBe(413);
    expect(JSON.parse(declared.text)).toEqual({
      error: {
        message: 'Exception while reading request',
        detail: 'Rejected large REST payload with content-length = 10485761 bytes. Max allowed: 10485760 bytes.',
      },
      status: 'failure',
    });
    expect(serviceNow.rows('incident')).toEqual([]);
  });

  test('stops twice without harm and at once, with a request held back', async () => {
    const { serviceNow, call } = await start({ faults: [{ kind: 'slow', delayMs: 60_000 }] });
    const held = call('POST', incidents, { body: {} }).catch((error: Error) => error);
    await expect.poll(() => serviceNow.faults.fired('slow')).toBe(1);
    await Promise.all([serviceNow.stop(), serviceNow.stop()]);
    expect(await held).toBeInstanceOf(Error);
  });
});
