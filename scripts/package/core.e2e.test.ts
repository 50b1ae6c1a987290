import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { type ComponentName, readRecipe } from '../../cloud/greengrass/recipe.ts';
import { resourceOf } from '../../device/greengrass/access-control.ts';
import type { Ipc } from '../../device/greengrass/ipc.ts';
import { createIpcClient } from '../../device/greengrass/ipc-client.ts';
import { accessToAll } from '../../device/greengrass/test-nucleus-stage.ts';
import { silentLogger } from '../../device/platform/logger.ts';
import { seededRandom } from '../../device/platform/random.ts';
import { systemTime } from '../../device/platform/time.ts';
import { type ServiceNow, startServiceNow } from '../../device/simulation/servicenow/start-servicenow.ts';
import { type AuditResult, audit, strictPolicy } from '../audit/audit.ts';
import { readInstance } from '../audit/instance.ts';
import { createWaves } from '../chaos/processes/waves.ts';
import { buildCore, secretArn, startCore, type TestCore, thingName } from './test-core.ts';

/**
 * Both components from the packaged zips, on a nucleus: installed, configured, started and ended as the recipes and the
 * deployment of this project say, up to incidents of a local ServiceNow.
 */
const [monitor, handler] = ['com.iotblog.SensorMonitor', 'com.iotblog.AnomalyHandler'] as const;
const seed = Number(process.env['CHAOS_SEED'] ?? Date.now() % 1_000_000);
/** Both components together. */
const kills = 20;
const patient = { timeout: 30_000 };

let folder: string;
let built: Awaited<ReturnType<typeof buildCore>>;
let serviceNow: ServiceNow;
let core: TestCore;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'core-'));
  built = await buildCore(folder);
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

beforeEach(async () => {
  await rm(join(built.root, 'work'), { recursive: true, force: true });
  serviceNow = await startServiceNow({ port: 0, dataDir: ':memory:', logger: silentLogger });
  serviceNow.addUser({ userName: 'greengrass', password: 'first-password', roles: ['itil'] });
  core = await startCore(built, { serviceNowUrl: serviceNow.url });
  putSecret('1', 'first-password');
  core.merge(monitor, {
    thresholds: { temperature: { onDelayMs: '0', offDelayMs: '0' }, humidity: { onDelayMs: '0', offDelayMs: '0' } },
    monitor: { heartbeatMs: '300', resendBaseMs: '50', resendCapMs: '500' },
    store: { reserveBytes: '0' },
  });
  core.merge(handler, {
    handler: { claimMs: '0', quietMs: '300', noteIntervalMs: '700', reopenWindowMs: '0', deviceSilentMs: '0' },
    delivery: { settleMs: '1500', backoffBaseMs: '50', backoffCapMs: '300', pauseMs: '500', breakerFailures: '50' },
    serviceNow: { timeoutMs: '2000' },
    store: { reserveBytes: '0' },
  });
});
afterEach(async () => {
  await core.stop();
  await serviceNow.stop();
});

function putSecret(versionId: string, password: string): void {
  const secretString = JSON.stringify({ username: 'greengrass', password });
  core.nucleus.putSecret({ arn: secretArn, name: 'greengrass-snow-creds', versionId, value: { secretString } });
}

/** Incidents by what they are about, with their states. */
const incidents = () =>
  serviceNow.rows('incident').map((row) => `${row['correlation_id']?.split('/').slice(2).join('/')}: ${row['state']}`);
const cloudTopics = () => new Set(core.nucleus.cloud.map(({ topic }) => topic));
const asked = (operation: string, component: string) =>
  core.nucleus.calls.filter((call) => call.operation === operation && call.component === component);

/** What `accessControl` of a recipe grants, as `operation resource`. */
function granted(name: ComponentName): string[] {
  const services = Object.values(readRecipe(name).ComponentConfiguration.DefaultConfiguration.accessControl);
  return services
    .flatMap((service) => Object.values(service))
    .flatMap(({ operations, resources }) => operations.flatMap((one) => resources.map((what) => `${one} ${what}`)))
    .map((line) => line.replace('aws.greengrass#', ''))
    .toSorted();
}

/** What a component has asked of the services that guard their operations, in the same words. */
function used(name: ComponentName): string[] {
  const guarded = ['PublishToTopic', 'SubscribeToTopic', 'PublishToIoTCore', 'SubscribeToIoTCore', 'GetSecretValue'];
  const lines = guarded.flatMap((operation) =>
    asked(operation, name).map(({ request: { topicName, ...request } }) => {
      const resource = resourceOf(topicName === undefined ? request : { ...request, topic: topicName });
      return `${operation} ${resource.replace(thingName, '*').replace(secretArn, 'SECRET_ARN')}`;
    }),
  );
  return [...new Set(lines)].toSorted();
}

