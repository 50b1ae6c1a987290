import type { SensorFaultReason } from '../sensor.ts';
import { meanWeather, type Weather } from './weather.ts';

type Metric = keyof Weather;

/** What happens to the mock sensor. Instants are milliseconds after its start; spans include `fromMs`, not `toMs`. */
export type ScriptStep =
  | { kind: 'step'; metric: Metric; to: number; fromMs: number; toMs: number }
  /** From the weather to a level between `fromMs` and `fullMs`, and back to the weather between `downMs` and `toMs`. */
  | { kind: 'ramp'; metric: Metric; to: number; fromMs: number; fullMs: number; downMs: number; toMs: number }
  /** One reading, the first at or after `atMs`, is off by that much. */
  | { kind: 'spike'; metric: Metric; by: number; atMs: number }
  /** Every reading repeats the one before. */
  | { kind: 'stuck'; fromMs: number; toMs: number }
  | { kind: 'dropout'; reason: SensorFaultReason; fromMs: number; toMs: number }
  | { kind: 'nan'; metric: Metric; fromMs: number; toMs: number }
  /** A read does not come back. */
  | { kind: 'hang'; fromMs: number; toMs: number }
  /** The machine's wall clock is set. */
  | { kind: 'clock-jump'; byMs: number; atMs: number }
  /** The chip loses power until `toMs`; its first reading after that is half of the truth. */
  | { kind: 'restart'; fromMs: number; toMs: number };

/** The step of this kind that holds at the instant. */
export function stepAt<Kind extends ScriptStep['kind']>(
  script: readonly ScriptStep[],
  kind: Kind,
  elapsedMs: number,
): Extract<ScriptStep, { kind: Kind; fromMs: number }> | undefined {
  return script.find(
    (step): step is Extract<ScriptStep, { kind: Kind; fromMs: number }> =>
      step.kind === kind && 'fromMs' in step && elapsedMs >= step.fromMs && elapsedMs < step.toMs,
  );
}

/** How much of its level a step has reached, 0..1. */
function share(step: ScriptStep, elapsedMs: number): number {
  if (step.kind === 'step') return elapsedMs >= step.fromMs && elapsedMs < step.toMs ? 1 : 0;
  if (step.kind !== 'ramp') return 0;
  const rise = (elapsedMs - step.fromMs) / Math.max(1, step.fullMs - step.fromMs);
  const fall = (step.toMs - elapsedMs) / Math.max(1, step.toMs - step.downMs);
  return Math.min(1, Math.max(0, Math.min(rise, fall)));
}

/**
 * What the scripted world is like, without noise, drift and faults of the sensor: the truth that a run can be audited
 * against. Pure; any instant, in any order.
 */
export function scriptedTruth(script: readonly ScriptStep[], elapsedMs: number): Weather {
  const truth = { ...meanWeather(elapsedMs) };
  for (const step of script) {
    if (step.kind !== 'step' && step.kind !== 'ramp') continue;
    truth[step.metric] += share(step, elapsedMs) * (step.to - truth[step.metric]);
  }
  return truth;
}
