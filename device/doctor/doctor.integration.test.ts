import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { configSchema } from '../config/schema.ts';
import { fixedClock } from '../monitor/machine-clock.ts';
import { silentLogger } from '../platform/logger.ts';
import { systemTime } from '../platform/time.ts';
import { type Broker, startBroker } from '../simulation/broker.ts';
import type { FaultInput } from '../simulation/servicenow/faults.ts';
import { type ServiceNow, startServiceNow } from '../simulation/servicenow/start-servicenow.ts';
import { createMqttTransport } from '../transport/mqtt.ts';
import type { CheckReport } from './check.ts';
import { examine } from './doctor.ts';
import type { Machine } from './machine.ts';
import { reportJson } from './report.ts';

const password = 'canary-password';
const brokerPassword = 'canary-broker';

let folder: string;
let broker: Broker;
let serviceNow: ServiceNow;
const sockets = new Set<Socket>();
/** Takes connections and never says a word. */
let mute: Server;
let mutePort = 0;

beforeAll(async () => {
  broker = await startBroker({ port: 0, users: { edge: brokerPassword }, logger: silentLogger });
  mute = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
  const address = mute.address();
  mutePort = typeof address === 'object' && address !== null ? address.port : 0;
});
afterAll(async () => {
  await broker.stop();
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => mute.close(resolve));
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doctor-'));
  serviceNow = await startServiceNow({ port: 0, dataDir: ':memory:', password, logger: silentLogger, seedDemo: true });
  await secret(JSON.stringify({ username: 'admin', password }));
  await writeFile(join(folder, 'broker-password'), brokerPassword, { mode: 0o600 });
});
afterEach(async () => {
  await serviceNow.stop();
  await rm(folder, { recursive: true });
});

const secretPath = () => join(folder, 'greengrass-snow-creds.json');
const secret = (text: string) => writeFile(secretPath(), text, { mode: 0o600 });

const machine: Machine = {
  root: '/',
  platform: 'linux',
  arch: 'arm64',
  nodeVersion: 'v22.13.0',
  user: { name: 'pi', uid: 1000, gids: [] },
  mayUse: async () => true,
};

interface Change {
  serviceNow?: object;
  secrets?: object;
  mqtt?: object;
  write?: boolean;
  networkMs?: number;
}

/** What the doctor finds, with one part of the configuration changed. */
async function look({ write = false, networkMs = 5_000, ...change }: Change = {}) {
  const config = configSchema.parse({
    store: { dataDir: folder },
    sensor: { kind: 'mqtt' },
    transport: {
      mqtt: { url: broker.url, username: 'edge', passwordFile: join(folder, 'broker-password'), ...change.mqtt },
    },
    secrets: change.secrets ?? {},
    serviceNow: {
      url: serviceNow.url,
      fields: {
        assignment_group: 'Facilities',
        caller_id: 'System Administrator',
        cmdb_ci: '{device}',
        category: 'hardware',
        contact_type: 'monitoring',
      },
      ...change.serviceNow,
    },
  });
  const reports = await examine({
    monitor: config,
    handler: config,
    kept: [],
    machine,
    machineClock: fixedClock('boot'),
    write,
    networkMs,
  });
  expect(reportJson(reports)).not.toContain('canary');
  expect(reports.filter((report) => report.result === 'fail' && (report.todo ?? '') === '')).toEqual([]);
  return { reports, of: (name: string) => line(reports.find((report) => report.name === name)) };
}

function line(report: CheckReport | undefined): string {
  return [report?.result, report?.found, report?.todo].filter((part) => part !== undefined).join(' | ');
}

const faulty = (...faults: FaultInput[]) => {
  for (const fault of faults) serviceNow.faults.add(fault);
};

test('where all is well nothing fails', async () => {
  const { reports, of } = await look();
  expect(reports.filter(({ result }) => result === 'fail')).toEqual([]);
  expect(of('broker')).toBe(`ok | ${broker.url} answers`);
  expect(of('secret')).toBe(`ok | ${secretPath()}, private, holds a user name and a password`);
  expect(of('instance')).toMatch(/^ok \| http:\S+ answers for table incident \(\d+ ms\)$/);
  expect(of('login')).toBe('ok | the user may query incident');
  expect(of('incidents')).toMatch(/^ok \| INC\d+ is visible$/);
  expect(of('key fields')).toBe('ok | correlation_id and correlation_display are there');
  expect(of('assignment group')).toBe('ok | "Facilities"');
  expect(of('caller')).toBe('ok | "System Administrator"');
  expect(of('configuration item')).toBe('ok | "IoT-blog_Core"');
  expect(of('category')).toBe('ok | "hardware" (Hardware)');
  expect(of('channel')).toBe('ok | "monitoring" (Monitoring)');
  expect(of('close code')).toBe('ok | "Solution provided"');
  expect(serviceNow.rows('incident').every((row) => !row['short_description']?.includes('[TEST]'))).toBe(true);
});

