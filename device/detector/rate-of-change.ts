import { isGap, type Judgement, type Sample, unknown } from './verdict.ts';

export interface RateOfChangeSettings {
  rule: 'rate-of-change';
  /** Fastest change that is no breach, up or down, in the metric's unit a minute. */
  perMinute: number;
  windowMs: number;
  maxGapMs: number | null;
}

export interface RateOfChangeMemory {
  rule: 'rate-of-change';
  lastMonotonicMs: number;
  /** `[monotonicMs, value]`, oldest first, at least a slot apart; the first is the one that is measured against. */
  samples: readonly (readonly [number, number])[];
}

const minuteMs = 60_000;
/** The window is kept at this resolution, whatever the rate of readings: bounded memory. */
const slots = 12;

/**
 * The mean rate over the window, signed, in the metric's unit a minute: from the youngest kept sample that is at least
 * `windowMs` old to this one. Unknown until the window is full; a gap begins a new window, and so does a monotonic
 * clock that went back.
 */
export function rateOfChange(
  { perMinute, windowMs, maxGapMs }: RateOfChangeSettings,
  memory: RateOfChangeMemory | undefined,
  sample: Sample,
): Judgement<RateOfChangeMemory> {
  const { value, monotonicMs } = sample;
  const restart =
    memory === undefined ||
    monotonicMs < memory.lastMonotonicMs ||
    isGap(memory.lastMonotonicMs, monotonicMs, maxGapMs);
  const samples = restart ? [[monotonicMs, value] as const] : withSample(memory.samples, monotonicMs, value, windowMs);
  const state: RateOfChangeMemory = { rule: 'rate-of-change', lastMonotonicMs: monotonicMs, samples };

  const oldest = samples[0];
  const elapsedMs = oldest === undefined ? 0 : monotonicMs - oldest[0];
  if (oldest === undefined || elapsedMs < windowMs) return { state, verdict: unknown };
  const rate = ((value - oldest[1]) / elapsedMs) * minuteMs;
  if (Math.abs(rate) <= perMinute) return { state, verdict: { kind: 'clear', value: rate } };
  return { state, verdict: { kind: 'breaching', value: rate, limit: perMinute, reach: Math.abs(rate), since: sample } };
}

function withSample(
  samples: RateOfChangeMemory['samples'],
  monotonicMs: number,
  value: number,
  windowMs: number,
): RateOfChangeMemory['samples'] {
  let passed = 0;
  for (let next = samples[1]; next !== undefined && monotonicMs - next[0] >= windowMs; next = samples[passed + 1]) {
    passed += 1;
  }
  const newest = samples.at(-1);
  const due = newest === undefined || monotonicMs - newest[0] >= windowMs / slots;
  if (passed === 0 && !due) return samples;
  const kept = samples.slice(passed);
  if (due) kept.push([monotonicMs, value]);
  return kept;
}
