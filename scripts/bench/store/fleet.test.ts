import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededRandom } from '../../../device/platform/random.ts';
import { createFleet } from './fleet.ts';

const isBreach = ({ metrics }: { metrics: Record<string, number> }) => (metrics['temperature'] ?? 0) > 30;

test('a device breaches while it is calm alone, says within nine minutes that it is over, and may breach again then', () => {
  fc.assert(
    fc.property(fc.integer(), fc.array(fc.nat({ max: 5 }), { maxLength: 200 }), (seed, beginnings) => {
      const fleet = createFleet(60, seededRandom(seed));
      const since = new Map<string, number>();
      let begun = 0;
      for (const [minute, beginning] of [...beginnings, ...Array.from({ length: 9 }, () => 0)].entries()) {
        for (const said of fleet.next(beginning)) {
          const began = since.get(said.deviceId);
          if (isBreach(said)) {
            expect(began).toBeUndefined();
            since.set(said.deviceId, minute);
            begun += 1;
          } else {
            expect(minute - (began ?? Number.NaN)).toBeGreaterThanOrEqual(1);
            expect(minute - (began ?? Number.NaN)).toBeLessThanOrEqual(9);
            since.delete(said.deviceId);
          }
        }
        expect(fleet.breaching()).toBe(since.size);
      }
      expect(since.size).toBe(0);
      expect(begun).toBe(beginnings.reduce((sum, beginning) => sum + beginning, 0));
    }),
  );
});

test('where every device breaches already, no other one begins to', () => {
  const fleet = createFleet(3, () => 0.99);
  expect(fleet.next(5)).toHaveLength(3);
  expect(fleet.next(5)).toEqual([]);
  expect(fleet.breaching()).toBe(3);
});
