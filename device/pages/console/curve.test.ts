import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Curves, columnsOf, extended, extremesOf, mostPoints, type Point } from './curve.ts';

const liveAt = (atMs: number, value: number) => ({
  ...{ site: 'home', deviceId: 'pi' },
  metrics: [{ metric: 'temperature', atMs, value, min: value - 1, max: value + 1 }],
});

describe('a curve that goes on', () => {
  test('takes what is new with its extremes, and what came before once', () => {
    let curves: Curves = new Map([['temperature', [[1_000, 20, 20, 20]]]]);
    curves = extended(curves, liveAt(2_000, 21), 0);
    curves = extended(curves, liveAt(2_000, 99), 0);
    expect(curves.get('temperature')).toEqual([
      [1_000, 20, 20, 20],
      [2_000, 20, 22, 21],
    ]);
  });

  test('stays bounded, however long the page is open and however fast the sensor is', () => {
    let curves: Curves = new Map();
    for (let at = 1; at <= 3 * mostPoints; at += 1) curves = extended(curves, liveAt(at, at), 0);
    expect(curves.get('temperature')?.length).toBe(mostPoints);
    expect(curves.get('temperature')?.at(-1)?.[3]).toBe(3 * mostPoints);
  });

  test('lets go of what has left the window, but for the point by which it comes in', () => {
    let curves: Curves = new Map();
    for (let at = 1; at <= 10; at += 1) curves = extended(curves, liveAt(at * 1_000, at), at * 1_000 - 3_000);
    expect(curves.get('temperature')?.map(([at]) => at)).toEqual([6_000, 7_000, 8_000, 9_000, 10_000]);
  });
});

describe('columns for the chart', () => {
  test('have nothing where the curve has a gap, and nowhere else', () => {
    const points: Point[] = [
      [1_000, 1, 3, 2],
      [2_000, 1, 3, 2],
      [60_000, 4, 6, 5],
    ];
    expect(columnsOf(points, 5_000)).toEqual([
      [1, 2, 2.001, 60],
      [2, 2, null, 5],
      [1, 1, null, 4],
      [3, 3, null, 6],
    ]);
  });

  test('are as long as each other, with ascending times', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 0, max: 1e6 })),
        fc.integer({ min: 1, max: 1e5 }),
        (times, gapMs) => {
          const points = times.sort((a, b) => a - b).map((at): Point => [at, 0, 2, 1]);
          const [seconds, ...values] = columnsOf(points, gapMs);
          expect(values.map(({ length }) => length)).toEqual([seconds.length, seconds.length, seconds.length]);
          expect(seconds).toEqual([...new Set(seconds)].sort((a, b) => a - b));
        },
      ),
    );
  });
});

test('extremes are those of the window', () => {
  const points: Point[] = [
    [1_000, -5, 50, 20],
    [2_000, 18, 22, 20],
    [3_000, 17, 21, 20],
  ];
  expect(extremesOf(points, 1_500, 3_000)).toEqual({ min: 17, max: 22 });
  expect(extremesOf(points, 4_000, 5_000)).toBeUndefined();
});
