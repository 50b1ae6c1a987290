import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AnomalyMessage,
  type AnswerMessage,
  anomalyMessage,
  type DeviceStatusMessage,
  deviceStatusMessage,
  type HandlerStatusMessage,
} from '../anomaly/anomaly.ts';
import { keyText } from '../anomaly/identity.ts';
import { type Config, configSchema } from '../config/schema.ts';
import { silentLogger } from '../platform/logger.ts';
import type { Durability } from '../platform/sqlite.ts';
import { createInlineSync } from '../platform/store-sync.ts';
import { isoUtc, type ManualTime, manualTime } from '../platform/time.ts';
import { type ReadingMessage, readingMessage } from '../reading/reading.ts';
import type { Sample, SampleSink, SampleSource } from '../sensor/source.ts';
import { type InProcessBus, inProcessBus } from '../transport/in-process.ts';
import { topics } from '../transport/topics.ts';
import type { CountingTransport, Transport } from '../transport/transport.ts';
import { type Journal, openJournal } from './journal.ts';
import type { ClockState, MachineClock } from './machine-clock.ts';
import { createMonitor, type Monitor, type MonitorDeps } from './monitor.ts';

export const startMs = Date.parse('2026-03-01T12:00:00Z');

export type Answering = 'accept' | 'silent' | ((message: AnomalyMessage) => Partial<AnswerMessage> | undefined);

/** A monitor on a manual clock, with a sensor and a handler's side written by hand, on a bus in the process. */
export interface Harness {
  time: ManualTime;
  bus: InProcessBus;
  config: Config;
  monitor: Monitor;
  monitorTransport: CountingTransport;
  dataDir: string;
  clock: ClockState;
  /** Whether the disk refuses the next write as one that is full. */
  diskIsFull: (durability: Durability) => boolean;
  /** What the handler's side heard, in order. */
  anomalies: AnomalyMessage[];
  statuses: DeviceStatusMessage[];
  readings: ReadingMessage[];
  /** How the handler's side answers from now on. */
  answering: Answering;
  sink(): SampleSink;
  /** A reading now. */
  read(metrics: Record<string, number>, of?: Partial<Sample>): void;
  /** Readings every 5 s for so long. */
  readFor(ms: number, metrics: Record<string, number>): Promise<void>;
  answer(message: AnomalyMessage, change?: Partial<AnswerMessage>): void;
  handlerStarts(startId: string, handlerId?: string): void;
  send(topic: string, payload: string | Uint8Array): void;
  settle(): Promise<void>;
  pass(ms: number, stepMs?: number): Promise<void>;
  /** Ends the monitor as a power loss does: another one starts on a copy of the directory as it is now. */
  crash(change?: { config?: (config: Config) => void; bootId?: string; downMs?: number }): Promise<void>;
  /** Stops the monitor in order: another one starts on the directory as that leaves it. */
  restart(): Promise<void>;
  rollCalls(): Extract<DeviceStatusMessage, { kind: 'roll-call' }>[];
  heartbeats(): Extract<DeviceStatusMessage, { kind: 'heartbeat' }>[];
  close(): Promise<void>;
}

export interface HarnessOptions {
  config?: (config: Config) => void;
  dataDir?: string;
  /** Wall time of the start. */
  startMs?: number;
  clock?: ClockState;
  /** AWS IoT Core as a destination of its own. */
  cloud?: NonNullable<Transport['cloud']>;
  deps?: Partial<MonitorDeps>;
}

let idCount = 1;
/** Different in all harnesses: a lost directory takes an id that was never there. */
const newId = () => (idCount++).toString(16).padStart(32, 'a');

