import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createReadingWindow } from './window.ts';

describe('window of readings', () => {
  test('holds the latest readings, oldest first, while nothing is breached', () => {
    const window = createReadingWindow(3);
    for (let n = 1; n <= 5; n += 1) window.push(n * 1_000, n, false);
    expect(window.points()).toEqual([
      [3_000, 3],
      [4_000, 4],
      [5_000, 5],
    ]);
  });

  test('from a firing on it spans the whole breach, however long, evenly thinned', () => {
    const window = createReadingWindow(60);
    for (let n = 0; n < 30; n += 1) window.push(n, n, false);
    for (let n = 30; n < 10_000; n += 1) window.push(n, n, true);
    const points = window.points();
    expect(points[0]?.[0]).toBeLessThanOrEqual(30);
    expect(points.at(-1)).toEqual([9_999, 9_999]);
    expect(points.length).toBeGreaterThanOrEqual(30);
    const gaps = points.slice(1).map(([at], index) => at - (points[index]?.[0] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(2 * (10_000 / 30));
  });

  test('goes back to the latest readings after the breach', () => {
    const window = createReadingWindow(4);
    for (let n = 0; n < 100; n += 1) window.push(n, n, true);
    for (let n = 100; n < 104; n += 1) window.push(n, n, false);
    expect(window.points().map(([at]) => at)).toEqual([100, 101, 102, 103]);
  });

  test('never holds more than its capacity, is in order, and ends with the latest reading', () => {
    const readings = fc.array(fc.tuple(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean()), {
      minLength: 1,
      maxLength: 500,
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70 }), readings, (capacity, pushed) => {
        const window = createReadingWindow(capacity);
        for (const [index, [value, breached]] of pushed.entries()) window.push(index, value, breached);
        const points = window.points();
        expect(points.length).toBeLessThanOrEqual(capacity);
        expect(points.at(-1)).toEqual([pushed.length - 1, pushed.at(-1)?.[0]]);
        expect(points.map(([at]) => at)).toEqual(points.map(([at]) => at).toSorted((a, b) => a - b));
        for (const [at, value] of points) expect(value).toBe(pushed[at]?.[0]);
      }),
    );
  });

  test('of capacity 0 keeps nothing', () => {
    const window = createReadingWindow(0);
    window.push(1, 1, true);
    expect(window.points()).toEqual([]);
  });
});
