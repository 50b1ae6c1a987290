import { z } from 'zod';
import { type AnomalyMessage, anomalyMessage, severities } from '../../device/anomaly/anomaly.ts';
import type { Occurrence } from '../../device/incident/occurrence.ts';

/**
 * What the opener knows of one key (site, device, metric, rule), and what it has still to tell ServiceNow about it.
 *
 * | an occurrence is | until                                                                       |
 * |------------------|-----------------------------------------------------------------------------|
 * | firing           | its `resolved` comes, or another installation speaks for the key            |
 * | ended            | all is told: then it is `over`, remembered by its id                        |
 *
 * | an entry is      | until                                                                       |
 * |------------------|-----------------------------------------------------------------------------|
 * | waiting          | it is the first that is due, and its attempt is stored                      |
 * | attempted        | its end is known; where it is not, until `settlesAtMs` and another look-up  |
 * | dead             | a person redrives it: the instance refuses the record, what follows waits   |
 *
 * Messages come in any order. What is newer is said by (occurrence, phase, sequence): a lower sequence of an occurrence
 * than the known one changes nothing, and nothing follows its `resolved`.
 */
const occurrence = z.object({
  id: z.string(),
  correlationId: z.string(),
  phase: z.enum(['firing', 'ended']),
  place: z.enum(['wanted', 'attached', 'released', 'held', 'recorded']),
  incident: z.object({ sysId: z.string(), number: z.string() }).nullable(),
  message: anomalyMessage,
  toldSeverity: z.enum(severities).nullable(),
  notedAtMs: z.number(),
  updatesSinceNote: z.number(),
  heldBy: z.string().nullable(),
  silence: z.enum(['none', 'holds', 'lifted']),
}) satisfies z.ZodType<Occurrence>;

const entry = z.object({
  id: z.number(),
  occurrenceId: z.string(),
  kind: z.enum(['open', 'update', 'recover', 'resolve']),
  /** Not told before, epoch ms; the end of the quiet period. */
  dueAtMs: z.number(),
  /** When it came up, epoch ms. */
  madeAtMs: z.number(),
  /** Whether its incident has been counted among the new ones of an hour: it is once, however often it is tried. */
  isCounted: z.boolean(),
  /** Why the instance refuses it; null while it does not. */
  dead: z.string().nullable(),
});
export type Entry = z.infer<typeof entry>;

export const keyState = z.object({
  correlationId: z.string(),
  installation: z.object({ id: z.string(), createdAtMs: z.number() }),
  occurrences: z.array(occurrence),
  /** The latest of which all is told. */
  over: z.array(z.object({ id: z.string(), firingSequence: z.number() })),
  /** Occurrences that fired with this sequence or a lower one, and are not known, are over for longer than is remembered. */
  forgottenSequence: z.number(),
  entries: z.array(entry),
  nextEntryId: z.number(),
  /**
   * An attempt that was sent, or may have been; nothing is written for the key before `settlesAtMs` (epoch ms). Its id is
   * the version of the row that first held it: whoever made it ends it, and nobody else's.
   */
  attempt: z.object({ id: z.number(), entryId: z.number(), settlesAtMs: z.number() }).nullable(),
  /** The latest breach that the edge opens, since the key is known here; null where there was none. */
  atEdge: z.object({ firingSequence: z.number(), lasts: z.boolean() }).nullable(),
  /** In a row; each puts `notBeforeMs` further off. */
  failures: z.number(),
  notBeforeMs: z.number(),
});
export type KeyState = z.infer<typeof keyState>;

/** Read whenever it is needed; named as in the configuration of the device's handler. */
export interface AcceptPolicy {
  quietMs: number;
  noteIntervalMs: number;
  onRecovery: 'resolve' | 'note';
}

export interface Accepted {
  /**
   * `recorded`: the edge opens incidents for this device. `older-installation`: the data directory that said it was
   * replaced by another.
   */
  outcome: 'accepted' | 'duplicate' | 'recorded' | 'older-installation';
  /** Undefined where nothing is known of the key, nor needs to be. */
  state: KeyState | undefined;
}

const mostOver = 50;

/** What an anomaly changes of its key. Pure: the same message again is a `duplicate`, and changes nothing. */
export function accept(
  known: KeyState | undefined,
  correlationId: string,
  message: AnomalyMessage,
  policy: AcceptPolicy,
  nowMs: number,
): Accepted {
  const isCloud = message.opener === 'cloud';
  if (known === undefined && !isCloud) return { outcome: 'recorded', state: undefined };
  const offered = { id: message.installationId, createdAtMs: Date.parse(message.installationCreatedAt) };
  const before = known ?? emptyState(correlationId, offered);
  if (offered.id !== before.installation.id && !isNewer(offered, before.installation)) {
    return { outcome: 'older-installation', state: known };
  }
  const moved = offered.id === before.installation.id ? before : supersede(before, offered);
  const state = { ...moved, installation: offered };
  const told = state.occurrences.find(({ id }) => id === message.id);
  if (told === undefined) {
    const isOver = state.over.some(({ id }) => id === message.id);
    if (isOver || message.firingSequence <= state.forgottenSequence) return { outcome: 'duplicate', state: known };
    if (!isCloud) return { outcome: 'recorded', state: heardOfEdge(state, message) };
    const fired = fire(state, message, nowMs);
    return {
      outcome: 'accepted',
      state: retire(message.phase === 'resolved' ? end(fired, message, policy, nowMs) : fired),
    };
  }
  if (message.sequence <= told.message.sequence || told.message.phase === 'resolved') {
    return { outcome: 'duplicate', state: known };
  }
  const next =
    message.phase === 'resolved' ? end(state, message, policy, nowMs) : update(state, told, message, policy, nowMs);
  return { outcome: 'accepted', state: retire(next) };
}

