import fc from 'fast-check';
import { expect, test } from 'vitest';
import { reconnectDelayMs } from './reconnect.ts';

const policy = { reconnectBaseMs: 500, reconnectCapMs: 30_000 };
const delay = (failures: number, random: number, refused = false) =>
  reconnectDelayMs({ failures, refused }, policy, () => random);

test.each([
  [1, 500],
  [2, 1_000],
  [6, 16_000],
  [7, 30_000],
  [10_000, 30_000],
])('after %i failures the pause is anywhere below %i ms', (failures, most) => {
  expect(delay(failures, 0)).toBe(0);
  expect(delay(failures, 0.5)).toBe(most / 2);
});

test('a refusal is followed by at least half of the longest pause', () => {
  expect([delay(1, 0, true), delay(1, 0.5, true)]).toEqual([15_000, 22_500]);
});

test('no pause is longer than the cap', () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      fc.boolean(),
      (n, r, refused) => {
        const pauseMs = delay(n + 1, r, refused);
        expect(pauseMs).toBeGreaterThanOrEqual(0);
        expect(pauseMs).toBeLessThanOrEqual(30_000);
      },
    ),
  );
});
