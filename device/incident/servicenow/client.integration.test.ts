import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Config, configSchema } from '../../config/schema.ts';
import { silentLogger } from '../../platform/logger.ts';
import { type ManualTime, manualTime, systemTime } from '../../platform/time.ts';
import type { Secrets, ServiceNowCredentials } from '../../secrets/secrets.ts';
import type { FaultInput } from '../../simulation/servicenow/faults.ts';
import { type ServiceNow, startServiceNow } from '../../simulation/servicenow/start-servicenow.ts';
import type { IncidentDestination, NewIncident } from '../destination.ts';
import { createServiceNow } from './client.ts';

const startMs = Date.parse('2026-03-01T12:00:00Z');
const password = 'canary-first';
let time: ManualTime;
let serviceNow: ServiceNow;
const clients: IncidentDestination[] = [];

beforeAll(async () => {
  time = manualTime(startMs);
  serviceNow = await startServiceNow({ port: 0, dataDir: ':memory:', password, time, logger: silentLogger });
  serviceNow.addUser({ userName: 'creator', password, roles: ['incident_creator'] });
  serviceNow.addUser({ userName: 'reader', password, roles: ['reader'] });
  serviceNow.addUser({ userName: 'nobody', password, roles: [] });
});
beforeEach(() => {
  // What the test before has put off is committed, and goes.
  time.advance(10_000);
  serviceNow.reset();
  serviceNow.faults.clear();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});
afterAll(() => serviceNow.stop());

/** A secret that a test can change; `gets` counts readings. */
function secret(credentials: ServiceNowCredentials = { username: 'admin', password }) {
  let version = 1;
  const secrets: Secrets = {
    kind: 'test',
    async get() {
      state.gets += 1;
      return { ok: true, credentials: state.credentials, version: `v${version}` };
    },
  };
  const state = {
    credentials,
    gets: 0,
    secrets,
    rotate(next: ServiceNowCredentials) {
      state.credentials = next;
      version += 1;
    },
  };
  return state;
}

function connect(secrets: Secrets = secret().secrets, change: Partial<Config['serviceNow']> = {}): IncidentDestination {
  const config = { ...configSchema.parse({}).serviceNow, url: serviceNow.url, ...change };
  const client = createServiceNow(config, { secrets, logger: silentLogger, time: systemTime });
  clients.push(client);
  return client;
}

const occurrence = 'a'.repeat(32);

function incident(change: Partial<NewIncident> = {}): NewIncident {
  return {
    correlationId: 'lab/pi/temperature/upper',
    openedBy: occurrence,
    shortDescription: '[HIGH] pi temperature 31.4 °C',
    description: 'above its limit',
    workNotes: `Opened.\n\n[${occurrence}:1]`,
    severity: 'high',
    site: 'lab',
    deviceId: 'pi',
    metric: 'temperature',
    rule: 'upper',
    ...change,
  };
}

async function created(client: IncidentDestination, change: Partial<NewIncident> = {}) {
  const result = await client.create(incident(change));
  return result.ok ? result.value : expect.unreachable(result.message);
}

const byKey = (limit = 10) => ({ correlationIds: ['lab/pi/temperature/upper'], sysIds: [], limit });
const incidents = () => serviceNow.rows('incident');