test('from install step to incident, through a live change, a refused one, a rotated password, and SIGTERM', {
  timeout: 180_000,
}, async () => {
  core.merge(monitor, {
    sensor: { kind: 'mock', intervalMs: '200', timeoutMs: '150', mock: { scenario: 'humidity-breach' } },
  });
  expect(await core.start(handler)).toMatch(/^com\.iotblog\.AnomalyHandler can run here: Node\.js /);
  expect(await core.start(monitor)).toMatch(/^com\.iotblog\.SensorMonitor can run here: Node\.js /);
  const states = () => core.nucleus.states.map(({ component, state }) => `${component} ${state}`).toSorted();
  await expect.poll(states, patient).toEqual([`${handler} RUNNING`, `${monitor} RUNNING`]);
  await expect.poll(incidents, patient).toEqual(['humidity/upper: 1']);
  expect([...cloudTopics()].toSorted()).toEqual(['IoTBlog/anomaly', 'IoTBlog/sensorData']);
  expect(asked('GetSecretValue', handler)[0]?.request).toMatchObject({ secretId: secretArn });

  for (const name of [monitor, handler] as const) await expect.poll(() => used(name), patient).toEqual(granted(name));

  const examined = await core.doctor();
  expect(examined.report).toMatch(/✓ component anomaly-handler +com\.iotblog\.AnomalyHandler runs \(process \d+\)\n/);
  expect(examined.report).toMatch(/✓ secret +greengrass arn:aws:\S+ holds a user name and a password\n/);
  expect(examined.report).toMatch(/✓ login +the user may query incident\n/);
  expect(examined).toMatchObject({ code: 0, report: expect.stringMatching(/\nReady.*: \d+ ok, .* 0 failed, /) });

  // The page for operators shows what it prints.
  const { checks } = checkNames.parse(JSON.parse((await core.doctor('--json')).report));
  const page = readFileSync(join(import.meta.dirname, '../../recipes/README.md'), 'utf8');
  const shown = [...page.matchAll(/^ {2}[✓·] (.{29}) {2}/gm)].map(([, name = '']) => name.trim());
  expect(shown.length).toBeGreaterThan(15);
  expect(checks.map(({ name }) => name)).toEqual(expect.arrayContaining(shown));

  const proposal = core.proposal(monitor, { tempLimit: 'hot' });
  await expect(core.nucleus.propose(monitor, proposal)).resolves.toMatchObject({
    status: 'REJECTED',
    message: expect.stringMatching(/thresholds\.temperature\.upper.*as tempLimit.*found "hot"/),
  });
  const acceptable = core.nucleus.propose(monitor, core.proposal(monitor, { tempLimit: '10' }));
  await expect(acceptable).resolves.toMatchObject({ status: 'ACCEPTED' });

  serviceNow.setPassword('greengrass', 'second-password');
  putSecret('2', 'second-password');
  expect(asked('GetSecretValue', handler).some(({ request }) => request['refresh'] === true)).toBe(false);
  core.merge(monitor, { tempLimit: '10' });
  await expect.poll(incidents, patient).toContain('temperature/upper: 1');
  expect(asked('GetSecretValue', handler).at(-1)?.request).toMatchObject({ refresh: true });
  expect(core.output(monitor)).toMatch(/"fields":\["thresholds\.temperature\.upper"\].*is in force/);
  expect(core.output(monitor) + core.output(handler)).not.toMatch(/starting anew|-password/);

  // The breach lasts while both are away, and ends with the limit: one incident, resolved.
  for (const name of [monitor, handler] as const) {
    const { code, tookMs } = await core.end(name, 'SIGTERM');
    expect({ name, code, inTime: tookMs < 5_000 }).toEqual({ name, code: 0, inTime: true });
  }
  const stopped = await core.doctor();
  expect(stopped.report).toMatch(
    /✗ component sensor-monitor +com\.iotblog\.SensorMonitor is deployed, and does not run\n/,
  );
  expect(stopped).toMatchObject({
    code: 1,
    report: expect.stringContaining('not checked: needs component anomaly-handler'),
  });
  expect(examined.report + stopped.report).not.toMatch(/-password|token-of/);
  await core.start(handler);
  await core.start(monitor);
  await expect.poll(() => states().length, patient).toBe(4);
  core.merge(monitor, { tempLimit: '30' });
  await expect.poll(incidents, patient).toContain('temperature/upper: 6');
  expect(incidents().filter((incident) => incident.startsWith('temperature'))).toHaveLength(1);
  const keys = serviceNow.rows('incident').map((row) => row['correlation_id']?.split('/').slice(0, 2).join('/'));
  expect(new Set(keys)).toEqual(new Set([`home/${thingName}`]));
});

