import { z } from 'zod';

/** Raw durations by memory, for whoever measured them without the tool. */
const rawDurations = z
  .array(z.object({ memoryMb: z.int().min(128).max(10_240), durationsMs: z.array(z.number().positive()).min(5) }))
  .min(1);

/** Null is a memory at which no invocation succeeded. */
const stat = z.object({ value: z.coerce.number(), averagePrice: z.number(), averageDuration: z.number() }).nullable();

/**
 * What the state machine of AWS Lambda Power Tuning answers (alexcasalboni/aws-lambda-power-tuning, lambda/analyzer.js). All
 * memories stand in `stats`, which is there with `includeOutputResults`, and otherwise in the address of the chart.
 */
const toolOutput = z
  .object({
    power: z.coerce.number(),
    cost: z.number(),
    duration: z.number(),
    stateMachine: z.object({ visualization: z.string().optional() }),
    stats: z.array(stat).min(1).optional(),
  })
  .transform(({ stats, stateMachine: { visualization = '' } }, context): TuningPoint[] => {
    const points = stats === undefined ? pointsOfChart(visualization) : pointsOfStats(stats);
    if (points.length > 0) return points;
    const message = 'no memory was measured: run the state machine with "includeOutputResults": true';
    context.addIssue({ code: 'custom', path: ['stats'], message });
    return z.NEVER;
  });

/** Output of the tool, bare or as `results`, or raw durations. */
export const measurements = z.union([
  toolOutput,
  z.object({ results: toolOutput }).transform(({ results }) => results),
  rawDurations,
]);
export type Measurements = z.output<typeof measurements>;

export interface TuningPoint {
  memoryMb: number;
  /** Mean, ms. */
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

/** @param gbSecondUsd price of the function's architecture, for raw durations; the tool's output has prices of its own */
export function analyse(results: Measurements, strategy: Strategy, gbSecondUsd: number): TuningResult {
  const points = results
    .map((one) => ('usd' in one ? one : pointOfDurations(one, gbSecondUsd)))
    .toSorted((a, b) => a.memoryMb - b.memoryMb);
  const most = { usd: Math.max(...points.map(({ usd }) => usd)), ms: Math.max(...points.map((one) => one.durationMs)) };
  // Of equally cheap ones the fastest, of equally fast ones the cheapest, as the tool chooses.
  const scores = ({ usd, durationMs }: TuningPoint): [number, number] => {
    if (strategy.kind === 'cost') return [usd, durationMs];
    if (strategy.kind === 'speed') return [durationMs, usd];
    return [strategy.weight * (usd / most.usd) + (1 - strategy.weight) * (durationMs / most.ms), usd];
  };
  const best = points.reduce((a, b) => {
    const [[first, firstTie], [second, secondTie]] = [scores(a), scores(b)];
    return second < first || (second === first && secondTie < firstTie) ? b : a;
  });
  return { points, best };
}

/** By the tool's own rules: a fifth is discarded at each end, the price is that of the mean, rounded up to the ms. */
function pointOfDurations(
  { memoryMb, durationsMs }: z.output<typeof rawDurations>[number],
  gbSecondUsd: number,
): TuningPoint {
  const sorted = durationsMs.toSorted((a, b) => a - b);
  const discarded = Math.floor(sorted.length * discardedShare);
  const left = sorted.slice(discarded, sorted.length - discarded);
  const durationMs = left.reduce((sum, one) => sum + one, 0) / left.length;
  return { memoryMb, durationMs, usd: Math.ceil(durationMs) * (memoryMb / 1_024 / 1_000) * gbSecondUsd };
}

function pointsOfStats(stats: readonly z.output<typeof stat>[]): TuningPoint[] {
  return stats.flatMap((one) =>
    one !== null && one.averageDuration > 0
      ? { memoryMb: one.value, durationMs: one.averageDuration, usd: one.averagePrice }
      : [],
  );
}

/** `…#memories;durations;prices`: base64 of 16-bit integers, and twice of 32-bit floats, little-endian. */
function pointsOfChart(address: string): TuningPoint[] {
  const [memories, durations, prices] = (address.split('#')[1] ?? '')
    .split(';')
    .map((one) => Buffer.from(one, 'base64'));
  if (memories === undefined || durations === undefined || prices === undefined) return [];
  const count = memories.length / 2;
  if (durations.length !== count * 4 || prices.length !== count * 4) return [];
  return Array.from({ length: count }, (_, place) => ({
    memoryMb: memories.readInt16LE(place * 2),
    durationMs: durations.readFloatLE(place * 4),
    usd: prices.readFloatLE(place * 4),
  }));
}
