import { z } from 'zod';
import type { Logger } from '../../../device/platform/logger.ts';
import type { Clock, ManualTime } from '../../../device/platform/time.ts';
import type { SampleSink, SampleSource } from '../../../device/sensor/source.ts';
import { type Chronicle, site } from './chronicle.ts';
import type { DeviceCode } from './device-code.ts';
import { type Disk, diskFull, instantSync, type Survival } from './disk.ts';
import type { Life } from './life.ts';
import type { Network } from './network.ts';
import { limits, metricNames, type Setup } from './schedule.ts';

export interface SideDeps {
  time: ManualTime;
  random: () => number;
  newId: () => string;
  network: Network;
  device: DeviceCode;
  setup: Setup;
  logger: Logger;
  disk: Disk;
  chronicle: Chronicle;
}

type Monitor = ReturnType<DeviceCode['createMonitor']>;
type Journal = ReturnType<DeviceCode['openJournal']>;

/** The monitor and its machine: one sensor of its own, or the devices of a gateway. */
export interface MonitorSide {
  begin(life: Life): Promise<{ stop: () => Promise<void> }>;
  /** After a crash, or a stop in order. */
  ended(survival: Survival): void;
  backedUp(): void;
  /** Shows the values of a device to the monitor, if it lives. */
  sample(deviceId: string, metrics: Readonly<Record<string, number>>): void;
  reboot(): void;
  setClockRight(): void;
  isClockRight(): boolean;
  /** Whether the clock has been right for so long that several messages have told when the data directory was made. */
  isRightTimeTold(): boolean;
  status(): ReturnType<Monitor['status']> | undefined;
  close(): void;
}

/** What a monitor keeps of readings that nobody takes. */
export const readingsBuffered = 1_000;

const heartbeatMs = 30_000;

const waitingBody = z.object({
  deviceId: z.string(),
  metric: z.string(),
  startedAt: z.string(),
  endedAt: z.string().nullable(),
  clockSynchronised: z.boolean(),
});

