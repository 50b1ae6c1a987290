import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backoffMs } from './backoff.ts';

const policy = { baseMs: 1_000, capMs: 300_000 };

test.each([
  [1, 1_000],
  [2, 2_000],
  [5, 16_000],
  [10, 300_000],
  [1_000, 300_000],
])('after %i failures waits less than %i ms', (failures, ceiling) => {
  expect(backoffMs(failures, policy, () => 0)).toBe(0);
  expect(backoffMs(failures, policy, () => 0.999999)).toBeCloseTo(ceiling, -1);
});

test('never exceeds the cap and never is negative', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      (n, r) => {
        const delay = backoffMs(n, policy, () => r);
        expect(delay).toBeGreaterThanOrEqual(0);
        expect(delay).toBeLessThan(policy.capMs);
      },
    ),
  );
});
