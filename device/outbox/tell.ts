import type { DestinationResult, IncidentDestination, IncidentRow, IncidentState } from '../incident/destination.ts';
import { isOpen, namesOccurrence } from '../incident/incident-row.ts';
import type { Occurrence } from '../incident/occurrence.ts';
import type { Released, Step } from '../incident/policy.ts';
import { messageOf } from '../platform/errors.ts';
import type { EntryKind } from './entry.ts';

/** What was told, for the log, the view and the counters. */
export type Told =
  | { kind: 'created' | 'joined' | 'reopened' | 'noted' | 'recovered' | 'resolved' | 'adopted'; number: string }
  | { kind: 'duplicate-canceled'; number: string; kept: string }
  | { kind: 'released'; number: string | undefined; why: Released }
  | { kind: 'charted'; number: string | undefined }
  | { kind: 'dead-letter'; reason: string };

/** What the end of a step changes in the store. */
export interface Outcome {
  occurrence: Occurrence | undefined;
  /** Whether the entry is done; else the key is looked up again for its next step. */
  finished: boolean;
  drop: readonly EntryKind[];
  add: readonly EntryKind[];
  told: Told | undefined;
}

/** Texts of incidents and notes; each note ends with its marker. Implemented by `incident/texts.ts`. */
export interface Texts {
  opening(
    occurrence: Occurrence,
    follows: { number: string; state: IncidentState } | undefined,
    held: readonly Occurrence[],
  ): { shortDescription: string; description: string; workNotes: string };
  again(occurrence: Occurrence, held: readonly Occurrence[], sequence: number): string;
  still(occurrence: Occurrence, held: readonly Occurrence[]): string;
  recovered(occurrence: Occurrence, onHold: boolean, held: readonly Occurrence[]): string;
  closing(occurrence: Occurrence): string;
  duplicate(occurrence: Occurrence, kept: string): string;
  collision(occurrence: Occurrence): string;
  chartName(occurrence: Occurrence, sequence: number): string;
}

export interface TellerDeps {
  destination: IncidentDestination;
  texts: Texts;
  closeCode: string;
  /** Draws the readings of a message as PNG, unless the signal is aborted; undefined where charts are off. */
  chart: ((occurrence: Occurrence, signal: AbortSignal) => Promise<Uint8Array>) | undefined;
  /** What storms hold, and what of it was listed: as it was then, for it may end meanwhile. */
  held: {
    heldUnlisted(stormId: string, limit: number): Occurrence[];
    markListed(listed: readonly Occurrence[]): void;
  };
}

/** Breaches that one note of a storm lists: a journal entry holds 4,000 characters. */
const heldPerNote = 25;

export type Teller = ReturnType<typeof createTeller>;

/** A write that was taken. */
export interface Written {
  row: IncidentRow;
  /** What a storm holds, as the note listed it. */
  listed: readonly Occurrence[];
}

const writing = ['create', 'join', 'reopen', 'note', 'recovery-note', 'resolve', 'cancel-duplicate'] as const;

/** Whether a step writes to the instance. */
export function isWrite(step: Step): step is Extract<Step, { do: (typeof writing)[number] }> {
  return writing.some((kind) => kind === step.do);
}

