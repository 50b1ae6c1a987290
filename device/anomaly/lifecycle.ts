import type { Detector } from '../detector/judge.ts';
import type { Instant, Verdict } from '../detector/verdict.ts';
import type { AnomalyMessage, Severity } from './anomaly.ts';

/**
 * The life of one rule's breach. It moves on readings (no-data: on ticks too); the delays are judged when one comes, on
 * the monotonic clock.
 *
 * | state      | breaching                            | holding (inside the deadband)        | clear                                   |
 * |------------|--------------------------------------|--------------------------------------|-----------------------------------------|
 * | ok         | pending, or firing without a delay   | –                                    | –                                       |
 * | pending    | firing once it has lasted onDelayMs  | firing once it has lasted onDelayMs  | ok; nothing is told                     |
 * | firing     | updated, when due                    | updated, when due                    | recovering, or resolved without a delay |
 * | recovering | firing: the recovery never was       | resolved once offDelayMs is over     | resolved once offDelayMs is over        |
 *
 * `unknown` changes nothing: time in which nothing is known neither ends a breach nor interrupts it. Resolved is no
 * state: it is told, and the rule is ok.
 */
export type Lifecycle = { phase: 'ok' } | Pending | Firing | Recovering;

type Pending = Breach & { phase: 'pending' };
export type Firing = Occurrence & { phase: 'firing' };
/** `ended`: the first clearing reading. */
export type Recovering = Occurrence & { phase: 'recovering'; ended: Instant; endReason: EndReason };

interface Breach {
  /** First breaching reading. */
  started: Instant;
  /** Settings under which it last breached. */
  detector: Detector;
  limit: number | null;
  /** Of the latest reading. */
  value: number | null;
  /** The furthest value so far, and its reach (see Verdict). */
  peak: number | null;
  reach: number;
}

interface Occurrence extends Breach {
  severity: Severity;
  toldMonotonicMs: number;
}

/** Ends that the lifecycle finds itself. */
export type EndReason = Extract<AnomalyMessage['endReason'], 'cleared' | 'limit changed'>;

/** How one rule behaves, whatever detects it. */
export interface LifecycleSettings {
  detector: Detector;
  /** How long a breach must last before it fires. */
  onDelayMs: number;
  /** How long a clear must last before it is resolved. */
  offDelayMs: number;
  /** Shortest time between two updates that tell no change of severity. */
  updateIntervalMs: number;
  /** Severity of a breach that is in no tier. */
  severity: Severity;
  /** The value at which each further severity begins, from the limit outwards. */
  tiers: readonly { from: number; severity: Severity }[];
}

export interface Step {
  lifecycle: Lifecycle;
  /** What is to be told: of one that is resolved, its last state. */
  told?: { phase: 'firing' | 'updated'; occurrence: Firing } | { phase: 'resolved'; occurrence: Recovering };
}

export const ok: Lifecycle = { phase: 'ok' };

/** `endReason`: why the breach ends, should this verdict be its first clear. */
export function step(
  settings: LifecycleSettings,
  lifecycle: Lifecycle,
  verdict: Verdict,
  at: Instant,
  endReason: EndReason = 'cleared',
): Step {
  if (verdict.kind === 'unknown') return { lifecycle };
  switch (lifecycle.phase) {
    case 'ok':
      return verdict.kind === 'breaching' ? pendingStep(settings, begin(settings, verdict), at) : { lifecycle };
    case 'pending':
      return verdict.kind === 'clear'
        ? { lifecycle: ok }
        : pendingStep(settings, follow(settings, lifecycle, verdict), at);
    case 'firing': {
      const firing = follow(settings, lifecycle, verdict);
      if (verdict.kind !== 'clear') return firingStep(settings, firing, verdict, at);
      return recoveringStep(settings, { ...firing, phase: 'recovering', ended: instant(at), endReason }, at);
    }
    case 'recovering': {
      if (verdict.kind !== 'breaching') return recoveringStep(settings, follow(settings, lifecycle, verdict), at);
      const { ended: _, endReason: __, ...occurrence } = lifecycle;
      return firingStep(settings, follow(settings, { ...occurrence, phase: 'firing' }, verdict), verdict, at);
    }
  }
}

function pendingStep(settings: LifecycleSettings, pending: Pending, at: Instant): Step {
  if (at.monotonicMs - pending.started.monotonicMs < settings.onDelayMs) return { lifecycle: pending };
  const severity = severityOf(settings, pending.peak);
  const firing: Firing = { ...pending, phase: 'firing', severity, toldMonotonicMs: at.monotonicMs };
  return { lifecycle: firing, told: { phase: 'firing', occurrence: firing } };
}

function firingStep(settings: LifecycleSettings, firing: Firing, verdict: Verdict, at: Instant): Step {
  const severity = verdict.kind === 'breaching' ? severityOf(settings, firing.peak) : firing.severity;
  const due = at.monotonicMs - firing.toldMonotonicMs >= settings.updateIntervalMs;
  if (severity === firing.severity && !due) return { lifecycle: firing };
  const updated: Firing = { ...firing, severity, toldMonotonicMs: at.monotonicMs };
  return { lifecycle: updated, told: { phase: 'updated', occurrence: updated } };
}

function recoveringStep(settings: LifecycleSettings, recovering: Recovering, at: Instant): Step {
  if (at.monotonicMs - recovering.ended.monotonicMs < settings.offDelayMs) return { lifecycle: recovering };
  return { lifecycle: ok, told: { phase: 'resolved', occurrence: recovering } };
}

function begin({ detector }: LifecycleSettings, verdict: Verdict & { kind: 'breaching' }): Pending {
  const { value, limit, reach, since } = verdict;
  return { phase: 'pending', started: instant(since), detector, limit, value, peak: peakOf(detector, value), reach };
}

/** The breach with what this reading adds. */
function follow<B extends Breach>({ detector }: LifecycleSettings, breach: B, verdict: Verdict): B {
  if (verdict.kind === 'unknown') return breach;
  const { value } = verdict;
  if (verdict.kind !== 'breaching') return { ...breach, value };
  const { limit, reach } = verdict;
  if (reach <= breach.reach) return { ...breach, detector, limit, value };
  return { ...breach, detector, limit, value, peak: peakOf(detector, value), reach };
}

/** A stuck value is not far from anything. */
function peakOf(detector: Detector, value: number | null): number | null {
  return detector.rule === 'stuck' ? null : value;
}

/**
 * By the furthest value of the whole breach: severity only rises while a breach lasts (a change of the configuration
 * aside), so that a value that dances around the edge of a tier does not move an incident up and down under the hands
 * of those who work on it.
 */
function severityOf({ detector, severity, tiers }: LifecycleSettings, peak: number | null): Severity {
  if (peak === null) return severity;
  let reached = severity;
  for (const tier of tiers) {
    if (detector.rule === 'lower' ? peak <= tier.from : peak >= tier.from) reached = tier.severity;
  }
  return reached;
}

/** The instant alone: what is passed may be a whole reading. */
function instant({ atMs, monotonicMs }: Instant): Instant {
  return { atMs, monotonicMs };
}
