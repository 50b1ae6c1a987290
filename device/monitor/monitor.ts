import { join } from 'node:path';
import type { AnomalyMessage, Rule, Severity } from '../anomaly/anomaly.ts';
import { compileRules, firing } from '../anomaly/detect.ts';
import type { Config } from '../config/schema.ts';
import { lockDataDir } from '../platform/data-lock.ts';
import type { Logger } from '../platform/logger.ts';
import { createReserveFile } from '../platform/reserve-file.ts';
import { loggedStoreSync } from '../platform/store-sync.ts';
import type { Time, Timer } from '../platform/time.ts';
import type { Metrics, Reading } from '../reading/reading.ts';
import type { Sample, SampleSink, SampleSource } from '../sensor/source.ts';
import type { Topics } from '../transport/topics.ts';
import type { LastWill, Subscription, Transport } from '../transport/transport.ts';
import { unsubscribeAll } from '../transport/unsubscribe-all.ts';
import { type CloudCounts, createCloudDelivery } from './cloud-delivery.ts';
import { createDelivery } from './delivery.ts';
import { keyName } from './device-state.ts';
import { createDevices } from './devices.ts';
import { createDiskGuard } from './disk-guard.ts';
import { createHandlerEar } from './handler-ear.ts';
import { type Journal, openJournal } from './journal.ts';
import type { ClockState, MachineClock } from './machine-clock.ts';
import { createReadingFeed, type ReadingCounts } from './reading-feed.ts';
import { createRecorder } from './recorder.ts';
import { createStampClock } from './stamp-clock.ts';
import { createStatusFeed } from './status-feed.ts';

export interface MonitorDeps {
  config: Config;
  configVersion: string;
  software: string;
  /** Event time: heartbeats, roll calls, no-data; the recording's clock in a replay. */
  time: Time;
  /** Real time: resends, saving of states. */
  deliveryTime: Time;
  machineClock: MachineClock;
  /** Started and stopped by its owner, outside the monitor's life. */
  transport: Transport;
  topics: Topics;
  source: SampleSource;
  dataDir: string;
  logger: Logger;
  random: () => number;
  /** 32 random hex digits. */
  newId: () => string;
  /** Another way to the journal, for a disk that fails when it is told to; default `openJournal`. */
  openJournal?: (path: string) => Journal;
  onReading?: (reading: Reading) => void;
  onAnomaly?: (message: AnomalyMessage) => void;
  /** A replay has handed over its last row. */
  onEnded?: () => void;
}

/** What fires, for people. */
export interface FiringNow {
  site: string;
  deviceId: string;
  metric: string;
  rule: Rule;
  severity: Severity;
  startedAtMs: number;
  value: number | null;
  limit: number | null;
  unit: string;
}

export interface MonitorStatus {
  sensor: { kind: string; describe: string; fault?: { reason: string; message: string } };
  /** Of any device; undefined before the first. */
  lastReadingAtMs: number | undefined;
  readings: {
    /** Handed over by the source. */
    read: number;
    /** Acknowledged by the broker. */
    published: number;
    /** Given up: too large, or not allowed. */
    failed: number;
    /** Lost from the full buffer, oldest first. */
    dropped: number;
    /** Waiting to be published. */
    buffered: number;
    /** Reads of the sensor that failed, and values that were not believed. */
    faults: number;
  };
  messages: {
    /** Without an answer yet. */
    waiting: number;
    /** Rejected by the handler, kept for a look. */
    rejected: number;
    /** Breaches that began and ended while the disk was full. */
    unreported: number;
  };
  /** AWS IoT Core, where it is a destination of its own beside the handler (Greengrass). */
  cloud?: { messages: CloudCounts; readings: ReadingCounts };
  /** The first thousand. */
  firing: readonly FiringNow[];
  /** Last values of the own device. */
  metrics: Metrics;
  /** Empty before the start. */
  installationId: string;
  clock: ClockState;
  storeFull: boolean;
  /** Devices in memory. */
  devices: number;
}

