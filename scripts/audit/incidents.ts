import { z } from 'zod';
import { groupBy } from './group-by.ts';

/** An instant as a ServiceNow shows it: `yyyy-MM-dd HH:mm:ss`, UTC. */
const instant = z.string().default('');
const text = z.string().default('');
const sysId = z.string().regex(/^[0-9a-f]{32}$/);

/** A record of table `incident`, values as the Table API gives them without `sysparm_display_value`. */
export const incidentRow = z.object({
  sys_id: sysId,
  number: z.string(),
  state: z.string(),
  correlation_id: text,
  correlation_display: text,
  short_description: text,
  description: text,
  close_notes: text,
  opened_at: instant,
  resolved_at: instant,
  sys_created_on: instant,
});

/** A record of table `sys_journal_field`: one entry of a record's work notes. */
export const journalRow = z.object({
  sys_id: sysId,
  element_id: z.string(),
  element: text,
  value: text,
  sys_created_on: instant,
});

/** A record of table `sys_attachment`. */
export const attachmentRow = z.object({ sys_id: sysId, file_name: text, table_sys_id: z.string() });

export type IncidentRow = z.infer<typeof incidentRow>;
export type JournalRow = z.infer<typeof journalRow>;
export type AttachmentRow = z.infer<typeof attachmentRow>;

const stateNames = new Map([
  ['1', 'New'],
  ['2', 'In Progress'],
  ['3', 'On Hold'],
  ['6', 'Resolved'],
  ['7', 'Closed'],
  ['8', 'Canceled'],
]);

/** The word that people see; an unknown state is shown as it is stored. */
export function stateName(value: string): string {
  return stateNames.get(value) ?? value;
}

/** One work note of ours: it ends with a marker `[<32 hex>:<sequence>]`. */
export interface Note {
  occurrenceId: string;
  sequence: number;
  /** Its first words, without what changes: two notes with one marker and one opening are the same note. */
  opening: string;
  createdOn: string;
  told: readonly ToldLine[];
}

/** A line `breach <32 hex> start=<ISO> end=<ISO or -> [key=<correlation id>]`. */
interface ToldLine {
  occurrenceId: string;
  startedAtMs: number;
  endedAtMs: number | null;
  /** The end is when the device was found not to know the breach any more. */
  endUnknown: boolean;
  /** Given where the incident of a storm lists it. */
  key: string | undefined;
}

/** What one incident says of one breach, put together from all its texts. */
export interface Told {
  key: string;
  /** Each start that is told, without repetitions; none where only a marker names it. */
  startsMs: readonly number[];
  endsMs: readonly number[];
  endUnknown: boolean;
}

export interface Incident {
  row: IncidentRow;
  state: string;
  told: ReadonlyMap<string, Told>;
  /** Oldest first; of one second, which an instance lists in any order, by sequence. */
  notes: readonly Note[];
  attachments: readonly string[];
  resolvedByUs: boolean;
  /** Canceled by us because another one tells of the same breach. */
  repairedDuplicate: boolean;
}

const markerPattern = /\[([0-9a-f]{32}):(\d+)\]\s*$/;
const linePattern = /^breach ([0-9a-f]{32}) start=(\S+) end=(\S+)(?: key=(\S+))?\r?$/gm;
const unknownEnd = 'so the time of its end is not known';
/** Said of breaches that a storm lists. */
const unknownEndsPattern = /^The time of the end is not known of: (.+)\.\r?$/m;

/** What the rows of an instance say. Texts of people, which end with no marker, are not believed. */
export function readIncidents(
  rows: readonly IncidentRow[],
  journal: readonly JournalRow[],
  attachments: readonly AttachmentRow[],
): Incident[] {
  const entries = groupBy(
    journal.filter((entry) => entry.element === 'work_notes'),
    (entry) => entry.element_id,
  );
  const files = groupBy(attachments, (file) => file.table_sys_id);
  return rows.map((row) => {
    const notes = (entries.get(row.sys_id) ?? [])
      .flatMap((entry) => noteOf(entry.value, entry.sys_created_on) ?? [])
      .sort((a, b) => (a.createdOn < b.createdOn ? -1 : a.createdOn > b.createdOn ? 1 : a.sequence - b.sequence));
    const closing = noteOf(row.close_notes, row.resolved_at);
    return {
      row,
      state: stateName(row.state),
      told: toldIn(row, notes, closing),
      notes,
      attachments: (files.get(row.sys_id) ?? []).map((file) => file.file_name),
      resolvedByUs: row.state === '6' && closing !== undefined,
      repairedDuplicate: row.state === '8' && notes.some((note) => note.opening.startsWith('Duplicate of')),
    };
  });
}

function noteOf(value: string, createdOn: string): Note | undefined {
  const [, occurrenceId, sequence] = markerPattern.exec(value) ?? [];
  if (occurrenceId === undefined) return undefined;
  const opening = /^[^\d:.\n]*/.exec(value)?.[0] ?? '';
  return { occurrenceId, sequence: Number(sequence), opening: opening.trim(), createdOn, told: linesIn(value) };
}

function linesIn(value: string): ToldLine[] {
  const unknownEnds = unknownEndsPattern.exec(value)?.[1] ?? '';
  return [...value.matchAll(linePattern)].map(([, occurrenceId = '', start = '', end = '', key]) => ({
    occurrenceId,
    startedAtMs: Date.parse(start),
    endedAtMs: end === '-' ? null : Date.parse(end),
    endUnknown: value.includes(unknownEnd) || unknownEnds.includes(occurrenceId),
    key,
  }));
}

function toldIn(row: IncidentRow, notes: readonly Note[], closing: Note | undefined): Map<string, Told> {
  const told = new Map<string, { key: string; startsMs: number[]; endsMs: number[]; endUnknown: boolean }>();
  const about = (occurrenceId: string, key: string | undefined) => {
    const known = told.get(occurrenceId);
    if (known !== undefined) return known;
    const fresh = { key: key ?? row.correlation_id, startsMs: [], endsMs: [], endUnknown: false };
    told.set(occurrenceId, fresh);
    return fresh;
  };
  if (/^[0-9a-f]{32}$/.test(row.correlation_display)) about(row.correlation_display, undefined);
  const texts = [...notes, ...(closing === undefined ? [] : [closing])];
  for (const note of texts) about(note.occurrenceId, undefined);
  for (const line of [...linesIn(row.description), ...texts.flatMap((note) => note.told)]) {
    const { startsMs, endsMs, ...rest } = about(line.occurrenceId, line.key);
    if (!startsMs.includes(line.startedAtMs)) startsMs.push(line.startedAtMs);
    if (line.endedAtMs !== null && !endsMs.includes(line.endedAtMs)) endsMs.push(line.endedAtMs);
    if (line.endUnknown) told.set(line.occurrenceId, { ...rest, startsMs, endsMs, endUnknown: true });
  }
  return told;
}
