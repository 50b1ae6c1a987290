import { expect, test } from 'vitest';
import { systemTime } from './time.ts';

test('monotonic time of the machine counts from its boot, so that two processes of one boot agree on an instant', () => {
  const earliest = Number(process.hrtime.bigint()) / 1e6;
  const instant = systemTime.monotonicMs();
  const latest = Number(process.hrtime.bigint()) / 1e6;
  expect(instant).toBeGreaterThan(earliest - 5);
  expect(instant).toBeLessThan(latest + 5);
});
