import { isGap, type Judgement, type Sample, unknown } from './verdict.ts';

export interface EwmaSettings {
  rule: 'ewma';
  halfLifeMs: number;
  /** Breached beyond this many standard deviations. */
  deviations: number;
  /** Smallest standard deviation that is assumed, in the metric's unit. */
  minDeviation: number;
  warmUpMs: number;
  maxGapMs: number | null;
}

export interface EwmaMemory {
  rule: 'ewma';
  mean: number;
  variance: number;
  /** How much time it has learned from, gaps left out. */
  learnedMs: number;
  lastMonotonicMs: number;
}

/**
 * Deviation from an exponentially weighted moving average. A reading weighs by the time that it stands for, so that the
 * interval between readings does not matter; while little was learned, weights are scaled up so that the first value is
 * not overrated. The limit is the bound, mean ± deviations · σ, as it was before the value.
 *
 * A value that breaches moves the mean but not the spread: a lasting shift becomes the new normal after some
 * half-lives, yet does not widen the bound that it broke. What was learned before a gap holds after it.
 * Source: T. Finch, "Incremental calculation of weighted mean and variance", 2009, section 9.
 */
export function ewma(settings: EwmaSettings, memory: EwmaMemory | undefined, sample: Sample): Judgement<EwmaMemory> {
  const { value, monotonicMs } = sample;
  if (memory === undefined) {
    const state = { rule: 'ewma', mean: value, variance: 0, learnedMs: 0, lastMonotonicMs: monotonicMs } as const;
    return { state, verdict: unknown };
  }
  const distance = value - memory.mean;
  const bound = settings.deviations * Math.max(Math.sqrt(memory.variance), settings.minDeviation);
  const warm = memory.learnedMs >= settings.warmUpMs;
  const breaching = warm && Math.abs(distance) > bound;
  const state = learn(settings, memory, sample, !breaching);
  if (!warm) return { state, verdict: unknown };
  if (!breaching) return { state, verdict: { kind: 'clear', value } };
  const limit = memory.mean + Math.sign(distance) * bound;
  return { state, verdict: { kind: 'breaching', value, limit, reach: Math.abs(distance), since: sample } };
}

function learn(
  { halfLifeMs, maxGapMs }: EwmaSettings,
  { mean, variance, learnedMs, lastMonotonicMs }: EwmaMemory,
  { value, monotonicMs }: Sample,
  spreadToo: boolean,
): EwmaMemory {
  const gap = monotonicMs < lastMonotonicMs || isGap(lastMonotonicMs, monotonicMs, maxGapMs);
  const elapsedMs = gap ? 0 : monotonicMs - lastMonotonicMs;
  if (elapsedMs === 0) return { rule: 'ewma', mean, variance, learnedMs, lastMonotonicMs: monotonicMs };
  const decayed = (ms: number) => 1 - 2 ** (-ms / halfLifeMs);
  const weight = decayed(elapsedMs) / decayed(learnedMs + elapsedMs);
  const distance = value - mean;
  return {
    rule: 'ewma',
    mean: mean + weight * distance,
    variance: spreadToo ? (1 - weight) * (variance + weight * distance * distance) : variance,
    learnedMs: learnedMs + elapsedMs,
    lastMonotonicMs: monotonicMs,
  };
}
