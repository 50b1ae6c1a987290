import type { Clock } from '../platform/time.ts';
import type { MachineClock } from './machine-clock.ts';

/** By which clock a wall stamp was made: enough to correct it later. */
export interface Stamp {
  bootId: string;
  /** Wall time minus monotonic time, ms. */
  offsetMs: number;
  synchronised: boolean;
}

/** The clock fields that every message carries. */
export interface ClockFields {
  bootId: string;
  monotonicMs: number;
  clockSynchronised: boolean;
  clockSource: string;
}

/** What has become known of stamps made before an observation. */
export interface Correction {
  /** To be added to a wall stamp, ms; 0 where the clock turned out to have been right. */
  byMs: number;
  /** Monotonic instant since which stamps were made by the wrong clock. */
  sinceMonotonicMs: number;
}

/**
 * The clock that stamps are made by, and what is known of its errors.
 *
 * | clock                       | it is set, or moves by a second or more                             |
 * |-----------------------------|---------------------------------------------------------------------|
 * | synchronised                | stamps made before stay as they are: they were right                |
 * | not, by a known source      | stamps made meanwhile move with it: who sets a wrong clock knows it  |
 * | nothing is known (`none`)   | they stay, until a source says that it is right now                 |
 */
export interface StampClock extends Clock {
  stamp(): Stamp;
  fields(): ClockFields;
  /** To be called before stamps are made; answers what that says of the stamps made before. */
  observe(): Correction | undefined;
  /** What has to be added to the stamps made by `stamp`, ms; 0 where they are right or nothing is known. */
  errorOf(stamp: Stamp): number;
}

/** Monotonic instant after which all stamps are of this boot: those of earlier ones were moved to 0 and before. */
export const bootBeganMs = 1;

/** Below this a clock was steered, not set. */
const leastErrorMs = 1_000;

export function createStampClock(clock: Clock, machine: MachineClock): StampClock {
  const { bootId } = machine;
  let last = stamp();
  let unsynchronisedSinceMs = bootBeganMs;

  function stamp(): Stamp {
    return { bootId, offsetMs: clock.wallMs() - clock.monotonicMs(), synchronised: machine.state().synchronised };
  }

  function errorOf(made: Stamp): number {
    if (made.bootId !== bootId || made.synchronised) return 0;
    const { synchronised, source } = machine.state();
    if (!synchronised && source === 'none') return 0;
    const errorMs = clock.wallMs() - clock.monotonicMs() - made.offsetMs;
    return Math.abs(errorMs) < leastErrorMs ? 0 : errorMs;
  }

  return {
    wallMs: () => clock.wallMs(),
    monotonicMs: () => clock.monotonicMs(),
    stamp,
    errorOf,
    fields() {
      const { synchronised, source } = machine.state();
      const monotonicMs = Math.max(0, clock.monotonicMs());
      return { bootId, monotonicMs, clockSynchronised: synchronised, clockSource: source };
    },
    observe() {
      const byMs = errorOf(last);
      const sinceMonotonicMs = unsynchronisedSinceMs;
      const now = stamp();
      if (last.synchronised && !now.synchronised) unsynchronisedSinceMs = clock.monotonicMs();
      const nothingNew = byMs === 0 && (last.synchronised || !now.synchronised);
      last = now;
      return nothingNew ? undefined : { byMs, sinceMonotonicMs };
    },
  };
}
