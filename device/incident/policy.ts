import type { IncidentRow } from './destination.ts';
import { isOpen, isResolvedByUs, lastEndMs, namesOccurrence } from './incident-row.ts';
import type { Occurrence } from './occurrence.ts';

/** What is to be told: the kind of an outbox entry. `chart` is decided by the relay from the attachment names. */
export type Wanted = 'open' | 'update' | 'recover' | 'resolve';

export interface Situation {
  wanted: Wanted;
  occurrence: Occurrence;
  /** Sequence that the note would carry. */
  sequence: number;
  /** Rows of the key as just looked up and compared. */
  rows: readonly IncidentRow[];
  reopenWindowMs: number;
  onRecovery: 'resolve' | 'note';
}

export type Released = 'resolved by a person' | 'closed' | 'canceled' | 'deleted';

/**
 * What to do next for one entry. Every step that writes is written once: its marker is looked for first.
 *
 * | wanted  | none / deleted | New, In Progress | On Hold   | Resolved by us    | Resolved by a person | Closed, Canceled |
 * |---------|----------------|------------------|-----------|-------------------|----------------------|------------------|
 * | open    | create         | join             | join      | reopen or create  | reopen or create     | create, naming it|
 * | update  | release        | note             | note      | reopen            | release              | release          |
 * | recover | nothing        | note             | note      | note              | note                 | nothing          |
 * | resolve | nothing        | resolve          | nothing   | nothing           | nothing              | nothing          |
 *
 * `open` looks first for a row that already names the breach: it is adopted (a create whose answer was lost), or
 * released where people have ended it. Reassignment changes nothing: only our own fields are written.
 *
 * Under a silence that holds the breach back, what the table would write while it fires is held back: it is decided again
 * when the silence has ended. Of a breach that is recorded only, an incident that names it all the same is adopted, and
 * nothing else is opened.
 */
export type Step =
  | { do: 'create'; follows: { number: string; state: IncidentRow['state'] } | undefined }
  | { do: 'adopt'; row: IncidentRow }
  | { do: 'join'; row: IncidentRow }
  | { do: 'reopen'; row: IncidentRow }
  | { do: 'note'; row: IncidentRow; severity: Occurrence['message']['severity'] | undefined }
  | { do: 'recovery-note'; row: IncidentRow }
  | { do: 'resolve'; row: IncidentRow }
  | { do: 'cancel-duplicate'; row: IncidentRow; kept: IncidentRow }
  | { do: 'release'; why: Released; row: IncidentRow | undefined }
  | { do: 'hold-back' }
  | { do: 'nothing'; why: 'told already' | 'no incident' | 'left as people left it' | 'notes only' | 'recorded only' };

export function decide(situation: Situation): Step {
  const duplicate = duplicateOf(situation);
  if (duplicate !== undefined) return duplicate;
  const step = unsilenced(situation);
  if (!tellsThatItFires(step)) return step;
  const { place, phase, silence } = situation.occurrence;
  if (place === 'recorded') return { do: 'nothing', why: 'recorded only' };
  return silence === 'holds' && phase === 'firing' ? { do: 'hold-back' } : step;
}

function tellsThatItFires({ do: what }: Step): boolean {
  return what === 'create' || what === 'join' || what === 'reopen' || what === 'note';
}

function unsilenced(situation: Situation): Step {
  switch (situation.wanted) {
    case 'open':
      return decideOpen(situation);
    case 'update':
      return decideUpdate(situation);
    case 'recover':
      return decideRecover(situation);
    case 'resolve':
      return decideResolve(situation);
  }
}

/** Oldest first by creation, then sys_id: the order in which one of several rows is kept. */
function byAge(a: IncidentRow, b: IncidentRow): number {
  return a.createdAtMs - b.createdAtMs || (a.sysId < b.sysId ? -1 : a.sysId > b.sysId ? 1 : 0);
}

/** Rows that carry this breach and were not canceled; more than one is a double that has to be repaired. */
function carriers({ rows, occurrence }: Situation): IncidentRow[] {
  return rows.filter((row) => row.state !== 'canceled' && namesOccurrence(row, occurrence.id)).sort(byAge);
}

function duplicateOf(situation: Situation): Step | undefined {
  const [kept, ...others] = carriers(situation);
  const double = others.find((row) => row.state !== 'closed');
  return kept === undefined || double === undefined ? undefined : { do: 'cancel-duplicate', row: double, kept };
}

