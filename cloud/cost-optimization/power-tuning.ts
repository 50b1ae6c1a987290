import { z } from 'zod';

/**
 * What a run of AWS Lambda Power Tuning measured: by memory, the durations of its invocations. The tool's own rules:
 * of the sorted durations a fifth is discarded at each end, the price is that of the mean, rounded up to the millisecond.
 */
export const measurements = z
  .array(z.object({ memoryMb: z.int().min(128).max(10_240), durationsMs: z.array(z.number().positive()).min(5) }))
  .min(1);
export type Measurements = z.infer<typeof measurements>;

export interface TuningPoint {
  memoryMb: number;
  /** Mean of what is left after discarding, ms. */
  durationMs: number;
  /** Of one invocation, US dollars. */
  usd: number;
}

export type Strategy =
  | { kind: 'cost' }
  | { kind: 'speed' }
  /** Weight of cost against speed, 0 (speed) to 1 (cost). */
  | { kind: 'balanced'; weight: number };

export interface TuningResult {
  points: readonly TuningPoint[];
  best: TuningPoint;
}

const discardedShare = 0.2;

/** @param gbSecondUsd price of the function's architecture */
export function analyse(results: Measurements, strategy: Strategy, gbSecondUsd: number): TuningResult {
  const points = results
    .map(({ memoryMb, durationsMs }): TuningPoint => {
      const durationMs = trimmedMean(durationsMs);
      return { memoryMb, durationMs, usd: Math.ceil(durationMs) * (memoryMb / 1_024 / 1_000) * gbSecondUsd };
    })
    .toSorted((a, b) => a.memoryMb - b.memoryMb);
  const most = { usd: Math.max(...points.map(({ usd }) => usd)), ms: Math.max(...points.map((one) => one.durationMs)) };
  const score = (point: TuningPoint): number => {
    if (strategy.kind === 'cost') return point.usd;
    if (strategy.kind === 'speed') return point.durationMs;
    return strategy.weight * (point.usd / most.usd) + (1 - strategy.weight) * (point.durationMs / most.ms);
  };
  // Of equals the one with the least memory.
  const best = points.reduce((a, b) => (score(b) < score(a) ? b : a));
  return { points, best };
}

function trimmedMean(durations: readonly number[]): number {
  const sorted = durations.toSorted((a, b) => a - b);
  const discarded = Math.floor(sorted.length * discardedShare);
  const left = sorted.slice(discarded, sorted.length - discarded);
  return left.reduce((sum, one) => sum + one, 0) / left.length;
}
