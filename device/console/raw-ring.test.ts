import { expect, test } from 'vitest';
import { createRawRing } from './raw-ring.ts';

const values = (ring: ReturnType<typeof createRawRing>) => ring.between(0, Infinity).map(({ min }) => min);

test('readings are kept in order, the newest ones where there are more than places', () => {
  const ring = createRawRing(3, 1_000_000);
  for (const at of [1, 2, 3, 4, 5]) ring.add(at * 1_000, at);
  expect(values(ring)).toEqual([3, 4, 5]);
  expect(ring.oldestMs()).toBe(3_000);
  expect(ring.between(4_000, 4_999).map(({ min }) => min)).toEqual([4]);
});

test('what is older than the time that is kept goes', () => {
  const ring = createRawRing(10, 5_000);
  for (const at of [0, 2_000, 4_000, 8_000]) ring.add(at, at);
  expect(values(ring)).toEqual([4_000, 8_000]);
});

test('a reading that comes twice, or late, is taken once', () => {
  const ring = createRawRing(10, 1_000_000);
  expect([ring.add(5_000, 1), ring.add(5_000, 1), ring.add(4_000, 2), ring.add(6_000, 3)]).toEqual([
    true,
    false,
    false,
    true,
  ]);
  expect(values(ring)).toEqual([1, 3]);
});

test('a clock that was set back begins anew, so that time in the ring only goes forward', () => {
  const ring = createRawRing(10, 1_000_000);
  ring.add(3_600_000, 1);
  expect(ring.add(1_000, 2)).toBe(true);
  expect(values(ring)).toEqual([2]);
});
