import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { AnomalyMessage } from '../../device/anomaly/anomaly.ts';
import type { ConfigurationStatus } from '../../device/config/in-force.ts';
import type { LoadedConfig } from '../../device/config/load.ts';
import type { Handler } from '../../device/handler/handler.ts';
import type { Occurrence } from '../../device/incident/occurrence.ts';
import { startHandlerComponent } from '../../device/main/handler-component.ts';
import { startMonitorComponent } from '../../device/main/monitor-component.ts';
import { fixedClock } from '../../device/monitor/machine-clock.ts';
import type { Monitor } from '../../device/monitor/monitor.ts';
import type { Told } from '../../device/outbox/tell.ts';
import { jumpingTime } from '../../device/platform/jumping-time.ts';
import type { Logger } from '../../device/platform/logger.ts';
import { pacedTime } from '../../device/platform/paced-time.ts';
import { systemTime, type Time } from '../../device/platform/time.ts';
import { software } from '../../device/platform/version.ts';
import type { Reading } from '../../device/reading/reading.ts';
import type { Runtime } from '../../device/runtime.ts';
import type { Scenario } from '../../device/sensor/mock/scenarios.ts';
import { startWorld, type World } from './world.ts';

export interface SimulationListeners {
  onReading(reading: Reading): void;
  onAnomaly(message: AnomalyMessage): void;
  onTold(told: Told, occurrence: Occurrence): void;
}

export interface Simulation {
  world: World;
  monitor: Monitor;
  handler: Handler;
  /** Health and metrics; undefined where they are switched off. */
  monitorUrl(): string | undefined;
  handlerUrl(): string | undefined;
  /** With its token; undefined where the console is switched off. */
  consoleLink(): string | undefined;
  /** Event time: the recording's clock in a replay. */
  time: Time;
  /** Event time until which silence says something: now, and in a replay that is over its last row. */
  watchedUntilMs(): number;
  /** Resolves when a replay has handed over its last row and all of it is delivered; never otherwise. */
  ended: Promise<void>;
}

export interface SimulationOptions {
  loaded: LoadedConfig;
  dataDir: string;
  serviceNowPort: number;
  brokerPort: number;
  /** Undefined in a replay. */
  scenario: Scenario | undefined;
  /** Instant of the recording's first row, epoch ms; undefined where none is replayed. */
  recordingStartMs: number | undefined;
  logger: Logger;
  listeners: SimulationListeners;
}

/** What `configFor` of the world gives, whatever the layers say. */
const worldFields = [
  'store.dataDir',
  'transport.kind',
  'transport.mqtt.url',
  'transport.mqtt.username',
  'transport.mqtt.passwordFile',
  'serviceNow.url',
  'secrets.kind',
  'secrets.file',
];

/**
 * Puts the whole way on one runtime: broker, ServiceNow, handler, monitor. In a replay one clock drives both components,
 * and moves on only when what the present instant has caused is delivered.
 */
export async function startSimulation(runtime: Runtime, options: SimulationOptions): Promise<Simulation> {
  const { loaded, logger, scenario, listeners } = options;
  const { config } = loaded;
  const newId = () => randomBytes(16).toString('hex');
  const clock = clockOf(options, idle);
  const world = await runtime.open('the local world', () =>
    startWorld({
      dataDir: options.dataDir,
      serviceNowPort: options.serviceNowPort,
      brokerPort: options.brokerPort,
      time: clock.time,
      logger,
    }),
  );
  const configuration: ConfigurationStatus = {
    version: loaded.version,
    origin: (path) => (worldFields.includes(path) ? 'scenario' : loaded.origin(path)),
    sinceMs: Date.now(),
    refused: undefined,
  };
  const common = {
    configuration: () => configuration,
    software,
    logger,
    time: clock.time,
    deliveryTime: systemTime,
    random: Math.random,
    newId,
  };
  const {
    handler,
    url: handlerUrl,
    consoleLink,
  } = await startHandlerComponent(runtime, {
    ...common,
    config: world.configFor('handler', config),
    onTold: listeners.onTold,
    portOption: '--console-port',
  });
  /** After the last row: nothing is on its way any more. */
  async function delivered(): Promise<void> {
    do {
      await idle();
      await setImmediate();
    } while (monitor.status().readings.buffered > 0);
  }

  let lastRowHandedOver = () => {};
  let lastRowMs: number | undefined;
  const lastRow = new Promise<void>((resolve) => {
    lastRowHandedOver = () => {
      lastRowMs = clock.time.wallMs();
      resolve();
    };
  });
  const { monitor, url: monitorUrl } = await startMonitorComponent(runtime, {
    ...common,
    config: world.configFor('monitor', config),
    machineClock: fixedClock(newId(), clock.source),
    jumpWall: clock.jumpWall,
    onReading: listeners.onReading,
    onAnomaly: listeners.onAnomaly,
    onEnded: lastRowHandedOver,
  });
  for (const { fromMs, toMs } of scenario?.outages ?? []) {
    world.serviceNow.faults.add({ kind: 'status', status: 503, between: { fromMs, untilMs: toMs } });
  }

  /** Each may give the other work, so both are asked in turn. */
  async function idle(): Promise<void> {
    await monitor.idle();
    await handler.idle();
  }

  const ended = Promise.race([lastRow.then(delivered), clock.failed]);
  // Whoever does not wait for the end must not be ended by it.
  ended.catch(() => {});
  if (clock.run !== undefined) await runtime.start('the clock of the replay', clock.run);
  return {
    ...{ world, monitor, handler, monitorUrl, handlerUrl, consoleLink, time: clock.time, ended },
    watchedUntilMs: () => lastRowMs ?? clock.time.wallMs(),
  };
}

interface SimulationClock {
  time: Time;
  source: string;
  jumpWall: (byMs: number) => void;
  /** Rejects where the clock of a replay breaks down. */
  failed: Promise<never>;
  /** What turns it, where it does not turn by itself. */
  run?: { start(): void; stop(): void };
}

function clockOf(options: SimulationOptions, idle: () => Promise<void>): SimulationClock {
  const { recordingStartMs: startWallMs } = options;
  if (startWallMs === undefined)
    return { ...jumpingTime(systemTime), source: 'simulation', failed: new Promise(() => {}) };
  const { speed } = options.loaded.config.sensor.replay;
  const paced = pacedTime({ startWallMs, speed, idle, real: systemTime });
  const abort = new AbortController();
  let fail = (_error: unknown) => {};
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  return {
    time: paced.time,
    source: 'recording',
    jumpWall: () => {},
    failed,
    run: {
      start() {
        void paced.run(abort.signal).catch(fail);
      },
      stop: () => abort.abort(),
    },
  };
}
