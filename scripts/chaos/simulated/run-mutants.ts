import type { DeviceCode } from './device-code.ts';
import { checkDirectly } from './direct-checks.ts';
import type { Mutant } from './mutants.ts';
import { mutate } from './mutate.ts';
import { scheduleOf } from './schedule.ts';
import { play } from './world.ts';

/**
 * - `caught`: something did not hold that holds without the change.
 * - `missed`: nothing was seen within the bound.
 * - `stale`: the line that it changes is not there any more.
 */
export type MutantOutcome =
  | { outcome: 'caught'; schedules: number; invariant: string; what: string }
  | { outcome: 'missed'; schedules: number }
  | { outcome: 'stale' };

export interface MutantRun {
  device: DeviceCode;
  seed: number;
  /** A mutant must be caught within so many schedules. */
  mostSchedules: number;
}

export async function tryMutant(mutant: Mutant, run: MutantRun): Promise<MutantOutcome> {
  const mutated = await mutate(mutant);
  if (mutated === undefined) return { outcome: 'stale' };
  try {
    return mutant.direct === undefined
      ? await trySchedules(mutant, mutated.device, run)
      : await tryDirectly(mutant.direct, mutated.device, run);
  } finally {
    mutated.remove();
  }
}

async function tryDirectly(
  direct: NonNullable<Mutant['direct']>,
  mutated: DeviceCode,
  { device }: MutantRun,
): Promise<MutantOutcome> {
  const [sound, found] = [await checkDirectly(direct, device), await checkDirectly(direct, mutated)];
  const [first] = found;
  if (sound.length > 0 || first === undefined) return { outcome: 'missed', schedules: 1 };
  return { outcome: 'caught', schedules: 1, ...first };
}

async function trySchedules(mutant: Mutant, mutated: DeviceCode, run: MutantRun): Promise<MutantOutcome> {
  for (let count = 1; count <= run.mostSchedules; count += 1) {
    const schedule = scheduleOf(run.seed + count - 1, mutant.focus);
    const [first] = (await play(schedule, mutated)).findings;
    if (first === undefined) continue;
    // What goes wrong without the change as well proves nothing.
    if ((await play(schedule, run.device)).findings.length > 0) continue;
    return { outcome: 'caught', schedules: count, ...first };
  }
  return { outcome: 'missed', schedules: run.mostSchedules };
}
