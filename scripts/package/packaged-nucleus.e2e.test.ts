import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ComponentName, components, readRecipe } from '../../cloud/greengrass/recipe.ts';
import { recipeRun } from '../../cloud/greengrass/recipe-run.ts';
import { resourceOf } from '../../device/greengrass/access-control.ts';
import { startTestNucleus, type TestNucleus } from '../../device/greengrass/test-ipc-server.ts';
import { silentLogger } from '../../device/platform/logger.ts';
import { type ServiceNow, startServiceNow } from '../../device/simulation/servicenow/start-servicenow.ts';
import { createPackaging } from './build-packages.ts';
import { targets } from './target.ts';
import { unpack } from './unpack.ts';

const root = join(import.meta.dirname, '../..');
const thingName = 'IoT-blog_Core';
const secret = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:greengrass-snow-creds-AbCdEf';
const credentials = { username: 'greengrass', password: 'greengrass-password' };
const patient = { timeout: 40_000 };

let folder: string;
let nucleus: TestNucleus;
let serviceNow: ServiceNow;
const running = new Set<ChildProcess>();

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'packaged-'));
  nucleus = await startTestNucleus({ socket: join(folder, 'ipc.socket') });
  const value = { secretString: JSON.stringify(credentials) };
  nucleus.putSecret({ arn: secret, name: 'greengrass-snow-creds', versionId: 'v1', value });
  serviceNow = await startServiceNow({ port: 0, dataDir: ':memory:', logger: silentLogger });
  serviceNow.addUser({ userName: credentials.username, password: credentials.password, roles: ['itil'] });
});
afterEach(async () => {
  for (const child of running) child.kill('SIGKILL');
  await Promise.all([nucleus.stop(), serviceNow.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

/** The recipe's configuration with what a deployment merges. */
function configurationOf(name: ComponentName): Record<string, unknown> {
  const deployed = {
    'com.iotblog.SensorMonitor': {
      tempLimit: '10',
      thresholds: { temperature: { onDelayMs: '1000' } },
      sensor: { kind: 'mock', intervalMs: '200', timeoutMs: '150', i2c: { device: '/dev/i2c-1' } },
    },
    'com.iotblog.AnomalyHandler': {
      snowUrl: `${serviceNow.url}/api/now/table/incident`,
      secrets: { kind: 'greengrass', name: secret },
      handler: { claimMs: '0' },
      delivery: { settleMs: '100' },
    },
  };
  const { DefaultConfiguration } = readRecipe(name).ComponentConfiguration;
  const text = JSON.stringify({ ...DefaultConfiguration, ...deployed[name] });
  return JSON.parse(text.replaceAll('SECRET_ARN', secret));
}

/** What `accessControl` grants a component, as `operation resource`. */
function granted(name: ComponentName): string[] {
  const services = Object.values(readRecipe(name).ComponentConfiguration.DefaultConfiguration.accessControl);
  const policies = services.flatMap((service) => Object.values(service));
  return policies
    .flatMap(({ operations, resources }) => operations.flatMap((one) => resources.map((what) => `${one} ${what}`)))
    .map((line) => line.replace('aws.greengrass#', ''))
    .toSorted();
}

/** What a component has asked of the services that guard their operations, in the same words. */
function asked(name: ComponentName): string[] {
  const guarded = /^(PublishToTopic|SubscribeToTopic|PublishToIoTCore|SubscribeToIoTCore|GetSecretValue)$/;
  const lines = nucleus.calls
    .filter(({ component, operation }) => component === name && guarded.test(operation))
    .map(({ operation, request }) => {
      const { topicName, ...others } = request;
      const resource = resourceOf(topicName === undefined ? others : { ...others, topic: topicName });
      return `${operation} ${operation === 'GetSecretValue' ? 'SECRET_ARN' : resource.replace(thingName, '*')}`;
    });
  return [...new Set(lines)].toSorted();
}

test('both packages make an incident of a breach under a nucleus, and use just what their recipes grant', {
  timeout: 150_000,
}, async () => {
  const target = targets.find(({ nodeArch }) => nodeArch === process.arch);
  if (target === undefined) throw new Error(`there is no package for ${process.arch}`);
  const names = components.map(({ name }) => name);
  const packaging = createPackaging({ root, out: join(folder, 'dist'), components: names, targets: [target] });
  await packaging.prepare();
  for (const name of names.toReversed()) {
    await unpack((await packaging.build(name, target)).file, join(folder, name));
    const workPath = join(folder, 'work', name);
    mkdirSync(workPath, { recursive: true });
    const configuration = configurationOf(name);
    const variables = { decompressedPath: join(folder, name), workPath, thingName, configuration };
    const steps = recipeRun(readRecipe(name), target.architecture, variables);
    const given = { PATH: process.env['PATH'], HOME: folder, ...nucleus.component(name, configuration) };
    const child = spawn('sh', ['-c', steps.run ?? 'exit 1'], {
      cwd: steps.cwd,
      env: { ...given, ...steps.env },
      stdio: 'ignore',
    });
    running.add(child);
  }
  const states = () => nucleus.states.map(({ component, state }) => `${component} ${state}`).toSorted();
  await expect.poll(states, patient).toEqual(names.map((name) => `${name} RUNNING`).toSorted());
  await expect.poll(() => serviceNow.rows('sys_attachment').length, patient).toBe(1);
  expect(serviceNow.rows('incident').map((row) => row['correlation_id'])).toEqual([
    `home/${thingName}/temperature/upper`,
  ]);
  for (const name of names) await expect.poll(() => asked(name), patient).toEqual(granted(name));
  expect(new Set(nucleus.cloud.map(({ topic }) => topic))).toEqual(new Set(['IoTBlog/sensorData', 'IoTBlog/anomaly']));

  const startedAt = performance.now();
  for (const child of running) child.kill('SIGTERM');
  for (const child of running) {
    if (child.exitCode === null) await once(child, 'exit');
    expect(child.exitCode).toBe(0);
  }
  expect(performance.now() - startedAt).toBeLessThan(5_000);
});