describe('the broker', () => {
  test('that refuses the password', async () => {
    await writeFile(join(folder, 'broker-password'), 'canary-wrong');
    expect((await look()).of('broker')).toMatch(
      /^fail \| the broker refuses the user name or password; .* \| Check transport\.mqtt\.url/,
    );
  });

  test('that is not there', async () => {
    const finding = (await look({ mqtt: { url: 'mqtt://127.0.0.1:1' } })).of('broker');
    expect(finding).toMatch(/^fail \| nothing listens on 127\.0\.0\.1:1 \| .*: nc -vz 127\.0\.0\.1 1$/);
  });

  test('with options that cannot be', async () => {
    await chmod(join(folder, 'broker-password'), 0o644);
    expect((await look()).of('broker')).toMatch(/^fail \| .*broker-password is open to other users/);
    const noUrl = (await look({ mqtt: { url: 'broker' } })).of('broker');
    expect(noUrl).toMatch(/^fail \| transport\.mqtt: url must be mqtt:\/\/host:port .* \| Correct transport/);
  });

  test('is asked under a client id of its own, so that the component that runs is not pushed out', async () => {
    const { transport } = configSchema.parse({
      transport: { mqtt: { url: broker.url, username: 'edge', passwordFile: join(folder, 'broker-password') } },
    });
    const options = { clientId: 'monitor', logger: silentLogger, time: systemTime, random: Math.random };
    const component = createMqttTransport(transport, options);
    await component.start();
    await expect.poll(() => component.state().state).toBe('connected');
    let cuts = 0;
    component.onState(() => {
      cuts += 1;
    });
    expect((await look({ mqtt: { clientId: 'monitor' } })).of('broker')).toBe(`ok | ${broker.url} answers`);
    expect(cuts).toBe(0);
    await component.stop();
  });
});

describe('the secret', () => {
  const skipped = 'skip | not checked: needs secret';

  test('that is not there', async () => {
    await rm(secretPath());
    const { of } = await look();
    expect(of('secret')).toMatch(
      /^fail \| There is no file .* \| install -D -m 600 \/dev\/stdin \S+greengrass-snow-creds\.json,/,
    );
    expect([of('login'), of('close code')]).toEqual([skipped, skipped]);
    expect(of('instance')).toMatch(/^ok /);
  });

  test('that others may read', async () => {
    await chmod(secretPath(), 0o644);
    expect((await look()).of('secret')).toMatch(/^fail \| .*mode 0644.* \| chmod 600 \S+/);
  });

  test.each([
    ['no JSON', 'canary'],
    ['no password', '{"username":"canary"}'],
  ])('that is malformed: %s', async (_case, text) => {
    await secret(text);
    expect((await look()).of('secret')).toMatch(
      /^fail \| .* does not hold ServiceNow credentials\..* \| Write it anew: /,
    );
  });

  test('of an OAuth client', async () => {
    const { clientId, clientSecret } = serviceNow.credentials;
    await secret(JSON.stringify({ clientId, clientSecret, username: 'admin', password }));
    const { of } = await look();
    expect(of('secret')).toMatch(/^ok \| .* holds an OAuth client, a user name and a password$/);
    expect(of('login')).toBe('ok | the user may query incident');
  });

  test('with a wrong password: one login is tried, so that no account is locked', async () => {
    await secret(JSON.stringify({ username: 'admin', password: 'canary-wrong' }));
    const { of } = await look({ write: true });
    expect(of('login')).toMatch(
      /^fail \| GET incident: 401 User Not Authenticated.* \| Put the right user and password/,
    );
    expect(of('test incident')).toBe('skip | not checked: needs login');
  });

  test('of the nucleus, outside of Greengrass', async () => {
    expect((await look({ secrets: { kind: 'greengrass' } })).of('secret')).toMatch(
      /^fail \| secrets\.kind greengrass needs a Greengrass nucleus, .* \| On the core run the doctor /,
    );
  });
});

