import { once } from 'node:events';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, type MqttClient } from 'mqtt';
import { silentLogger } from '../../../device/platform/logger.ts';
import { seededRandom } from '../../../device/platform/random.ts';
import { type ServiceNow, startServiceNow } from '../../../device/simulation/servicenow/start-servicenow.ts';
import { type BrokerProcess, startBrokerProcess } from './broker.ts';
import type { Bundles, ComponentName } from './bundles.ts';
import { type Component, createComponent } from './component.ts';
import { eventually } from './eventually.ts';
import { createWaves, type Waves } from './waves.ts';

/** Both components, the broker and a local ServiceNow: whole processes on folders of their own. */
export interface World {
  readonly folder: string;
  readonly random: () => number;
  readonly bundles: Bundles;
  readonly mostCuts: number;
  readonly serviceNow: ServiceNow;
  readonly broker: BrokerProcess;
  readonly components: Readonly<Record<ComponentName, Component>>;
  readonly dataDirs: Readonly<Record<ComponentName, string>>;
  /** Devices that rise above the limit and fall again. */
  readonly waves: Waves;
  /** A handler of the same instance and devices, with a data directory of its own. */
  readonly secondHandler: Component;
  /** Publishes readings of devices, and hears what the components say. */
  readonly client: MqttClient;
  /** What both components have written to standard error and output. */
  readonly logFile: string;
  /** What may stand in no file but those that hold it. */
  readonly secrets: Set<string>;
  /** Starts both components; resolves once the monitor publishes readings and the handler has its store. */
  start(): Promise<void>;
  /** From now on the edge's secret is one for OAuth. */
  signInByToken(): Promise<void>;
  /** Another password of the edge's user: on the instance, and in the secret when `tellEdge` is called. */
  rotate(): { tellEdge(): Promise<void> };
  stop(): Promise<void>;
}

export interface WorldOptions {
  folder: string;
  bundles: Bundles;
  seed: number;
  devices: readonly string[];
  /** Laid over the short delays that both components get. */
  configuration?: Record<string, unknown>;
  env?: Readonly<Record<string, string>>;
  nowMs?: () => number;
  /** How long the components wait for broker and instance, by their own clocks; default 2 s for the instance. */
  timeoutMs?: number;
  /** In how many places the last write of a store is cut, at most; default: at every byte. */
  mostCuts?: number;
}

/** What each component keeps for a full disk. */
const reserveBytes = 2_000_000;
const startWithinMs = 30_000;
const userName = 'greengrass';
const clients = ['monitor', 'handler', 'second-handler'] as const;

