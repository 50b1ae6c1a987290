import type { Transition } from './detection.ts';
import type { RuleState } from './detection-state.ts';
import type { Firing, Recovering } from './lifecycle.ts';
import { textOf, unitOf } from './rules.ts';

/** An occurrence as a roll call tells it. */
export type FiringOccurrence = Pick<
  Transition,
  'metric' | 'rule' | 'severity' | 'unit' | 'value' | 'limit' | 'deadband' | 'peak' | 'startedAtMs' | 'text'
>;

type Of = Pick<RuleState, 'metric' | 'rule'>;

interface End {
  endedAtMs: number;
  endReason: NonNullable<Transition['endReason']>;
}

export function firingOccurrence({ metric, rule }: Of, occurrence: Firing | Recovering): FiringOccurrence {
  const { severity, value, limit, peak, started, detector } = occurrence;
  return {
    metric,
    rule,
    severity,
    unit: unitOf(metric, rule),
    value,
    limit,
    deadband: 'deadband' in detector ? detector.deadband : null,
    peak,
    startedAtMs: started.atMs,
    text: textOf(rule),
  };
}

/** What is told of an occurrence that goes on. */
export function ongoing(
  of: Of,
  phase: 'firing' | 'updated',
  occurrence: Firing | Recovering,
  atMs: number,
): Transition {
  return { ...firingOccurrence(of, occurrence), phase, endedAtMs: null, endReason: null, atMs };
}

/** What is told of an occurrence that has ended. */
export function resolved(of: Of, occurrence: Firing | Recovering, end: End, atMs: number): Transition {
  return { ...firingOccurrence(of, occurrence), phase: 'resolved', ...end, atMs };
}
