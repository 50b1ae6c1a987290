import { type Instant, type Judgement, unknown } from './verdict.ts';

export interface NoDataSettings {
  rule: 'no-data';
  afterMs: number;
}

/** The last reading; of a sensor that never gave one, the first tick. */
export interface Silence extends Instant {
  /** Monotonic instant from which silence counts, where that is later than the last reading: nobody listened before. */
  countsFromMs?: number | undefined;
}

/** Monotonic instant at which a silence has lasted long enough. */
export function silenceDueMs({ afterMs }: NoDataSettings, { monotonicMs, countsFromMs }: Silence): number {
  return Math.max(monotonicMs, countsFromMs ?? monotonicMs) + afterMs;
}

/** Breached by a tick that comes `afterMs` after the last reading, and since that reading; cleared by a reading alone. */
export function noData(
  settings: NoDataSettings,
  silence: Silence | undefined,
  kind: 'reading' | 'tick',
  { atMs, monotonicMs }: Instant,
): Judgement<Silence> {
  if (kind === 'reading') return { state: { atMs, monotonicMs }, verdict: { kind: 'clear', value: null } };
  if (silence === undefined) return { state: { atMs, monotonicMs }, verdict: unknown };
  if (monotonicMs < silenceDueMs(settings, silence)) return { state: silence, verdict: unknown };
  return { state: silence, verdict: { kind: 'breaching', value: null, limit: null, reach: 0, since: silence } };
}