export async function startWorld(options: WorldOptions): Promise<World> {
  const { folder, bundles, seed, devices, configuration = {}, env = {}, nowMs = Date.now } = options;
  const { mostCuts = Number.POSITIVE_INFINITY, timeoutMs } = options;
  await mkdir(folder, { recursive: true });
  const random = seededRandom(seed);
  const passwordOf = (user: string) => `${user}-password-${seed}`;
  const users = Object.fromEntries([...clients, 'world'].map((user) => [user, passwordOf(user)]));
  const broker = await startBrokerProcess({ program: bundles.broker, users, seed });
  const serviceNow = await startServiceNow({
    ...{ port: 0, dataDir: join(folder, 'servicenow'), logger: silentLogger, random: seededRandom(seed + 1) },
  });
  let password = passwordOf(userName);
  serviceNow.addUser({ userName, password, roles: ['itil'] });
  const secrets = new Set([...Object.values(users), password]);
  const { clientId, clientSecret } = serviceNow.credentials;
  secrets.add(clientSecret);
  let byToken = {};
  const secretFile = join(folder, 'secret.json');
  async function writeSecret(): Promise<void> {
    // A secret is replaced as a whole: nobody may read half of it.
    await writeFile(`${secretFile}.new`, JSON.stringify({ username: userName, password, ...byToken }), { mode: 0o600 });
    await rename(`${secretFile}.new`, secretFile);
  }
  await writeSecret();

  const logFile = join(folder, 'components.log');
  const log = createWriteStream(logFile, { flags: 'a' });
  await once(log, 'open');

  async function component(name: (typeof clients)[number]): Promise<Component> {
    const passwordFile = join(folder, `${name}-mqtt-password`);
    await writeFile(passwordFile, passwordOf(name), { mode: 0o600 });
    const configFile = join(folder, `${name}.json`);
    const config = {
      ...shortDelays,
      transport: {
        kind: 'mqtt',
        mqtt: {
          // A name, so that the broker's can be lost, too.
          url: broker.url.replace('127.0.0.1', 'localhost'),
          username: name,
          clientId: name,
          passwordFile,
          reconnectBaseMs: 20,
          reconnectCapMs: 200,
          ...(timeoutMs === undefined
            ? {}
            : { connectTimeoutMs: timeoutMs, keepAliveMs: timeoutMs, publishTimeoutMs: timeoutMs }),
        },
      },
      serviceNow: { url: `http://localhost:${serviceNow.port}`, timeoutMs: timeoutMs ?? 2_000 },
      secrets: { kind: 'file', file: secretFile },
      store: { dataDir: join(folder, name), reserveBytes },
      http: { monitorPort: -1, handlerPort: -1 },
      log: { level: 'info' },
      ...configuration,
    };
    await writeFile(configFile, JSON.stringify(config));
    return createComponent({
      ...{ name, configFile, release: bundles.release, env },
      program: name === 'monitor' ? 'monitor' : 'handler',
      log: (chunk) => void log.write(`${name}: ${chunk.toString()}`),
    });
  }
  const components = { monitor: await component('monitor'), handler: await component('handler') };
  const secondHandler = await component('second-handler');

  const client = connect(broker.url, {
    ...{ username: 'world', password: passwordOf('world'), clientId: 'world', protocolVersion: 4 },
    ...{ reconnectPeriod: 100, queueQoSZero: false },
  });
  // It comes back by itself, and a broker that is dead is no news here.
  client.on('error', () => {});
  await new Promise<void>((resolve) => client.once('connect', () => resolve()));
  const waves = createWaves({
    ...{ devices, random, nowMs },
    // A gateway's readings do not wait for a broker that is away: late, they would be other readings.
    publish(deviceId, celsius) {
      if (client.connected) client.publish(`IoTBlog/gateway/${deviceId}`, JSON.stringify({ temperature: celsius }));
    },
  });
  client.on('message', (_topic, payload) => waves.heard(payload));
  await client.subscribeAsync('IoTBlog/sensorData');

  const dataDirs = { monitor: join(folder, 'monitor'), handler: join(folder, 'handler') };
  return {
    ...{
      folder,
      random,
      mostCuts,
      dataDirs,
      bundles,
      serviceNow,
      broker,
      components,
      secondHandler,
      waves,
      client,
      logFile,
    },
    secrets,
    async start() {
      components.handler.start();
      components.monitor.start();
      waves.start();
      const runs = () => waves.areHeard() && existsSync(join(dataDirs.handler, 'handler.db'));
      if (!(await eventually(runs, startWithinMs))) throw new Error(`The components do not run; see ${logFile}.`);
    },
    signInByToken() {
      byToken = { clientId, clientSecret };
      return writeSecret();
    },
    rotate() {
      password = `${passwordOf(userName)}-${Math.floor(random() * 1e9)}`;
      secrets.add(password);
      serviceNow.setPassword(userName, password);
      return { tellEdge: writeSecret };
    },
    async stop() {
      waves.stop();
      await Promise.all([...Object.values(components), secondHandler].map((one) => one.kill()));
      await client.endAsync(true);
      await Promise.all([broker.kill(), serviceNow.stop()]);
      await new Promise<void>((resolve) => log.end(resolve));
    },
  };
}

/** Moves the data of a component away, so that its next start finds none. */
export async function loseData({ dataDirs }: World, name: ComponentName): Promise<void> {
  await rm(dataDirs[name], { recursive: true, force: true });
}

/** Within a round a breach reopens the incident of the one before, as that of a monitor that lost its data in the midst of it. */
export const reopenWindowMs = 1_500;

const shortDelays = {
  site: 'test',
  deviceId: 'gateway',
  sensor: { kind: 'mqtt', mqtt: { topicFilter: 'IoTBlog/gateway/+' } },
  thresholds: { temperature: { upper: 30, deadband: 0.5, onDelayMs: 0, offDelayMs: 0 } },
  noData: { enabled: false },
  anomaly: { updateIntervalMs: 500 },
  monitor: { heartbeatMs: 200, rollCallMs: 5_000, resendBaseMs: 50, resendCapMs: 500 },
  handler: {
    claimMs: 250,
    statusMs: 400,
    quietMs: 300,
    noteIntervalMs: 700,
    reopenWindowMs,
    deviceSilentMs: 0,
    maxNewPerHour: 10_000,
    storm: { keys: 1_000 },
  },
  delivery: { settleMs: 1_500, backoffBaseMs: 50, backoffCapMs: 300, pauseMs: 500, breakerFailures: 50 },
};