describe('incidents', () => {
  test('a new one stands in the table as it was told, and is read back', async () => {
    const row = await created(connect());
    expect(row).toMatchObject({
      number: 'INC0010001',
      state: 'new',
      correlationId: 'lab/pi/temperature/upper',
      openedBy: occurrence,
      description: 'above its limit',
      urgency: '2',
      createdAtMs: time.wallMs(),
      updatedBy: 'admin',
      modCount: 0,
    });
    expect(row.workNotes).toContain(`Opened.\n\n[${occurrence}:1]`);
    expect(incidents()[0]).toMatchObject({
      sys_id: row.sysId,
      short_description: '[HIGH] pi temperature 31.4 °C',
      correlation_display: occurrence,
      impact: '2',
      urgency: '2',
      priority: '3',
      category: 'hardware',
      contact_type: 'monitoring',
    });
  });

  test('are found by key and by sys_id, newest first, in any state and in one request', async () => {
    const client = connect();
    const first = await created(client);
    time.advance(1_000);
    const second = await created(client);
    time.advance(1_000);
    const other = await created(client, { correlationId: 'lab/pi/humidity/upper' });
    await client.update(first.sysId, { state: 'canceled' });
    const found = await client.find({
      correlationIds: ['lab/pi/temperature/upper', 'lab/pi/none/upper'],
      sysIds: [other.sysId],
      limit: 10,
    });
    expect(found).toMatchObject({ ok: true, value: { complete: true } });
    expect(found.ok && found.value.rows.map((row) => row.sysId)).toEqual([other.sysId, second.sysId, first.sysId]);
  });

  test('a full page is said to be incomplete', async () => {
    const client = connect();
    await created(client);
    await created(client);
    expect(await client.find(byKey(2))).toMatchObject({ ok: true, value: { complete: false } });
    expect(await client.find(byKey(3))).toMatchObject({ ok: true, value: { complete: true } });
  });

  test('too many keys for one address are to be asked for apart; nothing to ask for is an empty answer', async () => {
    const client = connect();
    const correlationIds = Array.from({ length: 100 }, (_, index) => `${'%E2%82%AC'.repeat(11)}${index}`);
    expect(await client.find({ correlationIds, sysIds: [], limit: 10 })).toEqual({
      ok: true,
      value: { rows: [], complete: false },
    });
    expect(await client.find({ correlationIds: [], sysIds: [], limit: 10 })).toEqual({
      ok: true,
      value: { rows: [], complete: true },
    });
  });

  test('the row of a device whose name differs in letter case alone is not the device’s', async () => {
    const client = connect();
    await created(client, { correlationId: 'lab/PI/temperature/upper' });
    expect(await client.find(byKey())).toEqual({ ok: true, value: { rows: [], complete: true } });
    expect(await client.findOpen({ prefix: 'lab/pi/', sysIds: [], limit: 10 })).toEqual({
      ok: true,
      value: { rows: [], complete: true },
    });
  });

  test('the answer is given as it came where the instance drops a part of the query', async () => {
    const client = connect();
    await created(client, { correlationId: 'other' });
    serviceNow.faults.add({ kind: 'drop-query-parts' });
    expect(await client.find(byKey())).toMatchObject({ ok: true, value: { rows: [{ correlationId: 'other' }] } });
  });

  test('open ones are found by prefix', async () => {
    const client = connect();
    const fresh = await created(client);
    const held = await created(client, { correlationId: 'lab/pi/humidity/upper' });
    const ended = await created(client, { correlationId: 'lab/pi/pressure/upper' });
    await created(client, { correlationId: 'lab/pi2/humidity/upper' });
    await client.update(held.sysId, { state: 'on-hold' });
    await client.update(ended.sysId, { state: 'resolved', closeCode: 'Solution provided', closeNotes: 'x' });
    const found = await client.findOpen({ prefix: 'lab/pi/', sysIds: [], limit: 10 });
    expect(found.ok && found.value.rows.map((row) => row.sysId).toSorted()).toEqual(
      [fresh.sysId, held.sysId].toSorted(),
    );
    const beside = await client.findOpen({ prefix: 'lab/none/', sysIds: [ended.sysId], limit: 10 });
    expect(beside.ok && beside.value.rows.map((row) => row.sysId)).toEqual([ended.sysId]);
  });

  test('are noted, resolved and reopened; only what is given is written', async () => {
    const client = connect();
    const { sysId } = await created(client);
    const noted = await client.update(sysId, { workNotes: 'second', severity: 'critical' });
    expect(noted).toMatchObject({ ok: true, value: { state: 'new', modCount: 1, urgency: '1' } });
    expect(noted.ok && noted.value.workNotes.indexOf('second') < noted.value.workNotes.indexOf('Opened.')).toBe(true);
    const resolved = await client.update(sysId, {
      state: 'resolved',
      closeCode: 'Solution provided',
      closeNotes: 'over',
    });
    expect(resolved).toMatchObject({ ok: true, value: { state: 'resolved', closeNotes: 'over', modCount: 2 } });
    const reopened = await client.update(sysId, { state: 'in-progress', clearClose: true, workNotes: 'again' });
    expect(reopened).toMatchObject({ ok: true, value: { state: 'in-progress', closeNotes: '', modCount: 3 } });
    expect(incidents()[0]).toMatchObject({ close_code: '', short_description: '[HIGH] pi temperature 31.4 °C' });
  });

  test('another field may hold the occurrence; an instance without it is no failure', async () => {
    const client = connect(undefined, { occurrenceField: 'u_not_there' });
    expect(await created(client)).toMatchObject({ openedBy: '' });
  });

  test('attachments are uploaded and named, of this record alone', async () => {
    const client = connect();
    const { sysId } = await created(client);
    const other = await created(client);
    const bytes = new Uint8Array([1, 2, 3, 4]).subarray(1, 3);
    expect(await client.attach(sysId, { name: 'breach-ü-1.png', contentType: 'image/png', bytes })).toEqual({
      ok: true,
      value: undefined,
    });
    await client.attach(other.sysId, { name: 'other.png', contentType: 'image/png', bytes });
    expect(await client.attachmentNames(sysId)).toEqual({ ok: true, value: ['breach-ü-1.png'] });
    expect(serviceNow.rows('sys_attachment')[0]).toMatchObject({
      size_bytes: '2',
      content_type: 'image/png',
      table_name: 'incident',
    });
    serviceNow.faults.add({ kind: 'drop-query-parts' });
    expect(await client.attachmentNames(sysId)).toEqual({ ok: true, value: ['breach-ü-1.png'] });
    const large = { name: 'x', contentType: 'image/png', bytes: new Uint8Array(10_485_761) };
    expect(await client.attach(sysId, large)).toMatchObject({ ok: false, kind: 'refused-record' });
  });
});

