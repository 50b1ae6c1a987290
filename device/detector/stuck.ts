import { type Instant, isGap, type Judgement, type Sample, unknown } from './verdict.ts';

export interface StuckSettings {
  rule: 'stuck';
  afterMs: number;
  /** Distance from the first value of a run that counts as no change, in the metric's unit. */
  tolerance: number;
  maxGapMs: number | null;
}

export interface StuckMemory {
  rule: 'stuck';
  /** First value of the run and when it was read. */
  value: number;
  since: Instant;
  lastMonotonicMs: number;
  /** The run goes on from before a gap, in which the value may have moved and come back. */
  afterGap: boolean;
}

/**
 * Breached by a value that has stayed within `tolerance` of the first of its run for `afterMs`; the breach began with
 * the run. Cleared by a change. The time of a gap proves nothing: the same value after it begins a new run, which says
 * neither stuck nor clear until it is long enough.
 */
export function stuck(
  { afterMs, tolerance, maxGapMs }: StuckSettings,
  memory: StuckMemory | undefined,
  sample: Sample,
): Judgement<StuckMemory> {
  const { value, atMs, monotonicMs } = sample;
  if (memory === undefined || Math.abs(value - memory.value) > tolerance) {
    const state = run(value, { atMs, monotonicMs }, monotonicMs, false);
    return { state, verdict: { kind: 'clear', value } };
  }
  const state = isGap(memory.lastMonotonicMs, monotonicMs, maxGapMs)
    ? run(value, { atMs, monotonicMs }, monotonicMs, true)
    : run(memory.value, memory.since, monotonicMs, memory.afterGap);
  if (monotonicMs - state.since.monotonicMs >= afterMs) {
    return { state, verdict: { kind: 'breaching', value, limit: null, reach: 0, since: state.since } };
  }
  return { state, verdict: state.afterGap ? unknown : { kind: 'clear', value } };
}

function run(value: number, since: Instant, lastMonotonicMs: number, afterGap: boolean): StuckMemory {
  return { rule: 'stuck', value, since, lastMonotonicMs, afterGap };
}
