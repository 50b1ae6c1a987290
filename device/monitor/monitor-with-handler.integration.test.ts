import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { configSchema } from '../config/schema.ts';
import { createHandler, type Handler } from '../handler/handler.ts';
import { openHandlerStore } from '../handler/store.ts';
import { incidentTexts } from '../incident/texts.ts';
import { silentLogger } from '../platform/logger.ts';
import { createInlineSync } from '../platform/store-sync.ts';
import { manualTime } from '../platform/time.ts';
import type { SampleSink } from '../sensor/source.ts';
import { createMemoryDestination } from '../simulation/memory-destination.ts';
import { inProcessBus } from '../transport/in-process.ts';
import { topics } from '../transport/topics.ts';
import type { CountingTransport } from '../transport/transport.ts';
import { openJournal } from './journal.ts';
import { fixedClock } from './machine-clock.ts';
import { createMonitor, type Monitor } from './monitor.ts';

const minuteMs = 60_000;
const hot = { temperature: 31 };
const mild = { temperature: 25 };
const startMs = Date.parse('2026-03-01T12:00:00Z');

/** Both components, as they are, on one manual clock and one bus, over an incident table in memory. */
async function startWorld() {
  const time = manualTime(startMs, 1_000);
  const config = configSchema.parse({ thresholds: { temperature: { upper: 30 } } });
  config.handler.claimMs = 0;
  config.delivery.settleMs = 1_000;
  config.serviceNow.attachChart = false;
  config.store.reserveBytes = 0;
  const names = topics(config.topics);
  const bus = inProcessBus();
  const destination = createMemoryDestination(time);
  const directories = { monitor: mkdtempSync(join(tmpdir(), 'm-')), handler: mkdtempSync(join(tmpdir(), 'h-')) };
  let ids = 1;
  let sink: SampleSink | undefined;
  const common = {
    ...{ config, time, deliveryTime: time, topics: names, logger: silentLogger, random: () => 0.5 },
    newId: () => (ids++).toString(16).padStart(32, 'c'),
  };
  const connect = async (name: string) => {
    const transport = bus.transport({ name, maxPayloadBytes: 64_000, logger: silentLogger });
    await transport.start();
    return transport;
  };
  let monitorSide: CountingTransport;
  let handlerSide: CountingTransport;

  const world = {
    time,
    destination,
    bus,
    monitor: undefined as Monitor | undefined,
    handler: undefined as Handler | undefined,
    directories,
    async startMonitor() {
      monitorSide = await connect('monitor');
      world.monitor = createMonitor({
        ...{ ...common, configVersion: 'test', software: 'test/1', machineClock: fixedClock('boot') },
        ...{ transport: monitorSide, dataDir: directories.monitor },
        openJournal: (path) => openJournal(path, createInlineSync),
        source: {
          kind: 'test',
          describe: () => 'test',
          start: async (target) => {
            sink = target;
          },
          stop: async () => {},
          stats: () => ({ read: 0, failed: 0, skipped: 0 }),
        },
      });
      await world.monitor.start();
    },
    async stopMonitor() {
      await monitorSide.stop();
      await world.monitor?.stop();
    },
    async startHandler() {
      handlerSide = await connect('handler');
      const texts = incidentTexts({ timeZone: 'UTC', clock: time });
      world.handler = createHandler({
        ...{ ...common, transport: handlerSide, destination, texts, chart: undefined, dataDir: directories.handler },
        openStore: (path, instance, clock) => openHandlerStore(path, instance, clock, createInlineSync),
      });
      await world.handler.start();
    },
    async stopHandler() {
      await handlerSide.stop();
      const stopped = world.handler?.stop();
      time.advance(2_000);
      await stopped;
    },
    lose(side: 'monitor' | 'handler') {
      rmSync(directories[side], { recursive: true });
      directories[side] = mkdtempSync(join(tmpdir(), 'lost-'));
    },
    async settle() {
      for (let turn = 0; turn < 12; turn += 1) {
        await new Promise((resolve) => setImmediate(resolve));
        time.advance(0);
      }
    },
    async readFor(ms: number, metrics: Record<string, number>) {
      for (let left = ms; left > 0; left -= 5_000) {
        time.advance(5_000);
        sink?.sample({ atMs: time.wallMs(), monotonicMs: time.monotonicMs(), metrics });
        await world.settle();
      }
    },
    async close() {
      await world.stopMonitor();
      await world.stopHandler();
      for (const folder of Object.values(directories)) rmSync(folder, { recursive: true, force: true });
    },
  };
  await world.startHandler();
  await world.startMonitor();
  await world.settle();
  return world;
}

