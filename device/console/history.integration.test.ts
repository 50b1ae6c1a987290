import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../platform/logger.ts';
import { manualTime } from '../platform/time.ts';
import { createHistory, type History } from './history.ts';

const startMs = Date.parse('2026-03-01T12:00:00Z');
const minuteMs = 60_000;
const hourMs = 3_600_000;
const folders: string[] = [];
const open: History[] = [];
afterEach(() => {
  for (const history of open.splice(0)) history.stop();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'console-history-'));
  folders.push(path);
  return path;
}

function setUp({ path = join(folder(), 'console.db'), time = manualTime(startMs), maxDevices = 5 } = {}) {
  const history = createHistory({
    ...{ path, time, deliveryTime: time, maxDevices, historyMs: 24 * hourMs, logger: silentLogger },
  });
  open.push(history);
  history.start();
  const read = (value: number, deviceId = 'pi') =>
    history.add({ site: 'home', deviceId, atMs: time.wallMs(), metrics: { temperature: value } });
  const series = (fromMs: number, toMs: number, points = 4_000, deviceId = 'pi') =>
    history.series({ site: 'home', deviceId, metric: 'temperature', fromMs, toMs, points });
  return { path, time, history, read, series };
}

describe('readings of the last day', () => {
  test('stand as they came for a quarter of an hour, and by the minute for a day', () => {
    const { time, read, series } = setUp();
    for (let second = 0; second < 26 * 3_600; second += 30) {
      read(second % 60 === 0 ? 20 : 22);
      time.advance(30_000);
    }
    const nowMs = time.wallMs();
    const quarter = series(nowMs - 14 * minuteMs, nowMs);
    expect(quarter.resolutionMs).toBe(0);
    expect(quarter.points.map(({ sum }) => sum).slice(0, 4)).toEqual([20, 22, 20, 22]);
    const day = series(nowMs - 26 * hourMs, nowMs).points;
    expect(day.length).toBeGreaterThanOrEqual(24 * 60);
    expect(day.length).toBeLessThanOrEqual(25 * 60);
    expect(day[0]).toMatchObject({ min: 20, max: 22, sum: 42, count: 2 });
  });

  test('are there after a restart, up to the last one', () => {
    const first = setUp();
    for (let minute = 0; minute < 90; minute += 1) {
      first.read(minute);
      first.time.advance(minuteMs);
    }
    first.history.stop();
    const again = setUp({ path: first.path, time: first.time });
    expect(again.history.devices()).toEqual([
      {
        ...{ site: 'home', deviceId: 'pi', lastAtMs: startMs + 89 * minuteMs },
        metrics: [{ metric: 'temperature', atMs: startMs + 89 * minuteMs, value: 89 }],
      },
    ]);
    expect(again.series(startMs, again.time.wallMs()).points.map(({ max }) => max)).toEqual(
      Array.from({ length: 90 }, (_, minute) => minute),
    );
  });

  test('of a minute that a restart cut in two are one minute', () => {
    const first = setUp();
    first.read(20);
    first.history.stop();
    first.time.advance(10_000);
    const again = setUp({ path: first.path, time: first.time });
    again.read(30);
    expect(again.series(startMs, startMs + hourMs).points).toEqual([
      { atMs: startMs, min: 20, max: 30, sum: 50, count: 2 },
    ]);
  });

  test('lose no extreme, wherever they are read from and however few points are asked for', () => {
    const path = folder();
    let runs = 0;
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 120 }), fc.integer({ min: -400, max: 1_200 })), {
          minLength: 1,
          maxLength: 300,
        }),
        fc.integer({ min: 10, max: 200 }),
        (steps, points) => {
          const { time, history, read, series } = setUp({ path: join(path, `${runs++}.db`) });
          for (const [seconds, tenths] of steps) {
            time.advance(seconds * 1_000);
            read(tenths / 10);
          }
          const all = series(startMs, time.wallMs() + 1, points).points;
          const values = steps.map(([, tenths]) => tenths / 10);
          expect(Math.min(...all.map(({ min }) => min))).toBe(Math.min(...values));
          expect(Math.max(...all.map(({ max }) => max))).toBe(Math.max(...values));
          expect(all.length).toBeLessThanOrEqual(points + 1);
          history.stop();
        },
      ),
      // Each run has a file of its own, so it is not shrunk for minutes.
      { numRuns: 30, endOnFailure: true },
    );
  });

  test('of the first minutes after a start are all shown as they came', () => {
    const { time, read, series } = setUp();
    for (let second = 0; second < 90; second += 1) {
      read(second);
      time.advance(1_000);
    }
    expect(series(startMs - 10 * minuteMs, time.wallMs()).points.map(({ max }) => max)).toEqual(
      Array.from({ length: 90 }, (_, second) => second),
    );
  });

  test('of a window that ends before the latest reading are shown as they came, too', () => {
    const { time, read, series } = setUp();
    for (let second = 0; second < 30; second += 1) {
      read(second);
      time.advance(1_000);
    }
    const toMs = time.wallMs() - 5_000;
    expect(series(toMs - 5 * minuteMs, toMs).points).toHaveLength(26);
  });

  test('of a range are those in it', () => {
    const { time, read, series } = setUp();
    for (let minute = 0; minute < 180; minute += 1) {
      read(minute);
      time.advance(minuteMs);
    }
    const hour = series(startMs + 60 * minuteMs, startMs + 120 * minuteMs).points.map(({ max }) => max);
    expect([hour[0], hour.at(-1), hour.length]).toEqual([60, 120, 61]);
  });
});

