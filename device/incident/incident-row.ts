import type { IncidentRow } from './destination.ts';

/**
 * What can be read from an incident about the breaches in it. Every note, close note and attachment name of ours ends
 * with `[<occurrence>:<sequence>]`; a line
 * `breach <occurrence> start=<ISO> end=<ISO or ->` (with ` key=…` where a storm lists it) gives a breach's times.
 */
const markerPattern = /\[([0-9a-f]{32}):(\d+)\]/g;
const breachLinePattern = /^breach ([0-9a-f]{32}) start=(\S+) end=(\S+)( key=\S+)?$/gm;

const openStates: readonly IncidentRow['state'][] = ['new', 'in-progress', 'on-hold'];

export function isOpen(row: IncidentRow): boolean {
  return openStates.includes(row.state);
}

/** Whether the incident tells of this breach: it was opened by it, or a note or close note carries its marker. */
export function namesOccurrence(row: IncidentRow, occurrenceId: string): boolean {
  const marker = `[${occurrenceId}:`;
  return row.openedBy === occurrenceId || row.workNotes.includes(marker) || row.closeNotes.includes(marker);
}

/** A resolution of ours carries a marker in its close notes; a person's does not. */
export function isResolvedByUs(row: IncidentRow): boolean {
  return row.state === 'resolved' && row.closeNotes.search(markerPattern) >= 0;
}

/** Breaches told in the incident that have no end there yet, the latest told first (notes are newest first). */
export function unendedBreaches(row: IncidentRow): string[] {
  const ended = new Set<string>();
  const named = new Set<string>();
  for (const text of [row.closeNotes, row.workNotes, row.description]) {
    for (const [, id = '', , end] of text.matchAll(breachLinePattern)) if (end !== '-') ended.add(id);
    for (const [, id = ''] of text.matchAll(markerPattern)) named.add(id);
    for (const [, id = ''] of text.matchAll(breachLinePattern)) named.add(id);
  }
  if (/^[0-9a-f]{32}$/.test(row.openedBy)) named.add(row.openedBy);
  return [...named].filter((id) => !ended.has(id));
}

/** Latest sequence that a marker of this breach carries; 0 where there is none. */
export function lastSequenceTold(row: IncidentRow, occurrenceId: string): number {
  let last = 0;
  for (const [, id, sequence] of `${row.workNotes}\n${row.closeNotes}`.matchAll(markerPattern)) {
    if (id === occurrenceId) last = Math.max(last, Number(sequence));
  }
  return last;
}

/** The incident's own breach that ended last, of which it tells so; not one that a storm lists. */
export function lastEnded(row: IncidentRow): { id: string; endedAtMs: number } | undefined {
  let last: { id: string; endedAtMs: number } | undefined;
  for (const text of [row.closeNotes, row.workNotes, row.description]) {
    for (const [, id = '', , end = '-', listed] of text.matchAll(breachLinePattern)) {
      const endedAtMs = Date.parse(end);
      const latestMs = last?.endedAtMs ?? Number.NEGATIVE_INFINITY;
      if (listed === undefined && endedAtMs > latestMs) last = { id, endedAtMs };
    }
  }
  return last;
}

/** Event time at which the latest breach told in the incident ended, epoch ms; undefined where no end is told. */
export function lastEndMs(row: IncidentRow): number | undefined {
  let last: number | undefined;
  for (const text of [row.closeNotes, row.workNotes, row.description]) {
    for (const [, , , end = '-'] of text.matchAll(breachLinePattern)) {
      const at = Date.parse(end);
      if (!Number.isNaN(at)) last = Math.max(last ?? at, at);
    }
  }
  return last;
}