function emptyState(correlationId: string, installation: KeyState['installation']): KeyState {
  return {
    ...{ correlationId, installation, occurrences: [], over: [], forgottenSequence: 0 },
    ...{ entries: [], nextEntryId: 1, attempt: null, atEdge: null, failures: 0, notBeforeMs: 0 },
  };
}

/** By creation time; of two of the same time by id. The rule of the handler at the edge. */
function isNewer(a: KeyState['installation'], b: KeyState['installation']): boolean {
  return a.createdAtMs > b.createdAtMs || (a.createdAtMs === b.createdAtMs && a.id > b.id);
}

/** Sequences begin anew, and what fires goes on under another id: it ends here without a word. */
function supersede(state: KeyState, installation: KeyState['installation']): KeyState {
  const firing = state.occurrences.filter(({ phase }) => phase === 'firing').map(({ id }) => id);
  return {
    ...state,
    installation,
    occurrences: state.occurrences.map((one) => (one.phase === 'firing' ? { ...one, phase: 'ended' as const } : one)),
    entries: state.entries.filter(
      ({ id, occurrenceId, kind }) =>
        !firing.includes(occurrenceId) || id === state.attempt?.entryId || kind === 'recover',
    ),
    over: [],
    forgottenSequence: 0,
    atEdge: null,
  };
}

/** The first sequence of the latest breach that is known of this installation. */
function latestSequence({ occurrences, over, installation, forgottenSequence }: KeyState): number {
  const own = occurrences.filter(({ message }) => message.installationId === installation.id);
  return Math.max(
    forgottenSequence,
    ...over.map(({ firingSequence }) => firingSequence),
    ...own.map(({ message }) => message.firingSequence),
  );
}

/** Whether a breach that the edge opens is the latest of the key and lasts: the edge ends the incident then. */
function goesOnAtEdge(state: KeyState): boolean {
  return state.atEdge?.lasts === true && state.atEdge.firingSequence > latestSequence(state);
}

/** A breach that the edge opens goes on in the incident that waits for its end here; one that was before it does not. */
function heardOfEdge(state: KeyState, { firingSequence, phase }: AnomalyMessage): KeyState {
  const known = state.atEdge;
  if (known !== null && firingSequence < known.firingSequence) return retire(state);
  const isKnownToEnd = known?.firingSequence === firingSequence && !known.lasts;
  const heard = { ...state, atEdge: { firingSequence, lasts: phase !== 'resolved' && !isKnownToEnd } };
  return retire(goesOnAtEdge(heard) ? withoutKind(heard, 'resolve') : heard);
}

/** What people ended while it lasted stays with them, also where its device goes on under another installation. */
function placeOf(state: KeyState, message: AnomalyMessage): Pick<Occurrence, 'place' | 'incident'> {
  const superseded = state.occurrences.find(
    (one) => one.message.installationId !== message.installationId && one.message.phase !== 'resolved',
  );
  return superseded?.place === 'released'
    ? { place: 'released', incident: superseded.incident }
    : { place: 'wanted', incident: null };
}

function fire(state: KeyState, message: AnomalyMessage, nowMs: number): KeyState {
  const placed = placeOf(state, message);
  const fired: Occurrence = {
    ...{ id: message.id, correlationId: state.correlationId, phase: 'firing', ...placed, message: stored(message) },
    ...{ toldSeverity: null, notedAtMs: Date.parse(message.at), updatesSinceNote: 0, heldBy: null, silence: 'none' },
  };
  // Inside the quiet period it goes on in the same incident.
  const going = withoutKind(state, 'resolve');
  const next = { ...going, occurrences: [...going.occurrences, fired] };
  return placed.place === 'wanted' ? withEntry(next, fired.id, 'open', nowMs) : next;
}

function update(
  state: KeyState,
  told: Occurrence,
  message: AnomalyMessage,
  policy: AcceptPolicy,
  nowMs: number,
): KeyState {
  const next = put(state, { ...told, message: stored(message), updatesSinceNote: told.updatesSinceNote + 1 });
  if (told.place !== 'attached') return next;
  const changed = told.toldSeverity !== null && told.toldSeverity !== message.severity;
  const isTime = Date.parse(message.at) - told.notedAtMs >= policy.noteIntervalMs;
  return changed || isTime ? withEntry(next, told.id, 'update', nowMs) : next;
}