describe('what is kept is bounded', () => {
  test('the file does not grow from the second day on', () => {
    const { time, read, path } = setUp();
    const sizes: number[] = [];
    for (let day = 0; day < 4; day += 1) {
      for (let minute = 0; minute < 24 * 60; minute += 1) {
        read(minute);
        time.advance(minuteMs);
      }
      sizes.push(statSync(path).size);
    }
    expect(sizes[3]).toBeLessThanOrEqual((sizes[1] ?? 0) * 1.1);
  });

  test('more devices than places do not drive each other out, and are counted', () => {
    const { history, read, time } = setUp({ maxDevices: 2 });
    read(1, 'a');
    read(1, 'b');
    time.advance(30 * minuteMs);
    expect(read(1, 'c')).toBe('no-room');
    expect(history.refused()).toEqual({ outOfRange: 0, noRoom: 1 });
    expect(history.devices().map(({ deviceId }) => deviceId)).toEqual(['a', 'b']);
  });

  test('a device that is gone makes room for a new one, and what it measured goes with it', () => {
    const { history, read, time, series } = setUp({ maxDevices: 2 });
    read(1, 'a');
    read(1, 'b');
    time.advance(61 * minuteMs);
    read(2, 'b');
    expect(read(1, 'c')).toBe('kept');
    expect(history.devices().map(({ deviceId }) => deviceId)).toEqual(['b', 'c']);
    // Back again, it begins anew.
    time.advance(61 * minuteMs);
    read(7, 'a');
    expect(series(startMs, time.wallMs(), 100, 'a').points.map(({ max }) => max)).toEqual([7]);
  });

  test('a device that was not heard for a day is forgotten', () => {
    const { history, read, time } = setUp();
    read(1, 'a');
    time.advance(25 * hourMs);
    expect(history.devices()).toEqual([]);
  });

  test('stamps that cannot be are refused and counted', () => {
    const { history } = setUp();
    const add = (atMs: number) => history.add({ site: 'home', deviceId: 'pi', atMs, metrics: { temperature: 1 } });
    expect([add(0), add(startMs + hourMs), add(startMs + minuteMs)]).toEqual(['out-of-range', 'out-of-range', 'kept']);
    expect(history.refused()).toEqual({ outOfRange: 2, noRoom: 0 });
  });

  test('a device of many metrics keeps sixteen', () => {
    const { history, time } = setUp();
    const metrics = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`m${index}`, index]));
    history.add({ site: 'home', deviceId: 'pi', atMs: time.wallMs(), metrics });
    expect(history.devices()[0]?.metrics).toHaveLength(16);
  });
});

describe('a disk that does not help', () => {
  test('a file that is no store does not stop the console: the day is kept in memory', () => {
    const path = join(folder(), 'console.db');
    writeFileSync(path, 'this is no database '.repeat(100));
    const { read, series } = setUp({ path });
    expect(read(21)).toBe('kept');
    expect(series(startMs - hourMs, startMs + hourMs).points).toHaveLength(1);
  });
});

test('a reading costs microseconds', () => {
  const { history, time } = setUp();
  const batch = 20_000;
  const metrics = { temperature: 21, humidity: 40, pressure: 1_013 };
  const beganAt = process.hrtime.bigint();
  for (let index = 0; index < batch; index += 1) {
    time.advance(10);
    history.add({ site: 'home', deviceId: 'pi', atMs: time.wallMs(), metrics });
  }
  const nanoseconds = Number(process.hrtime.bigint() - beganAt) / batch;
  // Some 700 ns on a laptop; the bound is for a machine with other things to do.
  expect(nanoseconds).toBeLessThan(50_000);
});
