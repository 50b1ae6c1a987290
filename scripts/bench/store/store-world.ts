import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../../device/config/schema.ts';
import { createHandler, type Handler, type HandlerStatus } from '../../../device/handler/handler.ts';
import { handlerStoreName, openHandlerStore } from '../../../device/handler/store.ts';
import { incidentTexts } from '../../../device/incident/texts.ts';
import { openJournal } from '../../../device/monitor/journal.ts';
import { fixedClock } from '../../../device/monitor/machine-clock.ts';
import { createMonitor, type Monitor } from '../../../device/monitor/monitor.ts';
import { createLogger } from '../../../device/platform/logger.ts';
import type { CreateStoreSync } from '../../../device/platform/store-sync.ts';
import { type ManualTime, manualTime } from '../../../device/platform/time.ts';
import type { Metrics, Reading } from '../../../device/reading/reading.ts';
import type { SampleSink, SampleSource } from '../../../device/sensor/source.ts';
import { inProcessBus } from '../../../device/transport/in-process.ts';
import { topics } from '../../../device/transport/topics.ts';
import { eventLoop } from '../../chaos/simulated/event-loop.ts';
import { createIncidentTable } from './incident-table.ts';

/** What the devices say at an instant. */
export type Round = readonly { deviceId: string; metrics: Metrics }[];

/**
 * Monitor and handler as they are, over a bus in this process, an incident table in memory and a clock that moves on
 * when nothing is under way: a simulated month takes minutes.
 */
export interface StoreWorld {
  time: ManualTime;
  directories: { monitor: string; handler: string };
  start(): Promise<void>;
  /** In order, as a deployment does. */
  stop(): Promise<void>;
  /** Devices say this now. */
  say(round: Round): void;
  /** So much simulated time. */
  pass(ms: number): Promise<void>;
  /** What was told since the last start, and what still is to be. */
  status(): HandlerStatus;
  openIncidents(): number;
  /** Bytes of both stores, with all that was in their logs. To be asked while it runs. */
  bytes(): { monitor: number; handler: number };
  /** Gives the process its event loop back. */
  end(): void;
}

const startMs = Date.parse('2026-03-01T00:00:00Z');
const timeZone = 'UTC';

export interface StoreWorldOptions {
  /** Where both have their data directories, which may hold what an earlier world left. */
  folder: string;
  config: Config;
  random: () => number;
  onReading?: (reading: Reading) => void;
}

export function createStoreWorld({ folder, config, random, onReading }: StoreWorldOptions): StoreWorld {
  const time = manualTime(startMs);
  const loop = eventLoop(time);
  const bus = inProcessBus();
  const table = createIncidentTable(time);
  /** By path, of the stores that are open. */
  const checkpoints = new Map<string, () => void>();
  const directories = { monitor: join(folder, 'monitor'), handler: join(folder, 'handler') };
  for (const directory of Object.values(directories)) mkdirSync(directory, { recursive: true });
  const files = {
    monitor: join(directories.monitor, 'monitor.db'),
    handler: join(directories.handler, handlerStoreName),
  };
  let ids = 0;
  let running: { monitor: Monitor; handler: Handler; sink: () => SampleSink; leave(): Promise<void> } | undefined;
  const common = {
    ...{ config, time, deliveryTime: time, topics: topics(config.topics), logger: createLogger({ level: 'warn' }) },
    ...{ random, newId: () => (++ids).toString(16).padStart(32, '0') },
  };

  function present() {
    if (running === undefined) throw new Error('the world has not been started');
    return running;
  }

  /** How long a sync takes says nothing of sizes. */
  const createSync: CreateStoreSync = ({ path, checkpoint }) => {
    checkpoints.set(path, checkpoint);
    return { mark() {}, after: (done) => done(), close() {} };
  };

  async function connect(name: string) {
    const transport = bus.transport({ name, maxPayloadBytes: config.transport.maxPayloadBytes, logger: common.logger });
    await transport.start();
    return transport;
  }

  return {
    ...{ time, directories },
    async start() {
      let sink: SampleSink | undefined;
      const source: SampleSource = {
        ...{ kind: 'bench', describe: () => 'a fleet', stop: async () => {} },
        stats: () => ({ read: 0, failed: 0, skipped: 0 }),
        async start(target) {
          sink = target;
        },
      };
      const ways = { handler: await connect('handler'), monitor: await connect('monitor') };
      const handler = createHandler({
        ...{ ...common, transport: ways.handler, destination: table, dataDir: directories.handler, chart: undefined },
        texts: incidentTexts({ timeZone, clock: time }),
        openStore: (path, instance, clock) => openHandlerStore(path, instance, clock, createSync),
      });
      const monitor = createMonitor({
        ...{ ...common, transport: ways.monitor, source, dataDir: directories.monitor },
        ...{ configVersion: 'bench', software: 'bench', machineClock: fixedClock('bench') },
        ...(onReading === undefined ? {} : { onReading }),
        openJournal: (path) => openJournal(path, createSync),
      });
      await handler.start();
      await monitor.start();
      running = {
        ...{ monitor, handler },
        sink() {
          if (sink === undefined) throw new Error('the monitor has not started its source');
          return sink;
        },
        async leave() {
          await Promise.all([ways.monitor.stop(), ways.handler.stop()]);
        },
      };
    },

    async stop() {
      const { monitor, handler, leave } = present();
      running = undefined;
      await monitor.stop();
      await handler.stop();
      await leave();
    },

    say(round) {
      const { sink } = present();
      for (const sample of round) sink().sample({ ...sample, atMs: time.wallMs(), monotonicMs: time.monotonicMs() });
    },

    pass: (ms) => loop.passTo(time.monotonicMs() + ms),

    status: () => present().handler.status(),
    openIncidents: table.open,
    bytes() {
      for (const checkpoint of checkpoints.values()) checkpoint();
      return { monitor: statSync(files.monitor).size, handler: statSync(files.handler).size };
    },
    end: loop.giveBack,
  };
}