type World = Awaited<ReturnType<typeof startWorld>>;
let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});
const start = async () => {
  world = await startWorld();
  return world;
};
const states = ({ destination }: World) =>
  destination.rows.map(({ state, correlationId }) => `${correlationId} ${state}`);
const key = 'home/IoT-blog_Core/temperature/upper';

describe('monitor and handler together', () => {
  test('a breach becomes one incident, which is resolved after the quiet period', async () => {
    const w = await start();
    await w.readFor(3 * minuteMs, hot);
    expect(states(w)).toEqual([`${key} new`]);
    await w.readFor(20 * minuteMs, mild);
    expect(states(w)).toEqual([`${key} resolved`]);
    const [row] = w.destination.rows;
    expect(row?.workNotes).toContain('start=2026-03-01T12:00:05Z end=2026-03-01T12:03:05Z');
    expect(w.monitor?.status().messages).toMatchObject({ waiting: 0, rejected: 0 });
    await w.monitor?.idle();
  });

  test('what happens while the handler is down is told once it is back', async () => {
    const w = await start();
    await w.stopHandler();
    await w.readFor(3 * minuteMs, hot);
    await w.readFor(minuteMs, mild);
    expect(w.destination.rows).toEqual([]);
    await w.startHandler();
    await w.readFor(20 * minuteMs, mild);
    expect(states(w)).toEqual([`${key} resolved`]);
    expect(w.destination.rows[0]?.workNotes).toContain('start=2026-03-01T12:00:07Z end=2026-03-01T12:03:07Z');
  });

  test('a handler that lost its store adopts what fires from the roll call, in the same incident', async () => {
    const w = await start();
    await w.readFor(3 * minuteMs, hot);
    await w.stopHandler();
    w.lose('handler');
    await w.startHandler();
    await w.readFor(minuteMs, hot);
    expect(states(w)).toEqual([`${key} new`]);
    expect(w.handler?.status().counts.firing).toBe(1);
    await w.readFor(20 * minuteMs, mild);
    expect(states(w)).toEqual([`${key} resolved`]);
  });

  test('a monitor that lost its store goes on in the same incident', async () => {
    const w = await start();
    await w.readFor(3 * minuteMs, hot);
    await w.stopMonitor();
    w.lose('monitor');
    await w.startMonitor();
    await w.readFor(3 * minuteMs, hot);
    expect(w.destination.rows).toHaveLength(1);
    await w.readFor(20 * minuteMs, mild);
    expect(states(w)).toEqual([`${key} resolved`]);
  });

  test('a monitor that lost its store after the breach leaves no incident open', async () => {
    const w = await start();
    await w.readFor(3 * minuteMs, hot);
    await w.stopMonitor();
    w.lose('monitor');
    await w.startMonitor();
    await w.readFor(20 * minuteMs, mild);
    expect(states(w)).toEqual([`${key} resolved`]);
  });

  test('a restored data directory takes a new installation, and its next breach is not taken for an old one', async () => {
    const w = await start();
    await w.readFor(3 * minuteMs, hot);
    await w.readFor(minuteMs, mild);
    const backup = mkdtempSync(join(tmpdir(), 'backup-'));
    cpSync(w.directories.monitor, backup, { recursive: true });
    const was = w.monitor?.status().installationId;
    await w.readFor(3 * minuteMs, hot);
    await w.readFor(20 * minuteMs, mild);
    await w.stopMonitor();
    rmSync(w.directories.monitor, { recursive: true });
    w.directories.monitor = backup;
    await w.startMonitor();
    await w.settle();
    expect(w.monitor?.status().installationId).not.toBe(was);
    await w.readFor(3 * minuteMs, hot);
    await w.readFor(20 * minuteMs, mild);
    const [row] = w.destination.rows;
    expect(w.destination.rows).toHaveLength(1);
    expect(row?.state).toBe('resolved');
    expect(row?.workNotes.match(/start=/g)?.length).toBeGreaterThanOrEqual(3);
  });

  test('a broker outage of an hour, with two breaches in it, loses neither', async () => {
    const w = await start();
    w.bus.disconnect();
    await w.readFor(3 * minuteMs, hot);
    await w.readFor(minuteMs, mild);
    await w.readFor(3 * minuteMs, hot);
    await w.readFor(53 * minuteMs, mild);
    w.bus.connect();
    await w.readFor(20 * minuteMs, mild);
    const mine = w.destination.rows.filter(({ correlationId }) => correlationId === key);
    expect(mine).toHaveLength(1);
    expect(mine[0]?.workNotes).toContain('start=2026-03-01T12:00:05Z end=2026-03-01T12:03:05Z');
    expect(mine[0]?.workNotes).toContain('start=2026-03-01T12:04:05Z end=2026-03-01T12:07:05Z');
    expect(mine[0]?.state).toBe('resolved');
  });
});
