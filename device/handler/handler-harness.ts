import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AnomalyMessage,
  type AnswerMessage,
  answerMessage,
  type DeviceStatusMessage,
  type RollCallKey,
} from '../anomaly/anomaly.ts';
import { occurrenceId } from '../anomaly/identity.ts';
import { type Config, configSchema } from '../config/schema.ts';
import type { IncidentDestination } from '../incident/destination.ts';
import type { Occurrence } from '../incident/occurrence.ts';
import { incidentTexts } from '../incident/texts.ts';
import type { Told } from '../outbox/tell.ts';
import { silentLogger } from '../platform/logger.ts';
import { type CreateStoreSync, createInlineSync } from '../platform/store-sync.ts';
import { isoUtc, type ManualTime, manualTime } from '../platform/time.ts';
import { createMemoryDestination, type MemoryDestination } from '../simulation/memory-destination.ts';
import { topics } from '../transport/topics.ts';
import type { InboundMessage, Transport, TransportState } from '../transport/transport.ts';
import { createHandler, type Handler } from './handler.ts';
import { openHandlerStore } from './store.ts';

export const startMs = Date.parse('2026-03-01T12:00:00Z');

/** A monitor's side of one device, written by hand, and a handler over a table in memory on a manual clock. */
export interface Harness {
  time: ManualTime;
  destination: MemoryDestination;
  handler: Handler;
  answers: AnswerMessage[];
  told: { told: Told; occurrence: Occurrence }[];
  dataDir: string;
  installationId: string;
  /** While true, `pass` lets the device send its heartbeat every minute, as a monitor does. */
  alive: boolean;
  connected(state: boolean): void;
  send(topic: string, payload: unknown): void;
  /** The next message of a key, not sent yet. */
  message(change?: Partial<AnomalyMessage>): AnomalyMessage;
  anomaly(change?: Partial<AnomalyMessage>): AnomalyMessage;
  status(message: Partial<DeviceStatusMessage> & { kind: DeviceStatusMessage['kind'] }): void;
  heartbeat(): void;
  rollCall(keys: RollCallKey[], opener?: 'edge' | 'cloud'): void;
  /** Runs what is due until nothing moves any more, without moving the clock. */
  settle(): Promise<void>;
  /** Moves the clock in small steps, letting everything run in between. */
  pass(ms: number, stepMs?: number): Promise<void>;
  /** Stops it and starts it again, on an empty store or for another instance where that is wanted. */
  restart(options?: { loseStore?: boolean; instance?: string }): Promise<void>;
  /**
   * Ends the handler as SIGKILL does: what it committed stays, what it sent may still commit, nothing else. A new one
   * starts on the same state.
   */
  crash(): Promise<void>;
  close(): Promise<void>;
}

export interface HarnessOptions {
  /** Hears each answer at the moment it is sent. */
  onAnswer?: (answer: AnswerMessage) => void;
  /** Stands between the handler and the table in memory. */
  destination?: (table: MemoryDestination, time: ManualTime) => IncidentDestination;
  /** Draws charts; without it there are none. */
  chart?: (occurrence: Occurrence, signal: AbortSignal) => Promise<Uint8Array>;
  /** The handler starts on a copy of this data directory. */
  dataDir?: string;
  /** Wall time of the start. */
  startMs?: number;
  /** How long the disk takes; default no time. */
  createSync?: CreateStoreSync;
  /** Called before each commit; throws what the disk says. */
  commit?: () => void;
}

