import type { Metrics } from '../reading/reading.ts';
import type { AnomalyMessage, Rule, Severity } from './anomaly.ts';

/** What the rules of one device are shown: a reading, or that time has passed without one (for `no-data`). */
export type DetectionInput =
  | { kind: 'reading'; atMs: number; monotonicMs: number; metrics: Metrics }
  | { kind: 'tick'; atMs: number; monotonicMs: number };

/** A change of one rule of one device that is to be told. Instants are epoch ms by the clock that stamped the readings. */
export interface Transition {
  metric: string;
  rule: Rule;
  phase: AnomalyMessage['phase'];
  severity: Severity;
  unit: string;
  value: number | null;
  limit: number | null;
  deadband: number | null;
  peak: number | null;
  startedAtMs: number;
  endedAtMs: number | null;
  endReason: AnomalyMessage['endReason'];
  text: string;
  atMs: number;
}