describe('failures', () => {
  const unknown = 'f'.repeat(32);

  test.each<[string, FaultInput, object]>([
    ['cut before commit', { kind: 'cut-before-commit' }, { kind: 'ambiguous' }],
    ['commit, then cut', { kind: 'commit-then-cut' }, { kind: 'ambiguous' }],
    ['cut, then commit', { kind: 'cut-then-commit', delayMs: 5_000 }, { kind: 'ambiguous' }],
    ['truncated answer', { kind: 'truncated-body' }, { kind: 'ambiguous' }],
    ['malformed answer', { kind: 'malformed-body' }, { kind: 'ambiguous' }],
    ['500', { kind: 'status', status: 500 }, { kind: 'ambiguous' }],
    ['503', { kind: 'status', status: 503 }, { kind: 'ambiguous' }],
    [
      '503 with a pause',
      { kind: 'status', status: 503, retryAfterSeconds: 9 },
      { kind: 'throttled', retryAfterMs: 9_000 },
    ],
    [
      '429 with a pause',
      { kind: 'status', status: 429, retryAfterSeconds: 30 },
      { kind: 'throttled', retryAfterMs: 30_000 },
    ],
    ['429 of a default instance', { kind: 'status', status: 429 }, { kind: 'throttled', retryAfterMs: 60_000 }],
    ['401', { kind: 'status', status: 401 }, { kind: 'refused-destination', cause: 'unauthenticated' }],
    ['403', { kind: 'status', status: 403 }, { kind: 'refused-destination', cause: 'forbidden' }],
    ['hibernation', { kind: 'hibernate' }, { kind: 'refused-destination', cause: 'unusable' }],
    ['business rule', { kind: 'business-rule' }, { kind: 'refused-record' }],
  ])('create: %s', async (_, fault, expected) => {
    serviceNow.faults.add(fault);
    expect(await connect().create(incident())).toMatchObject({ ok: false, ...expected });
  });

  test('a cut create may have been committed, before or seconds later, and is then found', async () => {
    const client = connect();
    serviceNow.faults.add({ kind: 'commit-then-cut', count: 1 });
    expect(await client.create(incident())).toMatchObject({ kind: 'ambiguous' });
    expect(await client.find(byKey())).toMatchObject({ value: { rows: [{ openedBy: occurrence }] } });
    serviceNow.faults.add({ kind: 'cut-then-commit', delayMs: 5_000, count: 1 });
    expect(await client.create(incident())).toMatchObject({ kind: 'ambiguous' });
    expect(incidents()).toHaveLength(1);
    time.advance(5_000);
    expect(incidents()).toHaveLength(2);
  });

  test('resolving without close fields is refused for the record', async () => {
    const client = connect();
    const { sysId } = await created(client);
    expect(await client.update(sysId, { state: 'resolved' })).toMatchObject({
      kind: 'refused-record',
      message: expect.stringContaining('Data Policy'),
    });
  });

  test('a record that is not there is gone', async () => {
    const client = connect();
    expect(await client.update(unknown, { workNotes: 'x' })).toMatchObject({ kind: 'gone' });
    expect(
      await client.attach(unknown, { name: 'x', contentType: 'image/png', bytes: new Uint8Array(1) }),
    ).toMatchObject({ kind: 'gone' });
  });

  test('a table that is not there is the destination’s', async () => {
    const client = connect(undefined, { table: 'u_nothing' });
    expect(await client.create(incident())).toMatchObject({
      cause: 'unusable',
      message: expect.stringContaining('serviceNow.table'),
    });
    expect(await client.find(byKey())).toMatchObject({ cause: 'unusable' });
  });

  test('a user who may create and not read gets the row of the create, and empty look-ups', async () => {
    const client = connect(secret({ username: 'creator', password }).secrets);
    expect(await client.create(incident())).toMatchObject({ ok: true });
    expect(await client.find(byKey())).toEqual({ ok: true, value: { rows: [], complete: true } });
  });

  test('a user who may only read, or nothing, is refused', async () => {
    expect(await connect(secret({ username: 'reader', password }).secrets).create(incident())).toMatchObject({
      cause: 'forbidden',
    });
    expect(await connect(secret({ username: 'nobody', password }).secrets).find(byKey())).toMatchObject({
      cause: 'forbidden',
    });
  });
});