export async function startHarness(
  change: (config: Config) => void = () => {},
  options: HarnessOptions = {},
): Promise<Harness> {
  const time = manualTime(options.startMs ?? startMs);
  const config = configSchema.parse({});
  config.handler.claimMs = 0;
  config.delivery.settleMs = 90_000;
  config.serviceNow.attachChart = options.chart !== undefined;
  config.store.reserveBytes = 0;
  change(config);
  const names = topics(config.topics);
  const tables = new Map<string, MemoryDestination>();
  let destination = tableOf('memory/incident');
  const root = mkdtempSync(join(quickFolder(), 'handler-'));
  let run = 0;
  let dataDir = dataDirOfRun();
  if (options.dataDir !== undefined) cpSync(options.dataDir, dataDir, { recursive: true });
  const subscribers: { filter: string; handle: (message: InboundMessage) => void | Promise<void> }[] = [];
  const stateListeners = new Set<(state: TransportState) => void>();
  const answers: AnswerMessage[] = [];
  const told: Harness['told'] = [];
  let state: TransportState = { state: 'connected' };
  let lastBeatMs = Number.NEGATIVE_INFINITY;
  let ids = 1;
  const newId = () => (ids++).toString(16).padStart(32, 'f');
  const installationId = newId();
  const sequences = new Map<string, number>();
  /** Stops of handlers that are over. */
  const buried: Promise<void>[] = [];

  const transport: Transport = {
    kind: 'fake',
    start: async () => {},
    stop: async () => {},
    state: () => state,
    onState(listener) {
      stateListeners.add(listener);
      return () => stateListeners.delete(listener);
    },
    async publish(topic, payload) {
      if (topic === config.topics.ack) {
        const answer = answerMessage.parse(JSON.parse(String(payload)));
        answers.push(answer);
        options.onAnswer?.(answer);
      }
      return { ok: true };
    },
    async subscribe(filter, handle) {
      const entry = { filter, handle };
      subscribers.push(entry);
      return {
        async unsubscribe() {
          const index = subscribers.indexOf(entry);
          if (index >= 0) subscribers.splice(index, 1);
        },
      };
    },
  };

  function tableOf(instance: string): MemoryDestination {
    const table = tables.get(instance) ?? createMemoryDestination(time, instance);
    tables.set(instance, table);
    return table;
  }

  function dataDirOfRun(): string {
    const folder = join(root, String(run));
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  /** Hears nothing any more once its run is over. */
  function ofThisRun<T extends object>(port: T): T {
    const ofRun = run;
    return new Proxy(port, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        return (...values: unknown[]) => {
          if (ofRun !== run) return new Promise(() => {});
          const answer: unknown = Reflect.apply(member, target, values);
          if (!(answer instanceof Promise)) return answer;
          return answer.then((value) => (ofRun === run ? value : new Promise(() => {})));
        };
      },
    });
  }

  const create = () =>
    createHandler({
      openStore(path, instance, clock) {
        const store = openHandlerStore(path, instance, clock, options.createSync ?? createInlineSync);
        const { commit } = options;
        if (commit === undefined) return store;
        const committed = <T>(work: () => T) => {
          const result = work();
          commit();
          return result;
        };
        return { ...store, transaction: (work, durability) => store.transaction(() => committed(work), durability) };
      },
      config,
      time,
      deliveryTime: time,
      transport: ofThisRun(transport),
      topics: names,
      destination: ofThisRun(options.destination?.(destination, time) ?? destination),
      texts: incidentTexts({ timeZone: 'UTC', clock: time }),
      chart: options.chart,
      dataDir,
      logger: silentLogger,
      random: () => 0.5,
      newId,
      onTold: (what, occurrence) => told.push({ told: what, occurrence }),
    });

  const harness: Harness = {
    time,
    get destination() {
      return destination;
    },
    handler: create(),
    answers,
    told,
    get dataDir() {
      return dataDir;
    },
    installationId,
    alive: true,
    connected(on) {
      state = on ? { state: 'connected' } : { state: 'disconnected', reason: 'test' };
      for (const listener of stateListeners) listener(state);
    },
    send(topic, payload) {
      const bytes =
        payload instanceof Uint8Array
          ? payload
          : Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload));
      for (const { filter, handle } of [...subscribers]) {
        const matches = filter.endsWith('/+') ? topic.startsWith(filter.slice(0, -1)) : topic === filter;
        if (matches) void handle({ topic, payload: bytes });
      }
    },
    message(change = {}) {
      const key = {
        site: 'home',
        deviceId: 'pi',
        metric: change.metric ?? 'temperature',
        rule: change.rule ?? ('upper' as const),
        ...(change.deviceId === undefined ? {} : { deviceId: change.deviceId }),
      };
      const installation = change.installationId ?? installationId;
      const counter = `${installation}/${key.deviceId}/${key.metric}/${key.rule}`;
      const sequence = change.sequence ?? (sequences.get(counter) ?? 0) + 1;
      sequences.set(counter, Math.max(sequence, sequences.get(counter) ?? 0));
      const firingSequence = change.firingSequence ?? sequence;
      const at = isoUtc(time.wallMs());
      return {
        version: 1,
        id: occurrenceId(installation, key, firingSequence),
        installationId: installation,
        installationCreatedAt: '2026-01-01T00:00:00Z',
        ...key,
        sequence,
        firingSequence,
        phase: 'firing',
        opener: 'edge',
        severity: 'high',
        unit: '°C',
        value: 31.4,
        limit: 30,
        deadband: 0.5,
        peak: 31.4,
        startedAt: at,
        endedAt: null,
        endReason: null,
        at,
        text: 'above the limit',
        configVersion: 'test',
        window: [],
        bootId: 'boot',
        monotonicMs: time.monotonicMs(),
        clockSynchronised: true,
        clockSource: 'none',
        ...change,
      };
    },
    anomaly(change = {}) {
      const message = harness.message(change);
      harness.send(config.topics.anomaly, message);
      return message;
    },
    status(message) {
      harness.send(`${config.topics.status}/pi`, {
        version: 1,
        site: 'home',
        deviceId: 'pi',
        at: isoUtc(time.wallMs()),
        installationId,
        installationCreatedAt: '2026-01-01T00:00:00Z',
        bootId: 'boot',
        monotonicMs: time.monotonicMs(),
        clockSynchronised: true,
        clockSource: 'none',
        ...message,
      });
    },
    heartbeat() {
      harness.status({ kind: 'heartbeat', lastReadingAt: isoUtc(time.wallMs()), sensor: 'ok' });
    },
    rollCall(keys, opener) {
      const told = opener === undefined ? {} : { opener };
      harness.status({ kind: 'roll-call', software: 'test', ...told, callId: newId(), page: 1, pages: 1, keys });
    },
    async settle() {
      for (let turns = 0; turns < 40; turns += 1) {
        await turn();
        time.advance(0);
      }
    },
    async pass(ms, stepMs = 5_000) {
      for (let left = ms; left > 0; left -= stepMs) {
        time.advance(Math.min(stepMs, left));
        if (harness.alive && state.state === 'connected' && time.monotonicMs() - lastBeatMs >= 60_000) {
          lastBeatMs = time.monotonicMs();
          harness.heartbeat();
        }
        await harness.settle();
      }
    },
    async crash() {
      const crashed = harness.handler;
      const left = dataDir;
      run += 1;
      dataDir = dataDirOfRun();
      for (const name of ['handler.db', 'handler.db-wal']) {
        if (existsSync(join(left, name))) cpSync(join(left, name), join(dataDir, name));
      }
      subscribers.length = 0;
      stateListeners.clear();
      const stopped = crashed.stop();
      harness.handler = create();
      await harness.handler.start();
      buried.push(stopped);
    },
    async restart(options = {}) {
      const stopped = harness.handler.stop();
      time.advance(2_000);
      await stopped;
      if (options.loseStore === true) {
        for (const suffix of ['', '-wal', '-shm']) rmSync(join(dataDir, `handler.db${suffix}`), { force: true });
      }
      destination = tableOf(options.instance ?? destination.instance);
      harness.handler = create();
      await harness.handler.start();
      await harness.settle();
    },
    async close() {
      buried.push(harness.handler.stop());
      await turn();
      time.advance(2_000);
      await Promise.all(buried);
      rmSync(root, { recursive: true, force: true });
    },
  };
  await harness.handler.start();
  await harness.settle();
  return harness;
}

/** Lets promises and immediates have their turn. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Tests commit thousands of times; in memory a sync costs nothing. */
export function quickFolder(): string {
  return existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
}
