import type { Metrics } from '../reading/reading.ts';

/** What is believed of one metric, in the metric's unit. */
export interface Bounds {
  min?: number | undefined;
  max?: number | undefined;
  /** Largest believable change between two readings. */
  maxStep?: number | undefined;
}

export type Plausibility = { ok: true; metrics: Metrics } | { ok: false; message: string };

/** How far outside 0..100 %RH the chip's own inaccuracy may bring a value; it is clamped then. */
const humiditySlackPercent = 5;

/**
 * Judges the values of one device, in order. A reading with one unbelievable value is refused as a whole: NaN or
 * infinite, out of bounds, or too far from the last believed value. A level that is too far away is believed when a
 * second reading agrees with it, so that a real change is late by one reading and not lost. Humidity slightly outside
 * 0..100 %RH is clamped. Keeps two numbers a metric.
 */
export function plausibilityCheck(bounds: Readonly<Record<string, Bounds>>): (metrics: Metrics) => Plausibility {
  /** `doubted`: a value that was too far from `believed` and waits for a second one. */
  const levels = new Map<string, { believed: number; doubted: number | undefined }>();

  function stepProblem(metric: string, value: number, maxStep: number): string | undefined {
    const level = levels.get(metric);
    const near = (other: number | undefined) => other !== undefined && Math.abs(value - other) <= maxStep;
    if (level === undefined || near(level.believed) || near(level.doubted)) {
      levels.set(metric, { believed: value, doubted: undefined });
      return undefined;
    }
    level.doubted = value;
    return `${metric} went from ${level.believed} to ${value} in one reading, more than ${maxStep}`;
  }

  function problem(metric: string, value: number): string | undefined {
    const { min, max, maxStep } = bounds[metric] ?? {};
    if (!Number.isFinite(value)) return `${metric} is ${value}, not a number`;
    if (min !== undefined && value < min) return `${metric} is ${value}, below ${min}`;
    if (max !== undefined && value > max) return `${metric} is ${value}, above ${max}`;
    return maxStep === undefined ? undefined : stepProblem(metric, value, maxStep);
  }

  return (metrics) => {
    const clamped: [string, number][] = [];
    const problems: string[] = [];
    for (const [metric, given] of Object.entries(metrics)) {
      const value = clampHumidity(metric, given);
      clamped.push([metric, value]);
      const found = problem(metric, value);
      if (found !== undefined) problems.push(found);
    }
    if (clamped.length === 0) problems.push('it has no values');
    if (problems.length === 0) return { ok: true, metrics: Object.fromEntries(clamped) };
    return { ok: false, message: `The reading is not believed: ${problems.join('; ')} (sensor.plausibility).` };
  };
}

function clampHumidity(metric: string, value: number): number {
  if (metric !== 'humidity') return value;
  if (value < 0 && value >= -humiditySlackPercent) return 0;
  if (value > 100 && value <= 100 + humiditySlackPercent) return 100;
  return value;
}
