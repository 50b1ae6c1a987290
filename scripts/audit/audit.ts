import { type Breach, correlationIdOf, isCorrelationId, isHandlerRule, ruleIn } from './breach.ts';
import { continuedBy, isCarriedOver, isPast } from './carried-over.ts';
import { groupBy } from './group-by.ts';
import { type AttachmentRow, type Incident, type IncidentRow, type JournalRow, readIncidents } from './incidents.ts';
import { match, type Occurrence, occurrencesIn, startOf } from './match.ts';
import type { AuditPolicy } from './policy.ts';
import { doubledAttachments, doubledNotes, orderViolations, type RecordFinding } from './record-checks.ts';
import { isOpen, type WrongState, wronglyOpen, wronglyResolved } from './state-checks.ts';

export { type AuditPolicy, strictPolicy } from './policy.ts';

export interface AuditInput {
  breaches: readonly Breach[];
  rows: readonly IncidentRow[];
  journal: readonly JournalRow[];
  attachments: readonly AttachmentRow[];
  policy: AuditPolicy;
}

/** Told more than once: a breach, or a key with two open incidents. */
export interface Duplicate {
  key: string;
  startedAtMs: number | null;
  numbers: readonly string[];
  what: string;
}

export interface WrongTimes {
  breach: Breach;
  numbers: readonly string[];
  startsMs: readonly number[];
  endsMs: readonly number[];
}

export interface AuditResult {
  ok: boolean;
  lost: readonly Breach[];
  duplicates: readonly Duplicate[];
  wrongTimes: readonly WrongTimes[];
  wronglyOpen: readonly WrongState[];
  wronglyResolved: readonly WrongState[];
  withoutBreach: readonly { numbers: readonly string[]; key: string; occurrenceId: string | null }[];
  doubledNotes: readonly RecordFinding[];
  doubledAttachments: readonly RecordFinding[];
  orderViolations: readonly RecordFinding[];
  /** Too late to be demanded yet: no finding. */
  underway: readonly Breach[];
  summary: { breaches: number; incidents: number; occurrences: number; findings: number };
}

/**
 * Compares what truly happened with what the instance's incidents say: every breach in exactly one of them, with its
 * true times, resolved if and only if it is over; nothing else, and nothing written twice.
 */
export function audit({ breaches, rows, journal, attachments, policy }: AuditInput): AuditResult {
  const incidents = readIncidents(rows, journal, attachments).filter(
    ({ row, told }) => isCorrelationId(row.correlation_id) || told.size > 0,
  );
  const standing = incidents.filter((incident) => stands(incident, policy));
  const occurrences = occurrencesIn(standing);
  const carried = occurrences.filter((occurrence) => isCarriedOver(occurrence, breaches, policy));
  const recent = occurrences.filter((occurrence) => !carried.includes(occurrence));
  const judged = recent.filter(({ key }) => isJudged(key, breaches, policy));
  const unjudged = recent.filter((occurrence) => !judged.includes(occurrence));
  const { told, unmatched } = match(breaches, judged, policy.toleranceMs);
  const breachesOf = breachesByIncident(told);

  const continued = continuedBy(carried, breaches);
  const untold = breaches.filter(
    (breach) => told.get(breach)?.length === 0 && !breach.optional && !continued.has(breach),
  );
  const current = standing.filter((incident) => !isPast(incident, carried));
  const isDue = (breach: Breach) => breach.firedAtMs <= policy.settledUntilMs;
  const findings = {
    lost: untold.filter(isDue),
    duplicates: [
      ...[...told].flatMap(([breach, by]) => toldTwice(breach, by, policy)),
      ...[...unjudged, ...unmatched, ...carried].flatMap(inSeveral),
      ...severalOpen(standing),
    ],
    wrongTimes: [...told].flatMap(([breach, by]) => wrongTimesOf(breach, by, policy)),
    wronglyOpen: current.flatMap((incident) => wronglyOpen(incident, breachesOf.get(incident), policy)),
    wronglyResolved: current.flatMap((incident) => wronglyResolved(incident, breachesOf.get(incident), policy)),
    withoutBreach: [
      ...[...unmatched, ...unjudged.filter(({ key }) => isForbidden(key, policy))].map((occurrence) => ({
        numbers: numbersOf(occurrence),
        key: occurrence.key,
        occurrenceId: occurrence.id,
      })),
      ...standing
        .filter((incident) => incident.told.size === 0)
        .map(({ row }) => ({ numbers: [row.number], key: row.correlation_id, occurrenceId: null })),
    ],
    doubledNotes: standing.flatMap(doubledNotes),
    doubledAttachments: standing.flatMap(doubledAttachments),
    orderViolations: standing.flatMap(orderViolations),
  };
  const count = Object.values(findings).reduce((sum, list) => sum + list.length, 0);
  return {
    ok: count === 0,
    ...findings,
    underway: untold.filter((breach) => !isDue(breach)),
    summary: {
      breaches: breaches.length,
      incidents: standing.length,
      occurrences: occurrences.length,
      findings: count,
    },
  };
}

