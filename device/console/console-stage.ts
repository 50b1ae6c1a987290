import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AnomalyMessage } from '../anomaly/anomaly.ts';
import { occurrenceId } from '../anomaly/identity.ts';
import { type Config, configSchema } from '../config/schema.ts';
import { startHandlerComponent } from '../main/handler-component.ts';
import { silentLogger } from '../platform/logger.ts';
import { freePort } from '../platform/test-free-port.ts';
import { isoUtc, systemTime } from '../platform/time.ts';
import { createRuntime } from '../runtime.ts';
import { startBroker } from '../simulation/broker.ts';
import { type ServiceNow, startServiceNow } from '../simulation/servicenow/start-servicenow.ts';
import { createTransport } from '../transport/create-transport.ts';

/** A real handler with its console, broker and local ServiceNow, and devices whose words are written by hand. */
export interface ConsoleStage {
  serviceNow: ServiceNow;
  url: string;
  /** With the token. */
  link: string;
  token: string;
  /** Publishes a reading of now, or of `agoMs` before. */
  read(metrics: Record<string, number>, options?: { deviceId?: string; agoMs?: number }): Promise<void>;
  heartbeat(sensor?: string, deviceId?: string): Promise<void>;
  /** Publishes that a breach fires; the same key again is the next one. */
  fire(change?: Partial<AnomalyMessage>): Promise<AnomalyMessage>;
  resolve(message: AnomalyMessage): Promise<void>;
  stop(): Promise<void>;
}

const newId = () => randomBytes(16).toString('hex');

export async function startConsoleStage(change: (config: Config) => void = () => {}): Promise<ConsoleStage> {
  const dataDir = mkdtempSync(join(tmpdir(), 'console-stage-'));
  const runtime = createRuntime({ time: systemTime, logger: silentLogger });
  const password = newId();
  const serviceNow = await startServiceNow({ port: 0, dataDir: ':memory:', logger: silentLogger });
  serviceNow.addUser({ userName: 'greengrass', password, roles: ['itil'] });
  await runtime.start('the local ServiceNow', { stop: () => serviceNow.stop() });
  const broker = await startBroker({ port: 0, users: { stage: password }, logger: silentLogger });
  await runtime.start('the broker', { stop: () => broker.stop() });

  const config = configSchema.parse({ deviceId: 'pi' });
  mkdirSync(join(dataDir, 'handler'));
  const passwordFile = join(dataDir, 'mqtt-password');
  const secretFile = join(dataDir, 'secret.json');
  writeFileSync(passwordFile, password, { mode: 0o600 });
  writeFileSync(secretFile, JSON.stringify({ username: 'greengrass', password }), { mode: 0o600 });
  config.store = { dataDir: join(dataDir, 'handler'), reserveBytes: 0 };
  config.transport.mqtt = { ...config.transport.mqtt, url: broker.url, username: 'stage', passwordFile };
  config.secrets = { ...config.secrets, kind: 'file', file: secretFile };
  config.serviceNow = { ...config.serviceNow, url: serviceNow.url, attachChart: false };
  config.handler = { ...config.handler, claimMs: 10, quietMs: 500, deviceSilentMs: 0 };
  config.delivery = { ...config.delivery, settleMs: 10 };
  // The incidents carry the console's address, so its port is chosen before it listens.
  config.http.handlerPort = await freePort();
  config.console.url = `http://127.0.0.1:${config.http.handlerPort}`;
  change(config);

  const common = { logger: silentLogger, time: systemTime, deliveryTime: systemTime, random: Math.random, newId };
  const { consoleLink, url } = await startHandlerComponent(runtime, {
    ...common,
    ...{ config, software: 'greengrass-itsm/test' },
    configuration: () => ({ version: 'abc', origin: () => 'default', sinceMs: Date.now(), refused: undefined }),
  });
  const device = await createTransport(
    { ...config, transport: { ...config.transport, mqtt: { ...config.transport.mqtt, clientId: 'device' } } },
    { component: 'monitor', ...common },
  );
  await runtime.start('the device', device);

  const installation = { installationId: newId(), installationCreatedAt: isoUtc(Date.now()) };
  const clock = () => ({
    ...{ bootId: 'stage', monotonicMs: performance.now(), clockSynchronised: true, clockSource: 'none' },
  });
  let sequence = 0;
  const publish = async (topic: string, message: unknown) => {
    const sent = async () => (await device.publish(topic, JSON.stringify(message))).ok;
    // The connection is made meanwhile.
    for (let tries = 0; !(await sent()); tries += 1) {
      if (tries === 100) throw new Error(`${topic} could not be published`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  const link = consoleLink() ?? '';
  return {
    ...{ serviceNow, url: url() ?? '', link, token: link.split('token=')[1] ?? '' },
    read: (metrics, { deviceId = 'pi', agoMs = 0 } = {}) =>
      publish('IoTBlog/sensorData', {
        ...{ version: 1, site: 'home', deviceId, ts: isoUtc(Date.now() - agoMs), seq: sequence++, metrics, ...clock() },
      }),
    heartbeat: (sensor = 'ok', deviceId = 'pi') =>
      publish(`IoTBlog/status/${encodeURIComponent(deviceId)}`, {
        ...{ version: 1, kind: 'heartbeat', site: 'home', deviceId, at: isoUtc(Date.now()), ...clock() },
        ...{ ...installation, lastReadingAt: null, sensor },
      }),
    async fire(given = {}) {
      sequence += 1;
      const key = {
        ...{ site: 'home', deviceId: given.deviceId ?? 'pi' },
        ...{ metric: given.metric ?? 'humidity', rule: given.rule ?? 'upper' },
      } as const;
      const now = isoUtc(Date.now());
      const message: AnomalyMessage = {
        ...{ version: 1, id: occurrenceId(installation.installationId, key, sequence), ...installation, ...key },
        ...{ sequence, firingSequence: sequence, phase: 'firing', opener: 'edge', severity: 'high', unit: '%RH' },
        ...{ value: 56, limit: 50, deadband: 2, peak: 56.2, startedAt: now, endedAt: null, endReason: null, at: now },
        ...{ text: 'above the limit', configVersion: 'abc', window: [], ...clock() },
        ...given,
      };
      await publish('IoTBlog/anomaly', message);
      return message;
    },
    async resolve(message) {
      sequence += 1;
      const now = isoUtc(Date.now());
      const change = { sequence, phase: 'resolved', endedAt: now, endReason: 'cleared', at: now, value: 44 } as const;
      await publish('IoTBlog/anomaly', { ...message, ...change, ...clock() });
    },
    async stop() {
      await runtime.stop();
      rmSync(dataDir, { recursive: true });
    },
  };
}
