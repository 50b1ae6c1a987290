import type { KeyState } from './key-state.ts';

/** A key's state with the version that the next one has to replace. */
export interface StoredKey {
  state: KeyState;
  version: number;
}

/** A key that has something to tell. */
export interface WaitingKey {
  correlationId: string;
  /** When it has to be looked at, epoch ms. */
  wakeAtMs: number;
  /** Since when it has had something that is due and was not told, epoch ms; in the future where nothing is due. */
  sinceMs: number;
}

/** How many incidents are kept as proof that rows can be seen, as at the edge. */
export const knownRowsKept = 5;

/** What the opener remembers of the instance, whichever function asks. */
export interface InstanceState {
  /** When the opener first heard of it, epoch ms: an empty store may be a lost one, so its first write waits. */
  firstSeenMs: number;
  /** Nothing is sent before, epoch ms. */
  pausedUntilMs: number;
  /** The latest incidents that are known to exist, the latest first: the proof that an empty answer can be believed. */
  knownRows: readonly string[];
}

/** The opener's store. Every method throws the SDK's error where the table did not answer. */
export interface OpenerStore {
  load(correlationId: string): Promise<StoredKey | undefined>;
  /** Replaces the state of `version`, or makes the first one; `changed` where somebody else did. */
  save(state: KeyState, version: number | undefined): Promise<'saved' | 'changed'>;
  /** Keys that have to be looked at by `untilMs` (epoch ms), the first ones first. */
  waiting(untilMs: number, limit: number): Promise<readonly WaitingKey[]>;

  /** @param nowMs Remembered as `firstSeenMs` where the instance is new. */
  instance(nowMs: number): Promise<InstanceState>;
  /** Nothing where it pauses for longer already. */
  pause(untilMs: number, reason: string): Promise<void>;
  /** Ends the pause until `seenUntilMs` (epoch ms); nothing where another one has begun. */
  resume(seenUntilMs: number): Promise<void>;
  /** The latest of `known`, of which `knownRowsKept` are kept. */
  addKnownRow(sysId: string, known: readonly string[]): Promise<void>;
  /** Until one incident is known to exist, one key at a time may make the first. */
  claimFirst(correlationId: string, untilMs: number, nowMs: number): Promise<boolean>;
  /** One more incident within this hour of the clock, if fewer than `most` were opened. */
  countOpening(nowMs: number, most: number): Promise<boolean>;
}