function end(state: KeyState, message: AnomalyMessage, policy: AcceptPolicy, nowMs: number): KeyState {
  const told = state.occurrences.find(({ id }) => id === message.id);
  if (told === undefined) return state;
  const ended = put(state, { ...told, phase: 'ended', message: stored(message) });
  const waiting = {
    ...ended,
    entries: ended.entries.filter(
      ({ id, occurrenceId, kind }) => !(occurrenceId === told.id && kind === 'update') || id === state.attempt?.entryId,
    ),
  };
  const recovering = withEntry(waiting, told.id, 'recover', nowMs);
  // Another breach of the key lasts, and with it the incident: its end resolves it.
  const lasts = ended.occurrences.some(({ phase }) => phase === 'firing') || goesOnAtEdge(ended);
  if (policy.onRecovery === 'note' || lasts) return recovering;
  const endedAtMs = message.clockSynchronised ? Date.parse(message.at) : nowMs;
  return withEntry(recovering, told.id, 'resolve', nowMs, endedAtMs + policy.quietMs);
}

/** Without its readings, which no text uses. */
function stored(message: AnomalyMessage): AnomalyMessage {
  return { ...message, window: [] };
}

export function put(state: KeyState, occurrence: Occurrence): KeyState {
  return { ...state, occurrences: state.occurrences.map((one) => (one.id === occurrence.id ? occurrence : one)) };
}

/** Nothing where the breach has an entry of this kind. */
export function withEntry(
  state: KeyState,
  occurrenceId: string,
  kind: Entry['kind'],
  madeAtMs: number,
  dueAtMs = 0,
): KeyState {
  if (state.entries.some((one) => one.occurrenceId === occurrenceId && one.kind === kind)) return state;
  return {
    ...state,
    entries: [
      ...state.entries,
      { id: state.nextEntryId, occurrenceId, kind, dueAtMs, madeAtMs, isCounted: false, dead: null },
    ],
    nextEntryId: state.nextEntryId + 1,
  };
}

/** An entry whose attempt is under way stays: its end comes. */
function withoutKind(state: KeyState, kind: Entry['kind']): KeyState {
  return {
    ...state,
    entries: state.entries.filter((one) => one.kind !== kind || one.id === state.attempt?.entryId),
  };
}

/** Ended occurrences with nothing left to tell are remembered by their ids, the latest of them. */
export function retire(state: KeyState): KeyState {
  const isOver = ({ id, phase }: Occurrence) =>
    phase === 'ended' && !state.entries.some(({ occurrenceId }) => occurrenceId === id);
  const retired = state.occurrences.filter(isOver);
  if (retired.length === 0) return state;
  const over = [
    ...state.over,
    ...retired
      .filter(({ message }) => message.installationId === state.installation.id)
      .map(({ id, message }) => ({ id, firingSequence: message.firingSequence })),
  ].toSorted((a, b) => a.firingSequence - b.firingSequence);
  const forgotten = over.slice(0, Math.max(0, over.length - mostOver)).at(-1);
  return {
    ...state,
    occurrences: state.occurrences.filter((one) => !isOver(one)),
    over: over.slice(-mostOver),
    forgottenSequence: Math.max(state.forgottenSequence, forgotten?.firingSequence ?? 0),
  };
}

/** The first entry that may be told now. A dead one holds up what follows it; a quiet period does not. */
export function nextEntry(state: KeyState, nowMs: number): Entry | undefined {
  const next = state.entries.find(({ dueAtMs }) => dueAtMs <= nowMs);
  return next === undefined || next.dead !== null ? undefined : next;
}

/** When the key has to be looked at again, epoch ms; undefined where nothing is to be told, or a person has to come first. */
export function wakeAtMs(state: KeyState): number | undefined {
  const alive = state.entries.filter(({ dead }) => dead === null);
  const [first] = state.entries;
  if (alive.length === 0 || (first !== undefined && first.dead !== null)) return undefined;
  const due = Math.min(...alive.map(({ dueAtMs }) => dueAtMs));
  return Math.max(due, state.notBeforeMs, state.attempt?.settlesAtMs ?? 0);
}

/** Since when the key has had something to tell that could not be told, epoch ms; in the future for a quiet period. */
export function waitingSinceMs(state: KeyState): number {
  const alive = state.entries.filter(({ dead }) => dead === null);
  return Math.min(...alive.map(({ dueAtMs, madeAtMs }) => Math.max(dueAtMs, madeAtMs)));
}

/** Makes the dead entries of a key wait again: a person has mended what was refused. */
export function redriven(state: KeyState): KeyState {
  return {
    ...state,
    entries: state.entries.map((one) => ({ ...one, dead: null })),
    failures: 0,
    notBeforeMs: 0,
  };
}
