import { type Breach, correlationIdOf, isCorrelationId, isHandlerRule, ruleIn } from './breach.ts';
import { groupBy } from './group-by.ts';
import { type AttachmentRow, type Incident, type IncidentRow, type JournalRow, readIncidents } from './incidents.ts';
import { match, type Occurrence, occurrencesIn, startOf } from './match.ts';
import { doubledAttachments, doubledNotes, orderViolations, type RecordFinding } from './record-checks.ts';

export interface AuditPolicy {
  /** How far a told time may be from the truth, ms. */
  toleranceMs: number;
  /** Rules that the truth covers; incidents of the others are judged by their own words alone. */
  judgedRules: readonly string[];
  /** The handler's own rules (device-silent, broker-silent, storm) that may have incidents. */
  handlerRules: readonly string[];
  /** Event time up to which everything must have been delivered, epoch ms; later things may be under way. */
  settledUntilMs: number;
  /** From the end of a breach to resolving its incident, event time. */
  quietMs: number;
  onRecovery: 'resolve' | 'note';
  /** Whether people may have worked on the incidents: resolved, closed or canceled some. */
  people: boolean;
  /** When a monitor lost its data directory: a breach that lasted may be told by a second occurrence in its incident. */
  monitorLossesMs: readonly number[];
}

export const strictPolicy: AuditPolicy = {
  toleranceMs: 0,
  judgedRules: ['upper', 'lower', 'no-data'],
  handlerRules: [],
  settledUntilMs: Number.POSITIVE_INFINITY,
  quietMs: 0,
  onRecovery: 'resolve',
  people: false,
  monitorLossesMs: [],
};

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

export interface WrongState {
  number: string;
  state: string;
  what: string;
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
  const judged = occurrences.filter(({ key }) => isJudged(key, breaches, policy));
  const unjudged = occurrences.filter((occurrence) => !judged.includes(occurrence));
  const { told, unmatched } = match(breaches, judged, policy.toleranceMs);
  const breachesOf = breachesByIncident(told);

  const untold = breaches.filter((breach) => told.get(breach)?.length === 0 && !breach.optional);
  const isDue = (breach: Breach) => breach.firedAtMs <= policy.settledUntilMs;
  const findings = {
    lost: untold.filter(isDue),
    duplicates: [
      ...[...told].flatMap(([breach, by]) => toldTwice(breach, by, policy)),
      ...[...unjudged, ...unmatched].flatMap(inSeveral),
      ...severalOpen(standing),
    ],
    wrongTimes: [...told].flatMap(([breach, by]) => wrongTimesOf(breach, by, policy)),
    wronglyOpen: standing.flatMap((incident) => wronglyOpen(incident, breachesOf.get(incident), policy)),
    wronglyResolved: standing.flatMap((incident) => wronglyResolved(incident, breachesOf.get(incident), policy)),
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
    policy.monitorLossesMs.some((lossMs) => lossMs > breach.startedAtMs && lossMs <= startOf(occurrence)),
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
    const lostWithin = policy.monitorLossesMs.some((lossMs) => lossMs > startedAtMs);
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

const isOpen = ({ state }: Incident) => state === 'New' || state === 'In Progress';

function wronglyOpen(incident: Incident, breaches: readonly Breach[] | undefined, policy: AuditPolicy): WrongState[] {
  if (!isOpen(incident) || policy.onRecovery === 'note') return [];
  const endedAtMs = overSince(incident, breaches);
  if (endedAtMs === undefined || endedAtMs + policy.quietMs > policy.settledUntilMs) return [];
  return [{ number: incident.row.number, state: incident.state, what: 'all its breaches are over' }];
}

function wronglyResolved(
  incident: Incident,
  breaches: readonly Breach[] | undefined,
  policy: AuditPolicy,
): WrongState[] {
  const { state, resolvedByUs, row } = incident;
  if ((state !== 'Resolved' && state !== 'Closed') || incident.told.size === 0) return [];
  if (policy.people && !resolvedByUs) return [];
  if (overSince(incident, breaches) === undefined) {
    return [{ number: row.number, state, what: 'a breach in it lasts' }];
  }
  if (state === 'Resolved' && !resolvedByUs) {
    return [{ number: row.number, state, what: 'its close notes do not say that the edge resolved it' }];
  }
  return [];
}

/** When the last of its breaches was over, epoch ms; undefined while one lasts. */
function overSince(incident: Incident, breaches: readonly Breach[] = []): number | undefined {
  if (incident.told.size === 0) return undefined;
  let latest = Number.NEGATIVE_INFINITY;
  for (const { endedAtMs, resolvedAtMs } of breaches) {
    if (endedAtMs === null) return undefined;
    latest = Math.max(latest, resolvedAtMs ?? endedAtMs);
  }
  if (breaches.length > 0) return latest;
  // Nothing is known of it but what it says itself.
  for (const told of incident.told.values()) {
    const end = told.endsMs.at(-1);
    if (end === undefined && told.key === incident.row.correlation_id) return undefined;
    latest = Math.max(latest, end ?? latest);
  }
  return latest;
}
