import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startTestNucleus, type TestNucleus, type TestNucleusOptions } from '../greengrass/test-ipc-server.ts';
import { accessToAll } from '../greengrass/test-nucleus-stage.ts';
import { freePort } from '../platform/test-free-port.ts';

/** The monitor as a Greengrass component: a process of its own under a nucleus of the test, with its messages. */
const patient = { timeout: 30_000 };
let root: string;
let nucleus: TestNucleus;
let children: ChildProcess[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'component-'));
  children = [];
});

afterEach(async () => {
  for (const child of children) if (child.exitCode === null) child.kill('SIGKILL');
  await nucleus.stop();
  rmSync(root, { recursive: true, force: true });
});

async function startNucleus(options: Omit<TestNucleusOptions, 'socket'> = {}): Promise<void> {
  nucleus = await startTestNucleus({ socket: join(root, 'ipc.socket'), ...options });
}

/** Configuration as recipes have it: numbers as texts. */
const configurationOf = (monitorPort: number, change: Record<string, unknown> = {}) => ({
  ...{ tempLimit: '60', humidLimit: '99', thresholds: { temperature: { onDelayMs: '100' } } },
  ...{ sensor: { kind: 'mock', intervalMs: '50' }, http: { monitorPort: String(monitorPort) } },
  ...{ transport: { kind: 'greengrass-ipc' }, accessControl: accessToAll },
  ...change,
});

const anomaliesSent = () =>
  nucleus.calls.filter(({ request }) => Object.values(request).includes('IoTBlog/anomaly')).length;

function startMonitor(configuration: Record<string, unknown>) {
  const env = {
    ...{ PATH: process.env['PATH'], HOME: root, NODE_ENV: 'test' },
    ...{ GREENGRASS_ITSM__STORE__DATA_DIR: join(root, 'data'), GREENGRASS_ITSM__STORE__RESERVE_BYTES: '0' },
    ...nucleus.component('monitor', configuration),
    AWS_IOT_THING_NAME: 'pi-in-the-hall',
  };
  const child = spawn(process.execPath, ['--import', 'tsx', 'device/main/sensor-monitor.ts'], { env });
  children.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += String(chunk);
    });
  }
  return {
    child,
    output: () => output,
    says: (text: string | RegExp) => expect.poll(() => output, patient).toMatch(text),
    async code(): Promise<number | null> {
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      return child.exitCode;
    },
  };
}

const metric = async (port: number, name: string): Promise<string | undefined> => {
  const text = await fetch(`http://127.0.0.1:${port}/metrics`).then(
    (answer) => answer.text(),
    () => '',
  );
  return new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1];
};

test('a running component follows its deployments, and refuses what cannot be used', async () => {
  await startNucleus();
  const [port, otherPort] = [await freePort(), await freePort()];
  const monitor = startMonitor(configurationOf(port));
  await expect.poll(() => nucleus.states, patient).toEqual([{ component: 'monitor', state: 'RUNNING' }]);
  await expect.poll(() => metric(port, 'itsm_configuration_refused'), patient).toBe('0');

  expect(anomaliesSent()).toBe(0);
  nucleus.configure('monitor', { tempLimit: '5', log: { level: 'debug' } });
  await monitor.says(/"fields":\["log.level","thresholds.temperature.upper"\].*is in force/);
  await expect.poll(anomaliesSent, patient).toBeGreaterThan(0);
  expect(monitor.output()).not.toContain('starting anew');

  await expect(nucleus.propose('monitor', configurationOf(port, { tempLimit: 'hot' }))).resolves.toMatchObject({
    status: 'REJECTED',
    message: expect.stringContaining('found "hot", expected a number'),
  });
  await expect(nucleus.propose('monitor', configurationOf(otherPort))).resolves.toMatchObject({ status: 'ACCEPTED' });

  nucleus.configure('monitor', { http: { monitorPort: String(otherPort) } });
  await expect.poll(() => metric(otherPort, 'itsm_configuration_refused'), patient).toBe('0');
  expect(await metric(port, 'itsm_configuration_refused')).toBeUndefined();
  await expect.poll(async () => Number(await metric(otherPort, 'itsm_devices')), patient).toBe(1);

  const killedAtMs = Date.now();
  monitor.child.kill('SIGTERM');
  expect(await monitor.code()).toBe(0);
  expect(Date.now() - killedAtMs).toBeLessThan(5_000);
}, 60_000);

test('on Nucleus Lite a configuration that cannot be used is refused as it comes; a start goes on with the last good one', async () => {
  await startNucleus({ kind: 'lite' });
  const port = await freePort();
  const first = startMonitor(configurationOf(port));
  await expect.poll(() => metric(port, 'itsm_configuration_refused'), patient).toBe('0');
  nucleus.configure('monitor', { tempLimit: 'hot' });
  await expect.poll(() => metric(port, 'itsm_configuration_refused'), patient).toBe('1');
  first.child.kill('SIGKILL');
  await first.code();

  const second = startMonitor(configurationOf(port, { tempLimit: 'hot' }));
  await second.says(/running by the last good configuration/);
  await expect.poll(() => metric(port, 'itsm_configuration_refused'), patient).toBe('1');
  nucleus.configure('monitor', { tempLimit: '29' });
  await expect.poll(() => metric(port, 'itsm_configuration_refused'), patient).toBe('0');
}, 60_000);

test('a first deployment that cannot be used ends the process with what is wrong, and the nucleus is told', async () => {
  await startNucleus();
  const monitor = startMonitor(configurationOf(0, { humidLimit: 'wet' }));
  expect(await monitor.code()).toBe(1);
  expect(monitor.output()).toContain('thresholds.humidity.upper (deployment, as humidLimit): found "wet"');
  expect(nucleus.states).toEqual([{ component: 'monitor', state: 'ERRORED' }]);
}, 60_000);
