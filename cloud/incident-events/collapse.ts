import type { Occurrence } from '../../device/incident/occurrence.ts';
import { type KeyState, retire } from './key-state.ts';

/** Breaches of one key that have ended and wait to be told. A row of the table holds 400 KB, and a breach at most a few. */
export const mostUntold = 50;

export interface Collapsed {
  kept: KeyState;
  /** Breaches that are told to nobody any more, the oldest first. */
  left: readonly Occurrence[];
}

/**
 * Bounds the state of a key while its instance is away, or refuses it: of the breaches that ended before anything was told
 * of them the latest are kept. What people have to see is not among them: one that is refused, one that may have been
 * sent, and the one whose end resolves the incident.
 */
export function collapse(state: KeyState): Collapsed {
  const isBound = ({ id }: Occurrence) =>
    state.entries.some(
      (entry) =>
        entry.occurrenceId === id &&
        (entry.dead !== null || entry.kind === 'resolve' || entry.id === state.attempt?.entryId),
    );
  const untold = state.occurrences
    .filter((one) => one.phase === 'ended' && one.place === 'wanted' && !isBound(one))
    .toSorted((a, b) => Date.parse(a.message.startedAt) - Date.parse(b.message.startedAt));
  const left = untold.slice(0, Math.max(0, untold.length - mostUntold));
  if (left.length === 0) return { kept: state, left };
  const ids = new Set(left.map(({ id }) => id));
  return { kept: retire({ ...state, entries: state.entries.filter((one) => !ids.has(one.occurrenceId)) }), left };
}
