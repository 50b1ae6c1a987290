import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { connectAsync, type MqttClient } from 'mqtt';
import { silentLogger } from '../../device/platform/logger.ts';
import { type Broker, startBroker } from '../../device/simulation/broker.ts';
import { type ServiceNow, startServiceNow } from '../../device/simulation/servicenow/start-servicenow.ts';

export type ComponentName = 'monitor' | 'handler';

const root = join(import.meta.dirname, '../..');
const entries = { monitor: 'sensor-monitor', handler: 'anomaly-handler' } as const;

/** Both components as processes, with a real broker and a local ServiceNow, on folders of their own. */
export interface Processes {
  serviceNow: ServiceNow;
  /** Publishes readings of devices, and hears what the components say. */
  client: MqttClient;
  start(name: ComponentName): void;
  /** SIGKILL; resolves once the process is gone. */
  kill(name: ComponentName): Promise<void>;
  loseData(name: ComponentName): Promise<void>;
  /** A reading of another device, as a gateway hears it. */
  publishReading(deviceId: string, celsius: number): void;
  /** What both components have written to standard error and output. */
  logFile: string;
  stop(): Promise<void>;
}

export interface ProcessesOptions {
  folder: string;
  /** Laid over the short delays that both components get. */
  configuration?: Record<string, unknown>;
}

export async function startProcesses({ folder, configuration = {} }: ProcessesOptions): Promise<Processes> {
  const bundles = await bundleComponents();
  await mkdir(folder, { recursive: true });
  const passwords = { monitor: 'monitor-password', handler: 'handler-password', world: 'world-password' };
  const broker: Broker = await startBroker({ port: 0, users: passwords, logger: silentLogger });
  const serviceNow = await startServiceNow({ port: 0, dataDir: join(folder, 'servicenow'), logger: silentLogger });
  serviceNow.addUser({ userName: 'greengrass', password: 'greengrass-password', roles: ['itil'] });
  const secretFile = join(folder, 'secret.json');
  await writeFile(secretFile, JSON.stringify({ username: 'greengrass', password: 'greengrass-password' }), {
    mode: 0o600,
  });

  const configFiles = { monitor: join(folder, 'monitor.json'), handler: join(folder, 'handler.json') };
  const dataDirs = { monitor: join(folder, 'monitor'), handler: join(folder, 'handler') };
  for (const name of ['monitor', 'handler'] as const) {
    const passwordFile = join(folder, `${name}-mqtt-password`);
    await writeFile(passwordFile, passwords[name], { mode: 0o600 });
    const config = {
      site: 'test',
      deviceId: 'gateway',
      sensor: { kind: 'mqtt', mqtt: { topicFilter: 'IoTBlog/gateway/+' } },
      thresholds: { temperature: { upper: 30, deadband: 0.5, onDelayMs: 0, offDelayMs: 0 } },
      noData: { enabled: false },
      anomaly: { updateIntervalMs: 500 },
      monitor: { heartbeatMs: 200, rollCallMs: 5_000, resendBaseMs: 50, resendCapMs: 500 },
      handler: {
        claimMs: 0,
        quietMs: 300,
        noteIntervalMs: 700,
        reopenWindowMs: 0,
        deviceSilentMs: 0,
        maxNewPerHour: 10_000,
        storm: { keys: 1_000 },
      },
      delivery: { settleMs: 1_500, backoffBaseMs: 50, backoffCapMs: 300, pauseMs: 500, breakerFailures: 50 },
      transport: {
        kind: 'mqtt',
        mqtt: { url: broker.url, username: name, passwordFile, reconnectBaseMs: 20, reconnectCapMs: 200 },
      },
      serviceNow: { url: serviceNow.url, timeoutMs: 2_000, attachChart: false },
      secrets: { kind: 'file', file: secretFile },
      store: { dataDir: dataDirs[name], reserveBytes: 0 },
      http: { monitorPort: -1, handlerPort: -1 },
      log: { level: 'info' },
      ...configuration,
    };
    await writeFile(configFiles[name], JSON.stringify(config));
  }

  const logFile = join(folder, 'components.log');
  const log = createWriteStream(logFile, { flags: 'a' });
  await once(log, 'open');
  const running = new Map<ComponentName, ChildProcess>();
  const client = await connectAsync(broker.url, { username: 'world', password: passwords.world, protocolVersion: 4 });

  async function kill(name: ComponentName): Promise<void> {
    const child = running.get(name);
    running.delete(name);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  return {
    serviceNow,
    client,
    logFile,
    start(name) {
      const child = spawn(process.execPath, [bundles.paths[name], '--config', configFiles[name]], {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, NODE_NO_WARNINGS: '1' },
      });
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (chunk: Buffer) => log.write(`${name}: ${chunk.toString()}`));
      running.set(name, child);
    },
    kill,
    loseData: (name) => rm(dataDirs[name], { recursive: true, force: true }),
    publishReading(deviceId, celsius) {
      client.publish(`IoTBlog/gateway/${deviceId}`, JSON.stringify({ temperature: celsius }), { qos: 1 });
    },
    async stop() {
      await Promise.all([kill('monitor'), kill('handler')]);
      await client.endAsync(true);
      await Promise.all([broker.stop(), serviceNow.stop()]);
      log.end();
      await bundles.remove();
    },
  };
}

/** Bundles start three times as fast as the sources; they lie where the packages beside them are found. */
async function bundleComponents(): Promise<{ paths: Record<ComponentName, string>; remove: () => Promise<void> }> {
  const cache = join(root, '.cache');
  await mkdir(cache, { recursive: true });
  const outdir = await mkdtemp(join(cache, 'chaos-'));
  await build({
    entryPoints: Object.values(entries).map((entry) => join(root, 'device/main', `${entry}.ts`)),
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
  });
  return {
    paths: { monitor: join(outdir, 'sensor-monitor.mjs'), handler: join(outdir, 'anomaly-handler.mjs') },
    remove: () => rm(outdir, { recursive: true, force: true }),
  };
}
