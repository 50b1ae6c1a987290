import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { keptConfigurationFile } from '../config/last-good.ts';
import { loadConfig } from '../config/load.ts';
import { fixedClock } from '../monitor/machine-clock.ts';
import { silentLogger } from '../platform/logger.ts';
import { freePort } from '../platform/test-free-port.ts';
import { systemTime } from '../platform/time.ts';
import { createRuntime, type Runtime } from '../runtime.ts';
import { startBroker } from '../simulation/broker.ts';
import { type ServiceNow, startServiceNow } from '../simulation/servicenow/start-servicenow.ts';
import { type AppliedConfiguration, createAppliedConfiguration } from './applied-configuration.ts';
import type { ComponentContext } from './component.ts';
import { startHandlerComponent } from './handler-component.ts';
import { startMonitorComponent } from './monitor-component.ts';

/** Both components with a broker and two instances between which a deployment may move them. */
const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const newId = () => randomBytes(16).toString('hex');
const patient = { timeout: 15_000, interval: 20 };

async function startInstance(password: string): Promise<ServiceNow> {
  const instance = await startServiceNow({ port: 0, dataDir: ':memory:', logger: silentLogger });
  cleanUps.push(() => instance.stop());
  instance.addUser({ userName: 'greengrass', password, roles: ['itil'] });
  return instance;
}

async function begin() {
  const root = mkdtempSync(join(tmpdir(), 'changes-'));
  cleanUps.push(() => rmSync(root, { recursive: true, force: true }));
  const password = newId();
  const file = (name: string, text: string) => {
    writeFileSync(join(root, name), text, { mode: 0o600 });
    return join(root, name);
  };
  const passwordFile = file('mqtt-password', password);
  const secretFile = file('secret.json', JSON.stringify({ username: 'greengrass', password }));
  const broker = await startBroker({ port: 0, users: { device: password }, logger: silentLogger });
  cleanUps.push(() => broker.stop());
  const instances = [await startInstance(password), await startInstance(password)] as const;
  const launches: string[] = [];

  function component(
    name: string,
    start: (runtime: Runtime, context: ComponentContext) => Promise<{ reconfigure(version: string): void }>,
  ): AppliedConfiguration {
    const dataDir = join(root, name);
    mkdirSync(dataDir);
    const local = {
      ...{ store: { dataDir, reserveBytes: 0 }, secrets: { file: secretFile } },
      transport: { mqtt: { url: broker.url, username: 'device', passwordFile, reconnectBaseMs: 10 } },
      handler: { claimMs: 10, quietMs: 100, deviceSilentMs: 0 },
      ...{
        delivery: { settleMs: 50, backoffBaseMs: 10 },
        serviceNow: { attachChart: false },
        console: { enabled: false },
      },
      ...{
        sensor: { kind: 'mock', intervalMs: 20, warmUpReadings: 0 },
        monitor: { resendBaseMs: 20, heartbeatMs: 100 },
      },
    };
    const applied = createAppliedConfiguration({
      load: (deployment) => loadConfig({ overlay: local, deployment }),
      async launch({ config }, configuration) {
        launches.push(name);
        const runtime = createRuntime({ time: systemTime, logger: silentLogger });
        const common = { logger: silentLogger, time: systemTime, deliveryTime: systemTime, random: Math.random, newId };
        const { reconfigure } = await start(runtime, {
          ...common,
          config,
          configuration,
          software: 'greengrass-itsm/test',
        });
        return { reconfigure, stop: runtime.stop };
      },
      kept: keptConfigurationFile(dataDir, name),
      ...{ time: systemTime, logger: silentLogger, failed: (error) => launches.push(String(error)) },
    });
    cleanUps.push(() => applied.stop());
    return applied;
  }

  const handler = component('handler', startHandlerComponent);
  const monitor = component('monitor', (runtime, context) =>
    startMonitorComponent(runtime, { ...context, machineClock: fixedClock('boot') }),
  );
  return { handler, monitor, instances, launches };
}

test('a breach goes through changed limits, restarts and a change of instance as one incident on each', async () => {
  const { handler, monitor, instances, launches } = await begin();
  const [first, second] = instances;
  const incidents = (of: ServiceNow) => of.rows('incident').filter((row) => row['correlation_id'] !== '');
  const limits = (upper: string) => ({
    thresholds: { temperature: { upper, onDelayMs: '100' }, humidity: { upper: 'off' } },
  });
  await handler.start({ snowUrl: `${first.url}/api/now/table/incident` });
  await monitor.start(limits('60'));

  // The mock weather is some 20 °C: a lower limit begins a breach in what runs.
  await monitor.offer(limits('5'));
  await expect.poll(() => incidents(first).length, patient).toBe(1);
  expect(launches).toEqual(['handler', 'monitor']);

  // Anew in its process, while it breaches: the same occurrence, and no second incident.
  await monitor.offer({ ...limits('5'), http: { monitorPort: String(await freePort()) } });
  expect(launches).toEqual(['handler', 'monitor', 'monitor']);

  await handler.offer({ snowUrl: `${second.url}/api/now/table/incident` });
  expect(launches.at(-1)).toBe('handler');
  await expect.poll(() => incidents(second).length, patient).toBe(1);
  const opened = (of: ServiceNow) => incidents(of)[0]?.['correlation_display'];
  expect(opened(second)).toBe(opened(first));
  expect(incidents(first)).toHaveLength(1);

  await monitor.offer({ ...limits('60'), http: { monitorPort: '0' } });
  await expect.poll(() => incidents(second)[0]?.['state'], patient).toBe('6');
  expect(incidents(second)).toHaveLength(1);
  expect(JSON.stringify(second.rows('sys_journal_field'))).toMatch(/limit changed|limit was changed/i);
}, 60_000);