describe('credentials', () => {
  afterEach(() => {
    serviceNow.setPassword('admin', password);
  });
  const client = () => ({
    clientId: serviceNow.credentials.clientId,
    clientSecret: serviceNow.credentials.clientSecret,
  });
  const logins = (userName: string) => incidents().filter((row) => row['sys_created_by'] === userName).length;

  test.each([
    ['auto, user and password', 'auto', { username: 'admin', password }],
    ['basic, though there is a client', 'basic', { username: 'admin', password, clientId: 'x', clientSecret: 'y' }],
  ] as const)('Basic: %s', async (_, auth, credentials) => {
    expect(await connect(secret(credentials).secrets, { auth }).create(incident())).toMatchObject({ ok: true });
  });

  test.each(['auto', 'oauth-password', 'oauth-client-credentials'] as const)('OAuth: %s', async (auth) => {
    const user = auth === 'oauth-client-credentials' ? {} : { username: 'admin', password };
    const destination = connect(secret({ ...client(), ...user }).secrets, { auth });
    expect(await Promise.all([destination.create(incident()), destination.create(incident())])).toMatchObject([
      { ok: true },
      { ok: true },
    ]);
    expect(logins('admin')).toBe(2);
  });

  test('OAuth: a token that ended before its time is replaced within the request', async () => {
    const destination = connect(secret({ ...client(), username: 'admin', password }).secrets);
    await created(destination);
    serviceNow.faults.add({ kind: 'expire-token', count: 1 });
    await created(destination);
    expect(serviceNow.faults.fired('expire-token')).toBeGreaterThan(0);
    expect(incidents()).toHaveLength(2);
  });

  test.each([
    ['oauth-password', { username: 'admin', password }, 'clientId and clientSecret'],
    ['oauth-password', { clientId: 'c', clientSecret: 's' }, 'username and password'],
    ['oauth-client-credentials', { username: 'admin', password }, 'clientId and clientSecret'],
    ['basic', { clientId: 'c', clientSecret: 's' }, 'username and password'],
  ] as const)('%s says what the secret lacks', async (auth, credentials, lack) => {
    const result = await connect(secret(credentials).secrets, { auth }).find(byKey());
    expect(result).toMatchObject({ cause: 'unauthenticated', message: expect.stringContaining(`no ${lack}`) });
  });

  test('a changed password pauses until the secret is read anew, with one attempt for each version', async () => {
    const held = secret();
    const destination = connect(held.secrets);
    expect(destination.credentialsVersion()).toBeUndefined();
    await created(destination);
    expect(destination.credentialsVersion()).toBe('v1');
    serviceNow.setPassword('admin', 'canary-second');
    expect(await destination.create(incident())).toMatchObject({
      cause: 'unauthenticated',
      message: expect.stringContaining('401'),
    });
    expect(await destination.create(incident())).toMatchObject({
      cause: 'unauthenticated',
      message: expect.stringContaining('Not sent'),
    });
    held.rotate({ username: 'admin', password: 'canary-second' });
    expect(await destination.reauthenticate()).toEqual({ ok: true, version: 'v2' });
    expect(await destination.create(incident())).toMatchObject({ ok: true });
    expect(destination.credentialsVersion()).toBe('v2');
    expect(incidents()).toHaveLength(2);
  });

  test('requests that begin together with wrong credentials make one attempt', async () => {
    const destination = connect(secret({ username: 'admin', password: 'wrong' }).secrets);
    const results = await Promise.all(Array.from({ length: 8 }, () => destination.find(byKey())));
    const sent = results.filter((result) => !result.ok && result.message.includes('401'));
    expect(results.every((result) => !result.ok && result.kind === 'refused-destination')).toBe(true);
    expect(sent).toHaveLength(1);
  });

  test('a secret that cannot be read is said so: refused where it is wrong, not sent where its place is out of reach', async () => {
    const failing = (reason: 'not-found' | 'not-allowed' | 'malformed' | 'unreachable'): Secrets => ({
      kind: 'test',
      get: async () => ({ ok: false, reason, message: 'the reason' }),
    });
    expect(await connect(failing('not-found')).find(byKey())).toMatchObject({
      cause: 'unauthenticated',
      message: expect.stringContaining('the reason'),
    });
    expect(await connect(failing('unreachable')).find(byKey())).toMatchObject({ kind: 'not-sent' });
    expect(await connect(failing('not-allowed')).reauthenticate()).toMatchObject({
      ok: false,
      message: expect.stringContaining('the reason'),
    });
  });
});