describe('the instance', () => {
  test('that hibernates', async () => {
    faulty({ kind: 'hibernate' });
    const { of } = await look();
    expect(of('instance')).toMatch(/^fail \| .* hibernating\. .* \| Sign in at https:\/\/developer\.servicenow\.com/);
    expect(of('login')).toBe('skip | not checked: needs instance');
  });

  test('that is not there', async () => {
    const { of } = await look({ serviceNow: { url: 'http://127.0.0.1:1' } });
    expect(of('instance')).toMatch(/^fail \| .*nothing listens there \| .*curl -sSI http:\/\/127\.0\.0\.1:1$/);
  });

  test.each([
    [
      'with a password in its URL',
      'http://admin:canary@127.0.0.1',
      /^fail \| serviceNow\.url holds a user or password; /,
    ],
    ['with no URL', 'dev1', /^fail \| serviceNow\.url is not the base URL of an instance; /],
  ])('%s', async (_case, url, expected) => {
    expect((await look({ serviceNow: { url } })).of('instance')).toMatch(expected);
  });

  test('without the table', async () => {
    expect((await look({ serviceNow: { table: 'incidents' } })).of('login')).toMatch(
      /^fail \| GET incidents: 400 Invalid table incidents.* \| Check serviceNow\.url and serviceNow\.table \(incidents\)\.$/,
    );
  });

  test('that is slow to fail', async () => {
    faulty({ kind: 'status', status: 503, match: { method: 'GET' } });
    expect((await look()).of('instance')).toMatch(/^fail \| .*: 503/);
  });

  test('whose user has no role', async () => {
    serviceNow.addUser({ userName: 'nobody', password, roles: [] });
    await secret(JSON.stringify({ username: 'nobody', password }));
    expect((await look()).of('login')).toMatch(
      /^fail \| GET incident: 403 .* \| Grant the user read and write on incident/,
    );
  });

  test('whose user may create but not read: a doubt without --write, a failure with it', async () => {
    faulty({ kind: 'create-without-read', match: { table: 'incident' } });
    const { of } = await look();
    expect(of('incidents')).toMatch(
      /^warn \| no record of incident is visible.* \| The doctor tells which with --write\./,
    );
    expect(of('key fields')).toMatch(/^skip \| /);
    const written = await look({ write: true });
    expect(written.of('test incident')).toMatch(
      /^fail \| INC\d+: it was created but cannot be read back: .* \| Grant the user read on the table/,
    );
    expect(serviceNow.rows('incident').at(-1)).toMatchObject({ state: '8' });
  });

  test('without the field for the occurrence', async () => {
    const { of } = await look({ serviceNow: { occurrenceField: 'u_occurrence' }, write: true });
    expect(of('key fields')).toMatch(
      /^fail \| incident has no field u_occurrence, .* \| Set serviceNow\.occurrenceField/,
    );
    expect(of('test incident')).toMatch(/^fail \| INC\d+: field u_occurrence did not keep the id of the breach \| /);
    expect(serviceNow.rows('incident').at(-1)).toMatchObject({ state: '8' });
  });
});

describe('what incidents are filled with', () => {
  const fields = (change: Record<string, string>) => look({ serviceNow: { fields: change } });

  test.each<[string, string, Record<string, string>, RegExp]>([
    [
      'a group that is missing',
      'assignment group',
      { assignment_group: 'Nobody' },
      /^fail \| there is no group "Nobody" \| Create it/,
    ],
    ['a caller that is missing', 'caller', { caller_id: 'No One' }, /^fail \| there is no user "No One" \| Create it/],
    [
      'a caller by user name',
      'caller',
      { caller_id: 'beth.anglin' },
      /^fail \| "beth\.anglin" is not the name of the user but of "Beth Anglin" \| --set serviceNow\.fields\.caller_id="Beth Anglin"$/,
    ],
    [
      'an item that is missing',
      'configuration item',
      { cmdb_ci: 'x-{device}' },
      /^fail \| there is no configuration item "x-IoT-blog_Core"/,
    ],
    ['an item by breach', 'configuration item', { cmdb_ci: '{metric}' }, /^skip \| "\{metric\}" differs by breach$/],
    [
      'a category by its label',
      'category',
      { category: 'Hardware ' },
      /^fail \| category has no choice "Hardware " \| Set serviceNow/,
    ],
    [
      'a label for a value',
      'category',
      { category: 'Inquiry / Help' },
      /^fail \| "Inquiry \/ Help" is a label; its value is "inquiry" \| --set/,
    ],
    [
      'a category that is missing',
      'category',
      { category: 'fridge' },
      /^fail \| category has no choice "fridge" \| Set serviceNow\.fields\.category to one of: inquiry, software, hardware, /,
    ],
    ['nothing', 'assignment group', {}, /^skip \| serviceNow\.fields\.assignment_group is not set$/],
    ['a value that would end the query', 'caller', { caller_id: 'a^b' }, /^fail \| "a\^b" cannot be looked up \| /],
  ])('%s', async (_case, check, change, expected) => {
    expect((await fields(change)).of(check)).toMatch(expected);
  });

  test('a close code that is missing', async () => {
    expect((await look({ serviceNow: { closeCode: 'Gone' } })).of('close code')).toMatch(
      /^fail \| close_code has no choice "Gone" \| Set serviceNow\.closeCode to one of: Duplicate, /,
    );
  });

  test('a sys_id', async () => {
    const sysId = serviceNow.rows('sys_user_group').at(0)?.['sys_id'] ?? '';
    expect((await fields({ assignment_group: sysId })).of('assignment group')).toBe('ok | "Service Desk"');
  });

  test('of tables that the user may not see is a doubt', async () => {
    faulty({ kind: 'create-without-read', match: { table: 'sys_user_group' } });
    faulty({ kind: 'create-without-read', match: { table: 'sys_choice' } });
    faulty({ kind: 'status', status: 403, match: { table: 'cmdb_ci' } });
    const { of } = await look();
    expect(of('assignment group')).toMatch(
      /^warn \| no record of sys_user_group is visible .* \| Grant read on sys_user_group/,
    );
    expect(of('category')).toMatch(/^warn \| no choices of category are visible .* \| Grant read on sys_choice/);
    expect(of('configuration item')).toMatch(/^warn \| cmdb_ci cannot be read: .* \| Grant the user read on cmdb_ci/);
  });

  test('is not believed of an instance that ignores conditions', async () => {
    faulty({ kind: 'drop-query-parts', match: { table: 'sys_user_group' } });
    const { of } = await look({ serviceNow: { fields: { assignment_group: 'Nobody' } } });
    expect(of('assignment group')).toMatch(/^warn \| the instance ignores the condition name=Nobody/);
  });
});