export interface Monitor {
  /** @throws AppError `data-dir-in-use`, of the journal (`store-newer`, `store-unusable`), or of the source. */
  start(): Promise<void>;
  /** Idempotent. What is not told yet is in the journal; readings that were not published are lost. */
  stop(): Promise<void>;
  /**
   * What is `live` in the configuration has changed, in the object that this monitor was made with: a changed limit
   * counts from the next reading on, what fires under a rule that is no more ends now.
   */
  reconfigure(configVersion: string): void;
  /** Resolves once, unless offline, every anomaly is answered, every status is sent and no reading waits to be sent. */
  idle(): Promise<void>;
  status(): MonitorStatus;
}

/** Sent by the broker when the connection of a monitor is lost. */
export function lastWill(config: Pick<Config, 'site' | 'deviceId'>, topics: Topics): LastWill {
  const { site, deviceId } = config;
  return { topic: topics.status(deviceId), payload: JSON.stringify({ version: 1, kind: 'offline', site, deviceId }) };
}

const mostFiringShown = 1_000;

/**
 * The sensor monitor: publishes every reading, watches it by the rules, and tells the handler of what it finds until
 * the handler has answered.
 *
 * | state   | what runs                                             | left by          |
 * |---------|-------------------------------------------------------|------------------|
 * | new     | nothing                                               | `start` → running |
 * | running | source, subscriptions, timers; the journal is open    | `stop` → stopped |
 * | stopped | nothing; a further monitor may open the directory     |                  |
 */
export function createMonitor(deps: MonitorDeps): Monitor {
  let run: Run | undefined;
  let last: MonitorStatus | undefined;
  let state: 'new' | 'running' | 'stopped' = 'new';

  return {
    async start() {
      if (state !== 'new') return;
      state = 'running';
      run = openRun(deps);
      try {
        await run.start();
      } catch (error) {
        await this.stop();
        throw error;
      }
    },
    async stop() {
      state = 'stopped';
      const ending = run;
      if (ending === undefined) return;
      last = ending.status();
      run = undefined;
      await ending.stop();
    },
    reconfigure: (configVersion) => run?.reconfigure(configVersion),
    idle: () => run?.idle() ?? Promise.resolve(),
    status: () => run?.status() ?? last ?? statusBeforeStart(deps),
  };
}

type Run = ReturnType<typeof buildRun>;