export function createMonitorSide(deps: SideDeps): MonitorSide {
  const { time, setup, device, disk, chronicle, network } = deps;
  const machine = { boot: 1, bootedAtMs: 0, errorMs: setup.clockErrorMs };
  let rightSinceMs = setup.clockErrorMs === 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  let current: { life: Life; monitor: Monitor; journal: Journal | undefined; sink: SampleSink | undefined } | undefined;
  const opened: Journal[] = [];
  /** The latest reading, by the clock of the machine, that a commit has stored of what was shown last. */
  let storedMs: number | null | undefined;
  let wasRefused = false;
  /** Since when the journal does not hold what the monitor knows. */
  let fullSinceMs: number | undefined;
  let backedUpAtMs: number | undefined;

  const clock = (bootedAtMs: number): Clock => ({
    wallMs: () => time.wallMs() + machine.errorMs,
    monotonicMs: () => time.monotonicMs() - bootedAtMs,
  });

  function openJournal(life: Life, path: string): Journal {
    const journal = device.openJournal(path, instantSync);
    opened.push(journal);
    if (current?.life === life) current.journal = journal;
    let writtenMs: number | null | undefined;
    return {
      ...journal,
      putDevice(saved) {
        writtenMs = saved.lastReadingMs;
        journal.putDevice(saved);
      },
      write(durability, work) {
        writtenMs = undefined;
        if (!life.isOver()) disk.willCommit(durability === 'unsynced' ? 'unsynced' : 'synced');
        const result = journal.write(durability, () => {
          const done = work();
          // At the commit, as on a disk: what the transaction did is rolled back.
          if (disk.isFull) {
            wasRefused ||= !life.isOver();
            chronicle.met.add('full disks');
            throw diskFull();
          }
          life.cross({ port: 'commit', when: 'before' });
          return done;
        });
        if (!life.isOver()) storedMs = writtenMs ?? storedMs;
        life.cross({ port: 'commit', when: 'after' });
        return result;
      },
      // A turn of the event loop is no unit of this world: each write is a step at which it may end.
      writeInTurn(work) {
        return this.write('grouped', work);
      },
    };
  }

  function source(life: Life): SampleSource {
    return {
      kind: 'simulated',
      describe: () => 'the simulated world',
      async start(sink) {
        if (current?.life === life) current.sink = sink;
      },
      async stop() {
        if (current?.life === life) current.sink = undefined;
      },
      stats: () => ({ read: 0, failed: 0, skipped: 0 }),
    };
  }

  function config() {
    return device.configSchema.parse({
      site,
      deviceId: setup.gateway ? 'gateway' : setup.devices[0],
      sensor: { kind: setup.gateway ? 'mqtt' : 'mock' },
      thresholds: Object.fromEntries(
        metricNames.map((name) => [
          name,
          { upper: limits[name].upper, deadband: limits[name].deadband, onDelayMs: 0, offDelayMs: 0 },
        ]),
      ),
      noData: { enabled: false },
      anomaly: { updateIntervalMs: 60_000, windowReadings: setup.charts ? 4 : 0 },
      monitor: {
        heartbeatMs,
        rollCallMs: 60_000,
        saveStateMs: 30_000,
        resendCapMs: 10_000,
        bufferReadings: readingsBuffered,
      },
      store: { reserveBytes: 0 },
    });
  }
  const own = config();

  /** What a data directory takes with it: what nobody had answered. */
  function unanswered(journal: Journal): Chronicle['monitorLosses'][number]['unanswered'] {
    const since = (body: z.infer<typeof waitingBody>) =>
      Date.parse(body.startedAt) - (body.clockSynchronised ? 0 : machine.errorMs);
    const waiting = journal.waiting().map(({ body }) => waitingBody.parse(JSON.parse(body)));
    return waiting.map((body) => ({ deviceId: body.deviceId, metric: body.metric, sinceMs: since(body) - 1_000 }));
  }

  function lose(survival: 'nothing' | 'backup'): void {
    const atMs = time.wallMs();
    const lost = current?.journal === undefined ? [] : unanswered(current.journal);
    const restored = survival === 'backup' && backedUpAtMs !== undefined ? { backedUpAtMs } : {};
    chronicle.monitorLosses.push({ atMs, unanswered: lost, forgetsEnds: false, ...restored });
  }

  function watchDisk(): void {
    // A status costs queries: it is asked only from a refused commit on.
    if (!wasRefused) return;
    const isFull = current?.monitor.status().storeFull === true;
    const nowMs = time.wallMs();
    if (isFull) fullSinceMs ??= nowMs;
    else {
      if (fullSinceMs !== undefined) chronicle.fullDisk.push({ fromMs: fullSinceMs, toMs: nowMs });
      fullSinceMs = undefined;
      wasRefused = false;
    }
  }

  return {
    async begin(life) {
      const bootedAtMs = machine.bootedAtMs;
      const lifeTime = life.time(clock(bootedAtMs));
      const monitor = device.createMonitor({
        config: own,
        configVersion: 'chaos',
        software: 'chaos/1',
        time: lifeTime,
        deliveryTime: lifeTime,
        machineClock: {
          bootId: `boot-${machine.boot}`,
          state: () => ({ synchronised: machine.errorMs === 0, source: 'timesyncd' }),
        },
        transport: network.transport('monitor', life),
        topics: device.topics(own.topics),
        source: source(life),
        dataDir: disk.folder(),
        logger: deps.logger,
        random: deps.random,
        newId: deps.newId,
        openJournal: (path) => openJournal(life, path),
      });
      current = { life, monitor, journal: undefined, sink: undefined };
      await monitor.start();
      return { stop: () => monitor.stop() };
    },

    ended(survival) {
      if (survival === 'nothing' || survival === 'backup') lose(survival);
      if (fullSinceMs !== undefined) {
        // What it knew and could not write died with it.
        chronicle.monitorLosses.push({
          atMs: time.wallMs(),
          forgetsEnds: true,
          unanswered: setup.devices.flatMap((deviceId) =>
            metricNames.map((metric) => ({ deviceId, metric, sinceMs: fullSinceMs ?? 0 })),
          ),
        });
        fullSinceMs = undefined;
      }
      current = undefined;
    },

    backedUp() {
      backedUpAtMs = time.wallMs();
    },

    sample(deviceId, metrics) {
      const sink = current?.sink;
      const life = current?.life;
      if (sink === undefined || life === undefined || life.isOver()) return;
      storedMs = undefined;
      const atMs = time.wallMs();
      chronicle.truth.see({ site, deviceId, atMs, metrics });
      const { wallMs, monotonicMs } = clock(machine.bootedAtMs);
      const at = { atMs: wallMs(), monotonicMs: monotonicMs(), metrics };
      sink.sample(setup.gateway ? { deviceId, ...at } : at);
      if (life.isOver() && storedMs !== at.atMs) chronicle.truth.unsee();
      watchDisk();
    },

    reboot() {
      machine.boot += 1;
      machine.bootedAtMs = time.monotonicMs();
    },
    setClockRight() {
      machine.errorMs = 0;
      rightSinceMs = time.wallMs();
    },
    isClockRight: () => machine.errorMs === 0,
    isRightTimeTold: () => time.wallMs() - rightSinceMs >= 2 * heartbeatMs,
    status: () => (current === undefined || current.life.isOver() ? undefined : current.monitor.status()),
    close() {
      for (const journal of opened) journal.close();
    },
  };
}
