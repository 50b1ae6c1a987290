import type { AnomalyMessage } from '../../anomaly/anomaly.ts';

/** Limit and clearing value, for the rules whose limit is a value of the metric. */
export interface Bounds {
  limit: number;
  clears: number;
  /** The side of the limit that breaches. */
  beyond: 'above' | 'below';
}

export function boundsOf({ rule, limit, deadband }: AnomalyMessage): Bounds | undefined {
  if (limit === null || (rule !== 'upper' && rule !== 'lower')) return undefined;
  const clears = rule === 'upper' ? limit - (deadband ?? 0) : limit + (deadband ?? 0);
  return { limit, clears: Number.isFinite(clears) ? clears : limit, beyond: rule === 'upper' ? 'above' : 'below' };
}
