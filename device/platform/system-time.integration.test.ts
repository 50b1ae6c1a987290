import { expect, test } from 'vitest';
import { systemTime } from './time.ts';

test('no timer runs before its delay has passed on the monotonic clock', async () => {
  const early: number[] = [];
  const delays = Array.from({ length: 400 }, (_, index) => (index % 40) + 0.25 * (index % 4));
  await Promise.all(
    delays.map(
      (delayMs) =>
        new Promise<void>((resolve) => {
          const dueMs = systemTime.monotonicMs() + delayMs;
          systemTime.after(delayMs, () => {
            const leftMs = dueMs - systemTime.monotonicMs();
            if (leftMs > 0) early.push(leftMs);
            resolve();
          });
        }),
    ),
  );
  expect(early).toEqual([]);
});
