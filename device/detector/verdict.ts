/** An instant on both clocks, ms: wall time is for display, the monotonic one for every duration. */
export interface Instant {
  atMs: number;
  monotonicMs: number;
}

/** A finite value of one metric. */
export interface Sample extends Instant {
  value: number;
}

/**
 * What a detector says of one input. `holding` is neither: back inside the limit, but not past the deadband.
 * `unknown` changes nothing: it cannot be judged now.
 *
 * `value` and `limit` (the bound that was crossed) are in the unit of the rule. `reach` orders the breaches of one rule,
 * the larger the worse, wherever the limit is at the time. `since` is when that which breaches began.
 */
export type Verdict =
  | { kind: 'breaching'; value: number | null; limit: number | null; reach: number; since: Instant }
  | { kind: 'holding' | 'clear'; value: number | null }
  | { kind: 'unknown' };

/** What a detector is to remember, and what it says. */
export interface Judgement<Memory> {
  state: Memory;
  verdict: Verdict;
}

export const unknown: Verdict = { kind: 'unknown' };

/** Whether so much time lies between two readings that nothing is known of it; `maxGapMs` null: never. */
export function isGap(lastMonotonicMs: number, monotonicMs: number, maxGapMs: number | null): boolean {
  return maxGapMs !== null && monotonicMs - lastMonotonicMs >= maxGapMs;
}