export async function startHarness(options: HarnessOptions = {}): Promise<Harness> {
  const time = manualTime(options.startMs ?? startMs, 1_000);
  const bus = inProcessBus();
  const config = configSchema.parse({});
  config.thresholds = configSchema.parse({ thresholds: { temperature: { upper: 30, deadband: 0.5 } } }).thresholds;
  config.store.reserveBytes = 0;
  options.config?.(config);
  const names = topics(config.topics);
  const directories: string[] = [];
  const makeDirectory = () => {
    const made = mkdtempSync(join(tmpdir(), 'monitor-'));
    directories.push(made);
    return made;
  };
  const transportOf = (name: string) => bus.transport({ name, maxPayloadBytes: 64_000, logger: silentLogger });
  const handlerSide = transportOf('handler');
  await handlerSide.start();
  const connectMonitor = (): CountingTransport =>
    options.cloud === undefined ? transportOf('monitor') : { ...transportOf('monitor'), cloud: options.cloud };
  let monitorSide = connectMonitor();
  let sink: SampleSink | undefined;
  let bootId = 'boot-1';

  const sourceOf = (): SampleSource => ({
    kind: config.sensor.kind,
    describe: () => 'a sensor of the test',
    async start(target) {
      sink = target;
    },
    async stop() {},
    stats: () => ({ read: 0, failed: 0, skipped: 0 }),
  });

  const journalOn = (path: string): Journal => {
    const journal = openJournal(path, createInlineSync);
    // At its end, as on a disk: what the transaction did is rolled back.
    const onDisk = <T>(durability: Durability, work: () => T) => {
      const result = work();
      if (harness.diskIsFull(durability))
        throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
      return result;
    };
    return {
      ...journal,
      write: (durability, work) => journal.write(durability, () => onDisk(durability, work)),
      writeInTurn: (work, writer) => journal.writeInTurn(() => onDisk('grouped', work), writer),
    };
  };
  const machineClock = (): MachineClock => ({ bootId, state: () => harness.clock });
  const create = (transport: CountingTransport, dataDir: string) =>
    createMonitor({
      config,
      configVersion: 'test',
      software: 'test/1',
      time,
      deliveryTime: time,
      machineClock: machineClock(),
      transport,
      topics: names,
      source: sourceOf(),
      dataDir,
      logger: silentLogger,
      random: () => 0.5,
      newId,
      openJournal: journalOn,
      ...options.deps,
    });

  const firstDirectory = options.dataDir ?? makeDirectory();
  const harness: Harness = {
    time,
    bus,
    config,
    monitor: create(monitorSide, firstDirectory),
    monitorTransport: monitorSide,
    dataDir: firstDirectory,
    diskIsFull: () => false,
    clock: options.clock ?? { synchronised: true, source: 'timesyncd' },
    anomalies: [],
    statuses: [],
    readings: [],
    answering: 'accept',
    sink() {
      if (sink === undefined) throw new Error('the source was not started');
      return sink;
    },
    read(metrics, of = {}) {
      harness.sink().sample({ atMs: time.wallMs(), monotonicMs: time.monotonicMs(), metrics, ...of });
    },
    async readFor(ms, metrics) {
      for (let left = ms; left > 0; left -= 5_000) {
        time.advance(5_000);
        harness.read(metrics);
        await harness.settle();
      }
    },
    answer(message, change = {}) {
      const { site, deviceId, metric, rule, installationId, sequence } = message;
      const answer: AnswerMessage = {
        ...{ version: 1, site, deviceId, metric, rule, installationId, sequence, result: 'accepted' },
        ...{ highWater: sequence, handlerId: 'h', at: isoUtc(time.wallMs()), ...change },
      };
      harness.send(names.ack(deviceId), JSON.stringify(answer));
    },
    handlerStarts(startId, handlerId = 'handler-1') {
      const status: HandlerStatusMessage = {
        ...{ version: 1, kind: 'handler', handlerId, startId, startedAt: isoUtc(time.wallMs()) },
        ...{ instance: 'test', state: 'active', at: isoUtc(time.wallMs()) },
      };
      harness.send(names.handlerStatus, JSON.stringify(status));
    },
    send(topic, payload) {
      void handlerSide.publish(topic, payload);
    },
    async settle() {
      for (let turn = 0; turn < 6; turn += 1) {
        await new Promise((resolve) => setImmediate(resolve));
        time.advance(0);
      }
    },
    async pass(ms, stepMs = 1_000) {
      for (let left = ms; left > 0; left -= stepMs) {
        time.advance(Math.min(stepMs, left));
        await harness.settle();
      }
    },
    async crash(change = {}) {
      const copy = makeDirectory();
      cpSync(harness.dataDir, copy, { recursive: true });
      await next(copy, change);
    },
    restart: () => next(harness.dataDir, {}),
    rollCalls: () => harness.statuses.flatMap((status) => (status.kind === 'roll-call' ? [status] : [])),
    heartbeats: () => harness.statuses.flatMap((status) => (status.kind === 'heartbeat' ? [status] : [])),
    async close() {
      await harness.monitor.stop();
      await monitorSide.stop();
      await handlerSide.stop();
      for (const made of directories) rmSync(made, { recursive: true, force: true });
    },
  };

  async function next(dataDir: string, change: NonNullable<Parameters<Harness['crash']>[0]>): Promise<void> {
    await monitorSide.stop();
    await harness.monitor.stop();
    time.advance(change.downMs ?? 0);
    bootId = change.bootId ?? bootId;
    change.config?.(config);
    monitorSide = connectMonitor();
    await monitorSide.start();
    harness.monitorTransport = monitorSide;
    harness.dataDir = dataDir;
    harness.monitor = create(monitorSide, dataDir);
    await harness.monitor.start();
    await harness.settle();
  }

  const json = (payload: Uint8Array): unknown => JSON.parse(Buffer.from(payload).toString('utf8'));
  await handlerSide.subscribe(names.sensorDataFilter, ({ payload }) => {
    harness.readings.push(readingMessage.parse(json(payload)));
  });
  await handlerSide.subscribe(names.statusFilter, ({ topic, payload }) => {
    if (topic !== names.handlerStatus) harness.statuses.push(deviceStatusMessage.parse(json(payload)));
  });
  const highWater = new Map<string, number>();
  await handlerSide.subscribe(names.anomalyFilter, ({ payload }) => {
    const message = anomalyMessage.parse(json(payload));
    harness.anomalies.push(message);
    if (harness.answering === 'silent') return;
    if (harness.answering === 'accept') {
      const name = `${message.installationId} ${keyText(message)}`;
      const before = highWater.get(name) ?? 0;
      highWater.set(name, Math.max(before, message.sequence));
      const result = message.sequence > before ? 'accepted' : 'duplicate';
      harness.answer(message, { result, highWater: Math.max(before, message.sequence) });
      return;
    }
    const change = harness.answering(message);
    if (change !== undefined) harness.answer(message, change);
  });
  await monitorSide.start();
  await harness.monitor.start();
  await harness.settle();
  return harness;
}
