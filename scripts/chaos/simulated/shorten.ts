import type { DeviceCode } from './device-code.ts';
import type { Schedule, Step } from './schedule.ts';
import { play } from './world.ts';

/** Plays that a shortening may take. */
const mostPlays = 150;

/**
 * The same schedule with as few steps as still lead to a finding of the same kind: halves, quarters, … are left out as
 * long as that is so. Source: delta debugging, Zeller and Hildebrandt, 2002.
 */
export async function shorten(schedule: Schedule, invariant: string, device: DeviceCode): Promise<Schedule> {
  let plays = 0;
  let steps = schedule.steps;
  const fails = async (fewer: readonly Step[]) => {
    plays += 1;
    const { findings } = await play({ ...schedule, steps: fewer }, device);
    return findings.some((finding) => finding.invariant === invariant);
  };
  for (let size = Math.ceil(steps.length / 2); size >= 1 && plays < mostPlays; ) {
    let isShorter = false;
    for (let from = 0; from < steps.length && plays < mostPlays; ) {
      const fewer = [...steps.slice(0, from), ...steps.slice(from + size)];
      if (await fails(fewer)) {
        steps = fewer;
        isShorter = true;
      } else from += size;
    }
    if (size === 1 && !isShorter) break;
    size = isShorter && size === 1 ? 1 : Math.max(1, Math.floor(size / 2));
  }
  return { ...schedule, steps };
}

/** A schedule as lines for people, one a step. */
export function describe({ setup, steps }: Schedule): string[] {
  return [
    `setup ${JSON.stringify(setup)}`,
    ...steps.map(
      ({ atMs, do: what, ...rest }) => `${(atMs / 1_000).toFixed(3).padStart(8)} s  ${what} ${JSON.stringify(rest)}`,
    ),
  ];
}
