import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../platform/logger.ts';
import { createReserveFile } from '../platform/reserve-file.ts';
import { openStore, transaction } from '../platform/sqlite.ts';
import { manualTime } from '../platform/time.ts';
import { createTurnTransaction } from '../platform/turn-transaction.ts';
import { createDiskGuard } from './disk-guard.ts';
import { type Harness, type HarnessOptions, startHarness } from './monitor-harness.ts';

const hot = { temperature: 31 };
const mild = { temperature: 25 };

let open: Harness[] = [];
const folders: string[] = [];
afterEach(async () => {
  for (const harness of open) await harness.close();
  open = [];
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

async function start(options?: HarnessOptions): Promise<Harness> {
  const harness = await startHarness(options);
  open.push(harness);
  return harness;
}

const withReserve: HarnessOptions = {
  config: (config) => {
    config.store.reserveBytes = 100_000;
  },
};
const reserveOf = (harness: Harness) => existsSync(join(harness.dataDir, 'monitor.reserve'));

describe('a full disk', () => {
  test('keeps a new breach in memory and reports it with its true start once there is room', async () => {
    const h = await start();
    h.diskIsFull = () => true;
    await h.readFor(10 * 60_000, hot);
    expect(h.anomalies).toEqual([]);
    expect(h.readings.length).toBe(120);
    expect(h.monitor.status()).toMatchObject({ storeFull: true, firing: [{ metric: 'temperature' }] });
    h.diskIsFull = () => false;
    await h.readFor(60_000, hot);
    expect(h.anomalies).toMatchObject([{ phase: 'firing', sequence: 1, startedAt: '2026-03-01T12:00:05Z' }]);
    expect(h.monitor.status()).toMatchObject({ storeFull: false, messages: { unreported: 0 } });
    await h.readFor(5_000, mild);
    expect(h.anomalies.at(-1)).toMatchObject({ phase: 'resolved', firingSequence: 1 });
  });

  test('counts a breach that began and ended meanwhile', async () => {
    const h = await start();
    h.diskIsFull = () => true;
    await h.readFor(70_000, hot);
    await h.readFor(60_000, mild);
    h.diskIsFull = () => false;
    await h.readFor(70_000, mild);
    expect(h.anomalies).toEqual([]);
    expect(h.monitor.status().messages.unreported).toBe(1);
    await h.readFor(70_000, hot);
    expect(h.anomalies).toMatchObject([{ phase: 'firing', sequence: 1 }]);
  });

  test('frees its reserve, and with that finishes what was begun, but begins nothing new', async () => {
    const h = await start(withReserve);
    await h.readFor(70_000, { temperature: 31 });
    expect(reserveOf(h)).toBe(true);
    h.diskIsFull = () => reserveOf(h);
    await h.readFor(5_000, mild);
    expect(reserveOf(h)).toBe(false);
    expect(h.anomalies.at(-1)).toMatchObject({ phase: 'resolved', sequence: 2 });
    expect(h.monitor.status()).toMatchObject({ storeFull: true, messages: { waiting: 0 } });
    h.diskIsFull = () => false;
    await h.readFor(10_000, mild);
    expect(reserveOf(h)).toBe(true);
    expect(h.monitor.status().storeFull).toBe(false);
  });

  test('that refuses even the end of a breach tells it once there is room, before the next one', async () => {
    const h = await start(withReserve);
    await h.readFor(70_000, hot);
    h.diskIsFull = () => true;
    await h.readFor(5_000, mild);
    h.handlerStarts('start-2');
    await h.settle();
    // Not ended for the handler, who would take it for an orphan.
    expect(h.rollCalls().at(-1)?.keys).toMatchObject([{ firing: null, waiting: true }]);
    await h.readFor(100_000, hot);
    expect(h.anomalies).toHaveLength(1);
    h.diskIsFull = () => false;
    await h.readFor(60_000, hot);
    expect(h.anomalies.map(({ phase, sequence, startedAt }) => [phase, sequence, startedAt])).toEqual([
      ['firing', 1, '2026-03-01T12:00:05Z'],
      ['resolved', 2, '2026-03-01T12:00:05Z'],
      ['firing', 3, '2026-03-01T12:01:20Z'],
    ]);
    expect(h.anomalies[1]?.endedAt).toBe('2026-03-01T12:01:15Z');
  });

  test('sends an answered message again while it cannot be forgotten, and loses none', async () => {
    const h = await start();
    await h.readFor(55_000, hot);
    h.time.advance(10_000);
    h.read(hot);
    h.diskIsFull = () => true;
    await h.pass(10_000);
    expect(h.monitor.status().messages.waiting).toBe(1);
    expect(h.anomalies.length).toBeGreaterThan(1);
    expect(h.anomalies.length).toBeLessThan(10);
    h.diskIsFull = () => false;
    await h.readFor(60_000, hot);
    expect(h.monitor.status().messages.waiting).toBe(0);
    expect(new Set(h.anomalies.map(({ sequence }) => sequence))).toEqual(new Set([1]));
  });

  test('that is found at the second of two breaches in a turn keeps both, and tells both once there is room', async () => {
    const h = await start({
      config(config) {
        config.sensor.kind = 'mqtt';
        config.noData.enabled = false;
        for (const threshold of Object.values(config.thresholds)) threshold.onDelayMs = 0;
      },
    });
    let writes = 0;
    h.diskIsFull = (durability) => {
      writes += 1;
      return durability === 'grouped' && writes > 1;
    };
    h.read(hot, { deviceId: 'a' });
    h.read(hot, { deviceId: 'b' });
    await h.settle();
    expect(h.anomalies).toEqual([]);
    expect(h.monitor.status()).toMatchObject({ storeFull: true, firing: [{ deviceId: 'a' }, { deviceId: 'b' }] });
    h.diskIsFull = () => false;
    await h.pass(61_000);
    expect(h.anomalies.map(({ deviceId, sequence, phase }) => [deviceId, sequence, phase])).toEqual([
      ['a', 1, 'firing'],
      ['b', 1, 'firing'],
    ]);
    expect(h.monitor.status()).toMatchObject({ storeFull: false, messages: { waiting: 0, unreported: 0 } });
  });

  test('and a power loss: what fires in a saved state and was never recorded is told at the next start', async () => {
    const h = await start();
    h.diskIsFull = (durability) => durability !== 'unsynced';
    await h.readFor(130_000, hot);
    expect(h.anomalies).toEqual([]);
    h.diskIsFull = () => false;
    await h.crash();
    expect(h.anomalies).toMatchObject([{ phase: 'firing', startedAt: '2026-03-01T12:00:05Z' }]);
  });
});

test('SQLite’s own refusal is taken for a full disk, and what the transaction did is rolled back', () => {
  const folder = mkdtempSync(join(tmpdir(), 'full-'));
  folders.push(folder);
  const path = join(folder, 'small.db');
  const migrations = [{ version: 1_000, sql: 'CREATE TABLE t (v TEXT)' }];
  const db = openStore({ path, migrations, synchronous: 'full' });
  db.pragma('max_page_count = 4');
  const time = manualTime();
  const turn = createTurnTransaction(db, () => {});
  const guard = createDiskGuard({
    journal: {
      path,
      write: (_, work) => transaction(db, work),
      writeInTurn: (work, writer) => turn.run(work, writer),
    },
    reserve: createReserveFile(join(folder, 'reserve'), 0),
    clock: time,
    logger: silentLogger,
  });
  const insert = (bytes: number) => db.prepare('INSERT INTO t VALUES (?)').run('x'.repeat(bytes)).changes;
  expect(guard.write('new', 'synced', () => insert(10))).toEqual({ ok: true, value: 1 });
  expect(guard.write('new', 'synced', () => insert(10) + insert(100_000))).toMatchObject({ ok: false });
  expect(guard.isFull()).toBe(true);
  expect(db.prepare('SELECT count(*) AS n FROM t').get()).toMatchObject({ n: 1 });
  expect(guard.write('new', 'synced', () => insert(10))).toMatchObject({ ok: false });
  expect(guard.write('begun', 'synced', () => insert(10))).toMatchObject({ ok: true });
  expect(guard.retry(() => insert(100_000))).toBe('full');
  time.advance(5_000);
  expect(guard.retry(() => insert(100_000))).toBe('full');
  time.advance(9_999);
  expect(guard.retry(() => insert(10))).toBe('full');
  time.advance(1);
  expect(guard.retry(() => insert(10))).toBe('recovered');
  expect(guard.isFull()).toBe(false);
  expect(() =>
    guard.write('new', 'synced', () => {
      throw new TypeError('a bug');
    }),
  ).toThrow(TypeError);
  db.close();
});
