import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import * as device from './simulated/device.ts';
import { checkDirectly } from './simulated/direct-checks.ts';
import { mutants } from './simulated/mutants.ts';
import { tryMutant } from './simulated/run-mutants.ts';
import { runSchedules } from './simulated/run-schedules.ts';
import { scheduleOf } from './simulated/schedule.ts';
import { play } from './simulated/world.ts';

const root = join(import.meta.dirname, '../..');

describe('the simulated world', () => {
  // The other half is played beside it, in `simulated/second-half.integration.test.ts`.
  test('schedules 1 to 250: every breach is in exactly one incident, whatever goes wrong', {
    timeout: 300_000,
  }, async () => {
    const totals = await runSchedules({ device, seed: 1, schedules: 250 });
    expect(totals.violations).toEqual([]);
    expect(totals.breaches).toBeGreaterThan(1_000);
    expect(totals.kills).toBeGreaterThan(200);
    for (const [part, schedules] of Object.entries(totals.parts)) expect(schedules, part).toBeGreaterThan(0);
  });

  test('a schedule is played the same way each time', async () => {
    const schedule = scheduleOf(12);
    const [once, again] = [await play(schedule, device), await play(schedule, device)];
    expect(JSON.stringify(again.chronicle.writes)).toBe(JSON.stringify(once.chronicle.writes));
    expect(once.chronicle.writes.length).toBeGreaterThan(0);
  });

  test.each(['answer after commit', 'high-water mark', 'bounded history', 'bounded memory'] as const)(
    '%s, looked at directly',
    async (what) => {
      expect(await checkDirectly(what, device)).toEqual([]);
    },
  );
});

describe('mutants', () => {
  test.each(mutants.map((mutant) => [mutant.name, mutant] as const))(
    '"%s" still finds the line that it changes',
    (_name, { file, find }) => {
      expect(readFileSync(join(root, file), 'utf8').split(find)).toHaveLength(2);
    },
  );

  test('one of each kind is caught', { timeout: 60_000 }, async () => {
    const direct = mutants.find((mutant) => mutant.direct !== undefined);
    const played = mutants.find((mutant) => mutant.name === 'nothing is resolved');
    if (direct === undefined || played === undefined) expect.unreachable('such mutants are in the list');
    for (const mutant of [direct, played]) {
      const { outcome } = await tryMutant(mutant, { device, seed: 1, mostSchedules: 20 });
      expect(outcome).toBe('caught');
    }
  });
});