describe('the test incident', () => {
  test('is made, read back, noted and canceled, and belongs to no breach', async () => {
    const { of } = await look({ write: true });
    expect(of('test incident')).toMatch(/^ok \| INC\d+ was made, read back, noted and canceled$/);
    const row = serviceNow.rows('incident').at(-1);
    expect(row).toMatchObject({
      state: '8',
      short_description: '[TEST] greengrass-itsm doctor on IoT-blog_Core: please ignore',
      correlation_id: expect.stringMatching(/^greengrass-itsm-doctor\/[0-9a-f]{32}$/),
      category: 'hardware',
    });
    expect(serviceNow.rows('sys_attachment')).toMatchObject([
      { file_name: 'doctor.png', table_sys_id: row?.['sys_id'] },
    ]);
  });

  test('that cannot be made', async () => {
    faulty({ kind: 'business-rule', match: { method: 'POST' } });
    expect((await look({ write: true })).of('test incident')).toMatch(
      /^fail \| POST incident: 403 .* \| Correct serviceNow\.fields/,
    );
  });

  test('of which nobody knows whether it was made', async () => {
    faulty({ kind: 'commit-then-cut', match: { method: 'POST', table: 'incident' } });
    expect((await look({ write: true })).of('test incident')).toMatch(
      /^fail \| it is not known whether an incident was made: .* \| Look for correlation_id=greengrass-itsm-doctor\/[0-9a-f]{32} /,
    );
  });

  test('that cannot be canceled is told by its number', async () => {
    faulty({ kind: 'business-rule', match: { method: 'PATCH', bodyIncludes: '"state"' } });
    expect((await look({ write: true })).of('test incident')).toMatch(
      /^fail \| (INC\d+): \1 could not be canceled: .* \| Cancel \1 by hand; grant write on state\.$/,
    );
  });

  test('that cannot be noted is canceled all the same', async () => {
    faulty({ kind: 'business-rule', match: { method: 'PATCH' }, count: 1 });
    expect((await look({ write: true })).of('test incident')).toMatch(
      /^fail \| INC\d+: no note could be added: .* \| Grant write on work_notes\.$/,
    );
    expect(serviceNow.rows('incident').at(-1)).toMatchObject({ state: '8' });
  });
});

test('what takes the connection and says nothing is given up', async () => {
  const url = `127.0.0.1:${mutePort}`;
  const { of } = await look({ serviceNow: { url: `http://${url}` }, mqtt: { url: `mqtt://${url}` }, networkMs: 300 });
  expect(of('instance')).toMatch(/^fail \| .* gave no whole answer \(TIMEOUT\) \| Check serviceNow\.url/);
  expect(of('broker')).toMatch(/^fail \| .* did not let us in within 0\.24 s \| Check transport/);
});