describe('configuration', () => {
  test.each<[string, Partial<Config['serviceNow']>]>([
    ['serviceNow.url', { url: 'dev1.service-now.com' }],
    ['serviceNow.url', { url: 'ftp://dev1' }],
    ['serviceNow.url', { url: 'https://dev1?x=1' }],
    ['serviceNow.table', { table: 'incident/../x' }],
    ['serviceNow.occurrenceField', { occurrenceField: 'a^b' }],
    ['serviceNow.fields', { fields: { 'a,b': 'c' } }],
    ['serviceNow.caFile', { caFile: '/nowhere/ca.pem' }],
  ])('a wrong %s is refused at once', (option, change) => {
    expect(() => connect(undefined, change)).toThrow(option);
  });

  test('a URL with a password in it is refused without quoting it', () => {
    const url = 'https://admin:canary@dev1.service-now.com?x';
    expect(() => connect(undefined, { url })).toThrow(
      /^serviceNow.url holds a user or password; put them into the secret instead\.$/,
    );
  });

  test('the base URL may have a path, and ends without a slash', () => {
    expect(connect(undefined, { url: 'https://proxy.example/snow/', instanceName: 'dev1' }).instance).toBe(
      'dev1/incident',
    );
    expect(connect(undefined, { url: 'https://proxy.example/snow/' }).instance).toBe(
      'https://proxy.example/snow/incident',
    );
  });
});