/** Carries steps of the policy out, and says what their ends change. */
export function createTeller({ destination, texts, closeCode, chart, held }: TellerDeps) {
  /** What a note lists of which nobody heard that it was taken is told as well: as it was then. */
  function markListedIn(row: IncidentRow, { id, message }: Occurrence): void {
    if (message.rule !== 'storm') return;
    const unlisted = held.heldUnlisted(id, Number.MAX_SAFE_INTEGER);
    held.markListed(unlisted.flatMap((one) => listedAs(one, row)));
  }

  function sequenceOf(kind: EntryKind, occurrence: Occurrence): number {
    const { firingSequence, sequence } = occurrence.message;
    return kind === 'open' || kind === 'chart' ? firingSequence : sequence;
  }

  async function write(step: Step, occurrence: Occurrence): Promise<DestinationResult<Written>> {
    const lists = occurrence.message.rule === 'storm' && step.do !== 'resolve' && step.do !== 'cancel-duplicate';
    const listed = lists ? held.heldUnlisted(occurrence.id, heldPerNote) : [];
    const sent = await send(step, occurrence, listed);
    return sent.ok ? { ok: true, value: { row: sent.value, listed } } : sent;
  }

  async function send(
    step: Step,
    occurrence: Occurrence,
    listed: readonly Occurrence[],
  ): Promise<DestinationResult<IncidentRow>> {
    const { message } = occurrence;
    switch (step.do) {
      case 'create':
        return destination.create({
          correlationId: occurrence.correlationId,
          openedBy: occurrence.id,
          ...texts.opening(occurrence, step.follows, listed),
          severity: message.severity,
          site: message.site,
          deviceId: message.deviceId,
          metric: message.metric,
          rule: message.rule,
        });
      case 'join':
        return destination.update(step.row.sysId, {
          workNotes: texts.again(occurrence, listed, message.firingSequence),
        });
      case 'reopen':
        return changeState(step.row, occurrence, isOpen, {
          state: 'in-progress',
          clearClose: true,
          workNotes: texts.again(occurrence, listed, againSequence(step.row, occurrence)),
        });
      case 'note':
        return destination.update(step.row.sysId, {
          workNotes: texts.still(occurrence, listed),
          ...(step.severity === undefined ? {} : { severity: step.severity }),
        });
      case 'recovery-note':
        return destination.update(step.row.sysId, {
          workNotes: texts.recovered(occurrence, step.row.state === 'on-hold', listed),
        });
      case 'resolve':
        return changeState(step.row, occurrence, (row) => row.state === 'resolved' || row.state === 'closed', {
          state: 'resolved',
          closeCode,
          closeNotes: texts.closing(occurrence),
        });
      case 'cancel-duplicate':
        return changeState(step.row, occurrence, (row) => row.state === 'canceled' || row.state === 'closed', {
          state: 'canceled',
          workNotes: texts.duplicate(occurrence, step.kept.number),
        });
      default:
        throw new Error(`${step.do} does not write`);
    }
  }

  /** A breach that the incident names already came back to it, so its note carries the sequence that is told now. */
  function againSequence(row: IncidentRow, { id, message }: Occurrence): number {
    return namesOccurrence(row, id) ? message.sequence : message.firingSequence;
  }

  /**
   * The row was read right before; a person may have written in between all the same. That shows in the count of
   * modifications, and is noted so that they see what happened. An instance may also take a write and undo its state.
   */
  async function changeState(
    row: IncidentRow,
    occurrence: Occurrence,
    isReached: (row: IncidentRow) => boolean,
    change: Parameters<IncidentDestination['update']>[1],
  ): Promise<DestinationResult<IncidentRow>> {
    const result = await destination.update(row.sysId, change);
    if (!result.ok) return result;
    if (!isReached(result.value)) {
      const message = `${row.number} took the write but stays ${result.value.state} instead of ${change.state}: look for a business rule or a right on the field state that undoes it, then redrive.`;
      return { ok: false, kind: 'refused-record', message };
    }
    if (result.value.modCount <= row.modCount + 1) return result;
    const noted = await destination.update(row.sysId, { workNotes: texts.collision(occurrence) });
    return noted.ok ? noted : result;
  }

  return {
    sequenceOf,
    write,

    /**
     * Attaches the chart unless the incident has it. `begin` is called before anything is written; one that cannot be drawn
     * is refused. Put off, and nothing written, where `signal` is aborted before it is drawn, or where it `mayBeAttached`, by
     * an attempt whose end is not known, and the incident is not to be seen either.
     */
    async chart(
      kind: EntryKind,
      occurrence: Occurrence,
      {
        begin,
        signal,
        mayBeAttached,
      }: { begin: () => void | Promise<void>; signal: AbortSignal; mayBeAttached: boolean },
    ): Promise<DestinationResult<'attached' | 'not wanted' | 'put off'>> {
      const { incident, message } = occurrence;
      if (chart === undefined || incident === null || message.window.length < 2)
        return { ok: true, value: 'not wanted' };
      const name = texts.chartName(occurrence, sequenceOf(kind, occurrence));
      const names = await destination.attachmentNames(incident.sysId);
      if (!names.ok) return names;
      if (names.value.includes(name)) return { ok: true, value: 'not wanted' };
      // A user who may not read any more is shown no attachment either.
      if (mayBeAttached && names.value.length === 0) {
        const shown = await destination.find({ correlationIds: [], sysIds: [incident.sysId], limit: 1 });
        if (!shown.ok) return shown;
        if (shown.value.rows.length === 0) return { ok: true, value: 'put off' };
      }
      if (signal.aborted) return { ok: true, value: 'put off' };
      const drawn = await chart(occurrence, signal).catch(messageOf);
      if (signal.aborted) return { ok: true, value: 'put off' };
      // It would fail the same way each time, and what is told next must not wait for an extra.
      if (typeof drawn === 'string') return { ok: false, kind: 'refused-record', message: drawn };
      await begin();
      const sent = await destination.attach(incident.sysId, { name, contentType: 'image/png', bytes: drawn });
      return sent.ok ? { ok: true, value: 'attached' } : sent;
    },

    /** `sent` is the breach as it was told, `latest` as it is now; `written` is what the write came to, for a step that writes. */
    outcome(step: Step, sent: Occurrence, latest: Occurrence, written: Written | undefined): Outcome {
      const row = written?.row;
      held.markListed(written?.listed ?? []);
      const none: Outcome = { occurrence: undefined, finished: true, drop: [], add: [], told: undefined };
      const told: Occurrence = {
        ...latest,
        toldSeverity: sent.message.severity,
        notedAtMs: Date.parse(sent.message.at),
        updatesSinceNote: 0,
      };
      const moved = latest.phase === 'firing' && latest.message.severity !== sent.message.severity;
      const add: EntryKind[] = moved ? ['update'] : [];
      switch (step.do) {
        case 'create':
        case 'join':
        case 'reopen': {
          if (row === undefined) return none;
          const occurrence: Occurrence = {
            ...told,
            place: 'attached',
            incident: { sysId: row.sysId, number: row.number },
          };
          const kind = step.do === 'create' ? 'created' : step.do === 'join' ? 'joined' : 'reopened';
          return { ...none, occurrence, add, told: { kind, number: row.number } };
        }
        case 'adopt': {
          markListedIn(step.row, latest);
          const occurrence: Occurrence = {
            ...told,
            toldSeverity: namesOccurrence(step.row, latest.id) ? (latest.toldSeverity ?? sent.message.severity) : null,
            place: 'attached',
            incident: { sysId: step.row.sysId, number: step.row.number },
          };
          return { ...none, occurrence, add, told: { kind: 'adopted', number: step.row.number } };
        }
        case 'note':
          return { ...none, occurrence: told, add, told: { kind: 'noted', number: step.row.number } };
        case 'recovery-note':
          return { ...none, occurrence: told, told: { kind: 'recovered', number: step.row.number } };
        case 'resolve':
          return { ...none, told: { kind: 'resolved', number: step.row.number } };
        case 'cancel-duplicate':
          return {
            ...none,
            finished: false,
            told: { kind: 'duplicate-canceled', number: step.row.number, kept: step.kept.number },
          };
        case 'release': {
          if (step.row !== undefined) markListedIn(step.row, latest);
          const incident =
            step.row === undefined ? latest.incident : { sysId: step.row.sysId, number: step.row.number };
          const occurrence: Occurrence = { ...latest, place: 'released', incident };
          return {
            ...none,
            occurrence,
            drop: ['chart', 'update'],
            told: { kind: 'released', number: incident?.number, why: step.why },
          };
        }
        case 'hold-back':
          return { ...none, finished: false };
        case 'nothing':
          return none;
      }
    },
  };
}

/** A breach as the latest note of a storm lists it (notes are newest first). */
function listedAs(one: Occurrence, { workNotes }: IncidentRow): Occurrence[] {
  const [, startedAt, end] = new RegExp(`^breach ${one.id} start=(\\S+) end=(\\S+) `, 'm').exec(workNotes) ?? [];
  if (startedAt === undefined) return [];
  return [{ ...one, phase: end === '-' ? 'firing' : 'ended', message: { ...one.message, startedAt } }];
}
