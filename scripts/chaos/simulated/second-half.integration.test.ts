import { expect, test } from 'vitest';
import * as device from './device.ts';
import { runSchedules } from './run-schedules.ts';

// A file of its own, so that both halves are played at the same time.
test('schedules 251 to 500: every breach is in exactly one incident, whatever goes wrong', {
  timeout: 300_000,
}, async () => {
  const totals = await runSchedules({ device, seed: 251, schedules: 250 });
  expect(totals.violations).toEqual([]);
  expect(totals.breaches).toBeGreaterThan(1_000);
  expect(totals.kills).toBeGreaterThan(200);
});