function openRun(deps: MonitorDeps): Run {
  const lock = lockDataDir(deps.dataDir, 'sensor-monitor');
  try {
    return buildRun(deps, lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

function buildRun(deps: MonitorDeps, lock: { release(): void }) {
  const { config, time, deliveryTime, transport, topics, source, newId } = deps;
  const { site, deviceId, monitor: settings } = config;
  const logger = deps.logger.child({ module: 'monitor' });
  const self = { site, deviceId };
  const own = config.sensor.kind === 'mqtt' ? undefined : self;
  const runId = newId();
  /** To the broker; one that the readings of a gateway come from has them. */
  const publishes = own !== undefined || config.sensor.mqtt.republish;
  let { configVersion } = deps;
  const clock = createStampClock(time, deps.machineClock);
  const open = deps.openJournal ?? ((path) => openJournal(path, loggedStoreSync(logger)));
  const journal = open(join(deps.dataDir, 'monitor.db'));
  const reserve = createReserveFile(join(deps.dataDir, 'monitor.reserve'), config.store.reserveBytes);
  const guard = createDiskGuard({ journal, reserve, clock: deliveryTime, logger });
  const backoff = { baseMs: settings.resendBaseMs, capMs: settings.resendCapMs };
  const delivery = createDelivery({
    ...{ journal, guard, transport, topics, time: deliveryTime, random: deps.random, logger, backoff },
    ...{ mostRejected: settings.maxWaitingMessages, changed: settleIdle },
  });
  const cloud = transport.cloud === undefined ? undefined : cloudDestination(transport.cloud);
  const recorder = createRecorder({
    ...{ journal, guard, delivery, cloud: cloud?.anomalies, clock, logger, newId, runId, opener: config.opener },
    ...{ configVersion: () => configVersion, onAnomaly: deps.onAnomaly },
  });
  const devices = createDevices({
    ...{ own, mostDevices: config.sensor.mqtt.maxDevices, rules: compileRules(config), journal, guard, recorder },
    ...{ windowPoints: config.anomaly.windowReadings, clock, time, logger, runId },
  });
  const feed = createReadingFeed({
    ...{ transport, topics, time: deliveryTime, logger, capacity: settings.bufferReadings, changed: settleIdle },
  });
  const status = createStatusFeed({
    ...{ transport, topics, clock, deliveryTime, devices, self, software: deps.software, opener: config.opener },
    ...{ newId, changed: settleIdle },
    ...{ installation: recorder.installation, waits: delivery.isWaiting },
  });
  const ear = createHandlerEar({
    topics,
    ownDevice: own?.deviceId,
    installationId: () => recorder.installation().id,
    lastSequence(key, { site, deviceId, metric, rule }) {
      const device = devices.get(deviceId);
      const known = device?.site === site ? device.keys.get(keyName({ metric, rule })) : undefined;
      return (known ?? journal.key(key))?.lastSequence ?? 0;
    },
    onAnswer: delivery.answered,
    onBehind: renew,
    onHandlerStart() {
      delivery.wakeAll();
      status.rollCall('all');
    },
  });
  const timers = new Map<string, Timer>();
  const subscriptions: Subscription[] = [];
  let running = false;
  const forgetStates: (() => void)[] = [];
  let read = 0;
  let lastReadingAtMs: number | undefined;
  let waiters: (() => void)[] = [];

  /** Tracked apart: neither the handler's way nor the cloud's waits for the other. */
  function cloudDestination(to: NonNullable<Transport['cloud']>) {
    const shared = { topics, time: deliveryTime, logger };
    return {
      onState: to.onState,
      anomalies: createCloudDelivery({
        ...{ ...shared, journal, guard, cloud: to, random: deps.random },
        ...{ backoff, mostWaiting: settings.maxCloudMessages },
      }),
      // Of QoS 0, which a nucleus refuses while it is offline: its spool is for anomalies, readings wait here.
      readings: createReadingFeed({
        ...{
          ...shared,
          transport: to,
          capacity: settings.bufferReadings,
          mostUnderWay: 4,
          qos: 0 as const,
          changed: () => {},
        },
      }),
    };
  }

  // --- what comes in -----------------------------------------------------------------------------------------------

  const sink: SampleSink = {
    sample(sample) {
      if (!running) return;
      read += 1;
      const metrics = finiteMetrics(sample);
      if (Object.keys(metrics).length === 0) return;
      const reading = devices.reading({
        ...{ site: sample.site ?? site, deviceId: sample.deviceId ?? deviceId, metrics },
        ...{ atMs: sample.atMs, monotonicMs: sample.monotonicMs },
        ...(sample.raw === undefined ? {} : { raw: sample.raw }),
      });
      lastReadingAtMs = reading.atMs;
      const stamped = { ...clock.fields(), monotonicMs: Math.max(0, reading.monotonicMs) };
      if (publishes) feed.publish(reading, stamped);
      cloud?.readings.publish(reading, stamped);
      deps.onReading?.(reading);
    },
    fault(fault) {
      devices.fault(fault, fault.deviceId ?? deviceId);
    },
    evicted(gone) {
      if (running) devices.evict(gone);
    },
    ended() {
      devices.stopWatching();
      deps.onEnded?.();
    },
  };

  function renew(): void {
    if (!recorder.renew()) return;
    devices.retell();
    status.rollCall('all');
  }

  function onTransportState(connected: boolean): void {
    if (connected) {
      // Anomalies first: they never wait behind readings.
      delivery.wakeAll();
      status.reconnected();
      feed.drain();
    }
    settleIdle();
  }

  function onCloudState(connected: boolean): void {
    if (!connected) return;
    cloud?.anomalies.resume();
    cloud?.readings.drain();
  }

  // --- life --------------------------------------------------------------------------------------------------------

  /** A task that comes again every `everyMs` of one clock; its name owns the timer. */
  function every(name: string, by: Time, everyMs: number, task: () => void): void {
    timers.get(name)?.cancel();
    timers.set(
      name,
      by.after(everyMs, () => {
        if (!running) return;
        every(name, by, everyMs, task);
        task();
      }),
    );
  }

  /** Each anew, at the intervals in force. */
  function startTasks(): void {
    every('heartbeat', time, settings.heartbeatMs, () => {
      devices.observe();
      devices.retryDisk();
      status.heartbeat();
    });
    every('roll call', time, settings.rollCallMs, () => status.rollCall('heard'));
    // In real time: what a replay at full speed learns in a minute is not worth a thousand writes.
    every('save', deliveryTime, settings.saveStateMs, () => devices.save());
  }

  function isIdle(): boolean {
    if (!feed.isIdle() || !status.isIdle()) return false;
    return delivery.isIdle() || transport.state().state !== 'connected';
  }

  function settleIdle(): void {
    if (waiters.length === 0 || (running && !isIdle())) return;
    const settled = waiters;
    waiters = [];
    for (const resolve of settled) resolve();
  }

  return {
    async start() {
      running = true;
      if (!reserve.restore()) {
        logger.warn({ bytes: config.store.reserveBytes }, 'no room for the reserve file: the disk is nearly full');
      }
      devices.start();
      forgetStates.push(transport.onState(({ state }) => onTransportState(state === 'connected')));
      if (cloud !== undefined) forgetStates.push(cloud.onState(({ state }) => onCloudState(state === 'connected')));
      subscriptions.push(await transport.subscribe(topics.handlerStatus, ear.onHandlerStatus));
      subscriptions.push(
        await transport.subscribe(own === undefined ? topics.ackFilter : topics.ack(deviceId), ear.onAnswer),
      );
      delivery.start();
      cloud?.anomalies.wake();
      status.rollCall('all');
      status.heartbeat();
      startTasks();
      await source.start(sink);
    },

    reconfigure(version: string) {
      configVersion = version;
      devices.follow(compileRules(config));
      source.pace?.();
      startTasks();
    },

    async stop() {
      running = false;
      const { buffered } = feed.counts();
      if (buffered > 0)
        logger.warn({ readings: buffered }, 'readings that waited for the connection are lost by this stop');
      for (const timer of timers.values()) timer.cancel();
      for (const forget of forgetStates) forget();
      delivery.stop();
      feed.stop();
      cloud?.anomalies.stop();
      cloud?.readings.stop();
      status.stop();
      devices.stop();
      settleIdle();
      try {
        await source.stop();
        await unsubscribeAll(subscriptions, deliveryTime);
      } finally {
        journal.close();
        lock.release();
      }
    },

    idle(): Promise<void> {
      if (!running || isIdle()) return Promise.resolve();
      return new Promise((resolve) => waiters.push(resolve));
    },

    status(): MonitorStatus {
      const fault = devices.get(deviceId)?.fault;
      return {
        sensor: {
          ...{ kind: source.kind, describe: source.describe() },
          ...(fault === undefined ? {} : { fault: { reason: fault.reason, message: fault.message } }),
        },
        lastReadingAtMs,
        readings: { read, faults: source.stats().failed, ...feed.counts() },
        messages: { ...journal.counts(), unreported: recorder.unreported() },
        ...(cloud === undefined
          ? {}
          : { cloud: { messages: cloud.anomalies.counts(), readings: cloud.readings.counts() } }),
        firing: firingNow(devices.all()),
        metrics: devices.get(deviceId)?.metrics ?? {},
        installationId: recorder.installation().id,
        clock: { ...deps.machineClock.state() },
        storeFull: guard.isFull(),
        devices: devices.size(),
      };
    },
  };
}

/** A sensor's NaN is no value, whoever let it through. */
function finiteMetrics({ metrics }: Sample): Metrics {
  const entries = Object.entries(metrics);
  const finite = entries.filter(([, value]) => Number.isFinite(value));
  return finite.length === entries.length ? metrics : Object.fromEntries(finite);
}

function firingNow(devices: Iterable<{ site: string; deviceId: string; detection: Parameters<typeof firing>[0] }>) {
  const shown: FiringNow[] = [];
  for (const { site, deviceId, detection } of devices) {
    for (const { metric, rule, severity, startedAtMs, value, limit, unit } of firing(detection)) {
      if (shown.length >= mostFiringShown) return shown;
      shown.push({ site, deviceId, metric, rule, severity, startedAtMs, value, limit, unit });
    }
  }
  return shown;
}

function statusBeforeStart({ source, machineClock }: MonitorDeps): MonitorStatus {
  return {
    sensor: { kind: source.kind, describe: source.describe() },
    lastReadingAtMs: undefined,
    readings: { read: 0, published: 0, failed: 0, dropped: 0, buffered: 0, faults: 0 },
    messages: { waiting: 0, rejected: 0, unreported: 0 },
    firing: [],
    metrics: {},
    installationId: '',
    clock: { ...machineClock.state() },
    storeFull: false,
    devices: 0,
  };
}