/** A double that was canceled says nothing of its key: the incident that was kept does. */
function isRepaired({ state, openedBy }: IncidentRow, rows: readonly IncidentRow[]): boolean {
  if (state !== 'canceled' || openedBy === '') return false;
  return rows.some((row) => row.state !== 'canceled' && namesOccurrence(row, openedBy));
}

/** The incident that this breach is in: the row that names it, else the one that the store knows. */
function rowOf(situation: Situation): IncidentRow | undefined {
  const [carrier] = carriers(situation);
  if (carrier !== undefined) return carrier;
  const { rows, occurrence } = situation;
  return (
    rows.find((row) => namesOccurrence(row, occurrence.id)) ??
    rows.find((row) => row.sysId === occurrence.incident?.sysId)
  );
}

function decideOpen(situation: Situation): Step {
  const { rows, occurrence, reopenWindowMs } = situation;
  const named = rowOf(situation);
  if (named !== undefined) {
    if (isOpen(named) || occurrence.phase === 'ended') return { do: 'adopt', row: named };
    if (isResolvedByUs(named)) return { do: 'reopen', row: named };
    return { do: 'release', why: endedBy(named), row: named };
  }
  const open = rows.filter(isOpen).sort(byAge)[0];
  if (open !== undefined) return { do: 'join', row: open };

  const latest = rows
    .filter((row) => !isRepaired(row, rows))
    .sort(byAge)
    .at(-1);
  if (latest === undefined) return { do: 'create', follows: undefined };
  if (latest.state === 'resolved') {
    const endedAtMs = lastEndMs(latest) ?? latest.updatedAtMs;
    const startedAtMs = Date.parse(occurrence.message.startedAt);
    if (startedAtMs - endedAtMs <= reopenWindowMs) return { do: 'reopen', row: latest };
  }
  return { do: 'create', follows: { number: latest.number, state: latest.state } };
}

function decideUpdate(situation: Situation): Step {
  const row = rowOf(situation);
  if (row === undefined) return { do: 'release', why: 'deleted', row: undefined };
  if (isTold(row, situation)) return { do: 'nothing', why: 'told already' };
  // A storm goes on listing what it held after its end.
  if (situation.occurrence.phase === 'ended') return recoveryNote(row, situation);
  if (isResolvedByUs(row)) return { do: 'reopen', row };
  if (!isOpen(row)) return { do: 'release', why: endedBy(row), row };
  const { message, toldSeverity } = situation.occurrence;
  const changed = toldSeverity !== null && message.severity !== toldSeverity && row.state !== 'on-hold';
  return { do: 'note', row, severity: changed ? message.severity : undefined };
}

function decideRecover(situation: Situation): Step {
  const row = rowOf(situation);
  if (row === undefined) {
    return isStorm(situation) ? { do: 'release', why: 'deleted', row } : { do: 'nothing', why: 'no incident' };
  }
  if (isTold(row, situation)) return { do: 'nothing', why: 'told already' };
  return recoveryNote(row, situation);
}

/** What a storm has not listed by then is told elsewhere once it is released. */
function recoveryNote(row: IncidentRow, situation: Situation): Step {
  if (row.state === 'closed' || row.state === 'canceled') {
    return isStorm(situation)
      ? { do: 'release', why: endedBy(row), row }
      : { do: 'nothing', why: 'left as people left it' };
  }
  return { do: 'recovery-note', row };
}

function decideResolve(situation: Situation): Step {
  const row = rowOf(situation);
  if (row === undefined) return { do: 'nothing', why: 'no incident' };
  if (situation.onRecovery === 'note') return { do: 'nothing', why: 'notes only' };
  if (row.state !== 'new' && row.state !== 'in-progress') return { do: 'nothing', why: 'left as people left it' };
  return { do: 'resolve', row };
}

function isStorm({ occurrence }: Situation): boolean {
  return occurrence.message.rule === 'storm';
}

function isTold(row: IncidentRow, { occurrence, sequence }: Situation): boolean {
  return row.workNotes.includes(`[${occurrence.id}:${sequence}]`);
}

function endedBy(row: IncidentRow): Released {
  return row.state === 'closed' ? 'closed' : row.state === 'canceled' ? 'canceled' : 'resolved by a person';
}