/** A canceled incident tells of nothing, unless a person canceled it. */
function stands({ state, repairedDuplicate }: Incident, { people }: AuditPolicy): boolean {
  return state !== 'Canceled' || (people && !repairedDuplicate);
}

function isJudged(key: string, breaches: readonly Breach[], { judgedRules }: AuditPolicy): boolean {
  const rule = ruleIn(key);
  if (rule === undefined) return true;
  return judgedRules.includes(rule) || breaches.some((breach) => correlationIdOf(breach) === key);
}

function isForbidden(key: string, { handlerRules }: AuditPolicy): boolean {
  const rule = ruleIn(key);
  return rule !== undefined && isHandlerRule(rule) && !handlerRules.includes(rule);
}

function breachesByIncident(told: ReadonlyMap<Breach, readonly Occurrence[]>): Map<Incident, Breach[]> {
  const byIncident = new Map<Incident, Breach[]>();
  for (const [breach, occurrences] of told) {
    for (const incident of new Set(occurrences.flatMap((occurrence) => occurrence.incidents))) {
      byIncident.set(incident, [...(byIncident.get(incident) ?? []), breach]);
    }
  }
  return byIncident;
}

function numbersOf(...occurrences: readonly Occurrence[]): string[] {
  return [...new Set(occurrences.flatMap(({ incidents }) => incidents.map(({ row }) => row.number)))];
}

function toldTwice(breach: Breach, occurrences: readonly Occurrence[], policy: AuditPolicy): Duplicate[] {
  const numbers = numbersOf(...occurrences);
  const found = { key: correlationIdOf(breach), startedAtMs: breach.startedAtMs, numbers };
  if (numbers.length > 1) return [{ ...found, what: 'one breach, several incidents' }];
  const [, ...further] = occurrences;
  const explained = further.every((occurrence) =>
    policy.monitorLossesMs.some((lossMs) => lossMs >= breach.startedAtMs && lossMs <= startOf(occurrence)),
  );
  return explained ? [] : [{ ...found, what: 'one breach told as several' }];
}

function inSeveral(occurrence: Occurrence): Duplicate[] {
  const numbers = numbersOf(occurrence);
  if (numbers.length < 2) return [];
  const startedAtMs = occurrence.startsMs[0] ?? null;
  return [{ key: occurrence.key, startedAtMs, numbers, what: 'one breach, several incidents' }];
}

/** A new breach joins the open incident of its key. */
function severalOpen(incidents: readonly Incident[]): Duplicate[] {
  const open = incidents.filter((incident) => isOpen(incident) || incident.state === 'On Hold');
  return [...groupBy(open, ({ row }) => row.correlation_id)].flatMap(([key, group]) => {
    const numbers = group.map(({ row }) => row.number);
    return numbers.length < 2
      ? []
      : [{ key, startedAtMs: null, numbers, what: 'several incidents of one key are open' }];
  });
}

function wrongTimesOf(breach: Breach, occurrences: readonly Occurrence[], policy: AuditPolicy): WrongTimes[] {
  if (breach.untimed === true) return [];
  const first = occurrences[0];
  const last = occurrences.at(-1);
  if (first === undefined || last === undefined) return [];
  const near = (told: number, truth: number) => Math.abs(told - truth) <= policy.toleranceMs;
  const starts = breach.clockWasWrong ? first.startsMs.slice(-1) : first.startsMs;
  const startsRight = starts.length > 0 && starts.every((start) => near(start, breach.startedAtMs));
  return startsRight && endRight(breach, last, near, policy)
    ? []
    : [{ breach, numbers: numbersOf(first, last), startsMs: first.startsMs, endsMs: last.endsMs }];
}

function endRight(
  breach: Breach,
  told: Occurrence,
  near: (told: number, truth: number) => boolean,
  policy: AuditPolicy,
): boolean {
  const { startedAtMs, endedAtMs, resolvedAtMs } = breach;
  if (endedAtMs === null) return told.endsMs.length === 0;
  if (told.endsMs.length > 0) {
    const lossesMs = [...policy.monitorLossesMs, ...policy.handlerLossesMs];
    const lostWithin = lossesMs.some((lossMs) => lossMs > startedAtMs);
    return (told.endUnknown && lostWithin) || told.endsMs.every((end) => near(end, endedAtMs));
  }
  const notDue = resolvedAtMs === null || resolvedAtMs > policy.settledUntilMs;
  return notDue || told.incidents.every((incident) => isStorm(incident) || endedByPeople(incident, policy));
}

/** A storm lists what it holds once; it ends when all of it has ended. */
function isStorm({ row }: Incident): boolean {
  return ruleIn(row.correlation_id) === 'storm';
}

/** What people have closed or canceled is told nothing more. */
function endedByPeople({ state }: Incident, { people }: AuditPolicy): boolean {
  return people && (state === 'Closed' || state === 'Canceled');
}
