import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Bucket, bucketOf, downsample } from './bucket.ts';

const readings = fc
  .uniqueArray(fc.tuple(fc.integer({ min: 0, max: 86_400_000 }), fc.double({ min: -1e6, max: 1e6, noNaN: true })), {
    maxLength: 400,
    selector: ([atMs]) => atMs,
  })
  .map((pairs): Bucket[] => pairs.sort(([a], [b]) => a - b).map(([atMs, value]) => bucketOf(atMs, value)));

const spanOf = (buckets: readonly Bucket[]) => (buckets.at(-1)?.atMs ?? 0) - (buckets[0]?.atMs ?? 0);

describe('fewer points for a curve', () => {
  test('lose no extreme, no reading and no order, and are at most one more than wanted', () => {
    fc.assert(
      fc.property(readings, fc.integer({ min: 1, max: 100 }), (buckets, points) => {
        const fewer = downsample(buckets, spanOf(buckets), points);
        const sum = (of: readonly Bucket[], value: (bucket: Bucket) => number) =>
          of.reduce((total, bucket) => total + value(bucket), 0);
        expect(Math.min(...fewer.map(({ min }) => min))).toBe(Math.min(...buckets.map(({ min }) => min)));
        expect(Math.max(...fewer.map(({ max }) => max))).toBe(Math.max(...buckets.map(({ max }) => max)));
        expect(sum(fewer, ({ count }) => count)).toBe(buckets.length);
        expect(sum(fewer, (one) => one.sum)).toBeCloseTo(
          sum(buckets, (one) => one.sum),
          3,
        );
        expect(fewer.length).toBeLessThanOrEqual(points + 1);
        expect(fewer.map(({ atMs }) => atMs)).toEqual(fewer.map(({ atMs }) => atMs).sort((a, b) => a - b));
      }),
    );
  });

  test('hold the extremes of the stretch that each stands for', () => {
    fc.assert(
      fc.property(readings, fc.integer({ min: 1, max: 100 }), (buckets, points) => {
        const fewer = downsample(buckets, spanOf(buckets), points);
        for (const { atMs, min, max } of buckets) {
          const holder = fewer.findLast((one) => one.atMs <= atMs);
          expect(holder === undefined ? undefined : holder.min <= min && holder.max >= max).toBe(true);
        }
      }),
    );
  });

  test('keep their shape while the window moves on', () => {
    const day = Array.from({ length: 1_440 }, (_, minute) => bucketOf(minute * 60_000, Math.sin(minute / 50)));
    const spanMs = 600 * 60_000;
    const before = downsample(day.slice(0, 600), spanMs, 100);
    const after = downsample(day.slice(3, 603), spanMs, 100);
    expect(after.slice(1, -1)).toEqual(before.slice(1, -1).concat(after.slice(before.length - 1, -1)));
  });
});