test(`${kills} kills of either at any moment: every breach is in exactly one incident`, {
  timeout: 180_000,
}, async () => {
  const random = seededRandom(seed);
  core.merge(monitor, {
    site: 'test',
    sensor: { kind: 'mqtt', mqtt: { topicFilter: 'IoTBlog/gateway/+' } },
    noData: { enabled: 'false' },
    anomaly: { updateIntervalMs: '500' },
    monitor: { rollCallMs: '5000' },
    accessControl: {
      'aws.greengrass.ipc.pubsub': {
        'com.iotblog.SensorMonitor:pubsub:3': {
          policyDescription: 'Readings of other devices.',
          operations: ['aws.greengrass#SubscribeToTopic'],
          resources: ['IoTBlog/gateway/*'],
        },
      },
    },
  });
  core.merge(handler, {
    handler: { maxNewPerHour: '10000', storm: { keys: '1000' } },
    serviceNow: { attachChart: 'false' },
  });
  const world = await worldOn(core);
  const waves = createWaves({
    devices: ['a', 'b', 'c'],
    random,
    nowMs: Date.now,
    publish: (deviceId, celsius) => {
      const payload = Buffer.from(JSON.stringify({ temperature: celsius }));
      void world.call('PublishToTopic', { topic: `IoTBlog/gateway/${deviceId}`, payload });
    },
  });
  try {
    await world.open(
      'SubscribeToTopic',
      { topic: 'IoTBlog/sensorData' },
      { event: ({ payload }) => waves.heard(payload) },
    );
    await core.start(handler);
    await core.start(monitor);
    waves.start();
    waves.begin();
    await expect.poll(() => serviceNow.rows('incident').length, patient).toBeGreaterThan(0);
    const killed = { [monitor]: 0, [handler]: 0 };
    const statesAtStart = { [monitor]: 0, [handler]: 0 };
    for (let round = 0; round < kills; round += 1) {
      await systemPause(200 + random() * 1_600);
      const name = random() < 0.5 ? monitor : handler;
      await core.end(name, 'SIGKILL');
      killed[name] += 1;
      statesAtStart[name] = core.nucleus.states.length;
      await core.start(name);
    }
    // A SIGTERM before the component has come so far as to hear it would end it as SIGKILL does.
    for (const name of [monitor, handler] as const) {
      const since = () => core.nucleus.states.slice(statesAtStart[name]);
      await expect.poll(since, patient).toContainEqual({ component: name, state: 'RUNNING' });
    }
    waves.calm();
    await expect.poll(waves.isHot, patient).toBe(false);
    const judged = async () =>
      audit({
        ...(await readInstance({ url: serviceNow.url, username: 'greengrass', password: 'first-password' })),
        breaches: waves.breaches(),
        policy: { ...strictPolicy, toleranceMs: waves.longestSilenceMs() + 500 },
      });
    // What waits is still to come; once all has been told, nothing may follow.
    await expect.poll(async () => findings(await judged()), { timeout: 40_000, interval: 500 }).toEqual({});
    for (const name of [monitor, handler] as const) expect((await core.end(name, 'SIGTERM')).code).toBe(0);
    const result = await judged();
    process.stdout.write(
      `seed ${seed}: ${killed[monitor]} kills of the monitor, ${killed[handler]} of the handler, ` +
        `${result.summary.breaches} breaches, ${result.summary.incidents} incidents, ${result.summary.findings} findings\n`,
    );
    expect(findings(result)).toEqual({});
    expect(result.summary.breaches).toBeGreaterThan(3);
    expect(core.output(monitor) + core.output(handler)).not.toContain('-password');
  } finally {
    waves.stop();
    await world.stop();
  }
});

/** A component of the core that stands for the devices around it. */
async function worldOn({ nucleus }: TestCore): Promise<Ipc> {
  const world = createIpcClient({
    ...{ env: nucleus.component('world', { accessControl: accessToAll }), component: 'world' },
    ...{ logger: silentLogger, time: systemTime, random: () => 0.5 },
  });
  await world.start();
  await expect.poll(() => world.state().state, patient).toBe('connected');
  return world;
}

/** The moments of kills are what is tested; nothing waits for them. */
const systemPause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const checkNames = z.object({ checks: z.array(z.object({ name: z.string() })) });

function findings({ summary, ok, underway, ...lists }: AuditResult): Record<string, readonly unknown[]> {
  return Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0));
}
