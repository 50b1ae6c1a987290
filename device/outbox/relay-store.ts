import type { Occurrence } from '../incident/occurrence.ts';
import type { Entry, EntryKind } from './entry.ts';

/**
 * What the relay asks of the store of the handler. Everything is of the one instance that is served, and survives the
 * process when `transaction` returns.
 */
export interface RelayStore {
  transaction<T>(work: () => T): T;
  /** Calls back once what was committed until now survives a power loss, too. */
  afterSync(done: () => void): void;
  /** Whether anything was ever written to the instance from this store: an empty one may be a lost one. */
  hasWritten(): boolean;
  markWritten(): void;

  occurrence(id: string): Occurrence | undefined;
  putOccurrence(occurrence: Occurrence): void;
  /** Marks an ended breach that has nothing left to tell, and drops the oldest such beyond `keep`. */
  retire(occurrenceId: string, keep: number): void;

  /** Keys that have something to tell, oldest first, with whether the end of an attempt is not known. */
  openKeys(): { correlationId: string; attemptOpen: boolean }[];
  /** Entries of a key in the order in which they are told. */
  entriesOf(correlationId: string): Entry[];
  /** The first of them that does not wait for its quiet period. */
  nextEntry(correlationId: string): Entry | undefined;
  /** Nothing where the breach has an entry of this kind. */
  addEntry(occurrence: Occurrence, kind: EntryKind): void;
  dropWaiting(occurrenceId: string, kind: EntryKind): void;
  beginAttempt(entryId: number): void;
  /** It waits again: nothing was written. */
  abandonAttempt(entryId: number): void;
  finishEntry(entryId: number): void;
  /** Makes it a dead letter. */
  bury(entryId: number, error: string): void;

  /** Ids of a few incidents that are known to exist: the proof that an empty answer can be believed. */
  knownRows(): string[];
  addKnownRow(sysId: string, number: string): void;
}
