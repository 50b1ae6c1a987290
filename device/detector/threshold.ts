import type { Sample, Verdict } from './verdict.ts';

export interface ThresholdSettings {
  rule: 'upper' | 'lower';
  /** In the metric's unit. */
  limit: number;
  /** How far back inside the limit a value must come to clear; in the metric's unit, not negative. */
  deadband: number;
}

/**
 * Upper: breached by a value above the limit, cleared by one at or below `limit − deadband`; lower is its mirror.
 * Needs no memory: what a value between the two means is the lifecycle's to know.
 */
export function threshold({ rule, limit, deadband }: ThresholdSettings, sample: Sample): Verdict {
  const { value } = sample;
  const upper = rule === 'upper';
  if (upper ? value > limit : value < limit) {
    return { kind: 'breaching', value, limit, reach: upper ? value : -value, since: sample };
  }
  const clear = upper ? value <= limit - deadband : value >= limit + deadband;
  return { kind: clear ? 'clear' : 'holding', value };
}
