import { groupBy } from './group-by.ts';
import type { Incident, Note } from './incidents.ts';

/** Something wrong within one incident's record. */
export interface RecordFinding {
  number: string;
  what: string;
}

/**
 * The same note twice: one marker and one opening. Notes that share a marker but not an opening are different: a breach
 * that goes on after it was taken for ended is told with its first sequence again.
 */
export function doubledNotes({ row, notes }: Incident): RecordFinding[] {
  const groups = groupBy(notes, (note) => `[${note.occurrenceId}:${note.sequence}] ${note.opening}`);
  return [...groups].flatMap(([name, group]) =>
    group.length < 2 ? [] : [{ number: row.number, what: `note ${name} stands there ${group.length} times` }],
  );
}

export function doubledAttachments({ row, attachments }: Incident): RecordFinding[] {
  return [...groupBy(attachments, (name) => name)].flatMap(([name, group]) =>
    group.length < 2 ? [] : [{ number: row.number, what: `${name} is attached ${group.length} times` }],
  );
}

/** Notes that stand beside the story: they carry a marker, but tell nothing new of the breach. */
const besides = ['Duplicate of', 'Breaching again'];
const isStory = ({ opening }: Note) =>
  !besides.some((words) => opening.startsWith(words)) && !opening.includes('changed this incident');

/**
 * What was told in the wrong order: a later sequence of a breach before an earlier one, “it lasts” after its end, a new
 * breach of the key before the end of the one before. Stamps are whole seconds: what fell into one is not judged.
 */
export function orderViolations({ row, notes }: Incident): RecordFinding[] {
  const ofBreach = groupBy(notes.filter(isStory), (note) => note.occurrenceId);
  const found = [...ofBreach].flatMap(([id, story]) =>
    outOfOrder(story).map((what) => ({ number: row.number, what: `breach ${id}: ${what}` })),
  );
  return [...found, ...overtaken(row.number, notes)];
}

/** `story`: the notes of one breach, oldest first. */
function outOfOrder(story: readonly Note[]): string[] {
  const found = new Set<string>();
  let highest = 0;
  let ended = false;
  for (const [, sameSecond] of groupBy(story, (note) => note.createdOn)) {
    for (const note of sameSecond) {
      if (note.sequence < highest) found.add(`sequence ${note.sequence} was told after ${highest}`);
      else if (ended && saysLasting(note)) found.add('it was told as lasting after its end');
    }
    highest = Math.max(highest, ...sameSecond.map((note) => note.sequence));
    ended ||= sameSecond.some(saysEnded);
  }
  return [...found];
}

function overtaken(number: string, notes: readonly Note[]): RecordFinding[] {
  const spans = new Map<string, { startedAtMs: number; firstOn: string; endedOn: string | undefined }>();
  for (const note of notes) {
    const own = note.told.find((line) => line.occurrenceId === note.occurrenceId);
    if (own === undefined) continue;
    const span = spans.get(note.occurrenceId) ?? {
      startedAtMs: own.startedAtMs,
      firstOn: note.createdOn,
      endedOn: undefined,
    };
    spans.set(note.occurrenceId, {
      ...span,
      endedOn: span.endedOn ?? (own.endedAtMs === null ? undefined : note.createdOn),
    });
  }
  const inOrder = [...spans].sort(([, a], [, b]) => a.startedAtMs - b.startedAtMs);
  return inOrder.flatMap(([id, span], index) => {
    const next = inOrder[index + 1];
    if (next === undefined || span.endedOn === undefined || next[1].firstOn >= span.endedOn) return [];
    return [{ number, what: `breach ${next[0]} was told before the end of breach ${id}` }];
  });
}

function saysEnded(note: Note): boolean {
  return note.told.some((line) => line.occurrenceId === note.occurrenceId && line.endedAtMs !== null);
}

function saysLasting(note: Note): boolean {
  return note.told.some((line) => line.occurrenceId === note.occurrenceId && line.endedAtMs === null);
}
