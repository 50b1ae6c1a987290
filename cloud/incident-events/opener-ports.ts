import type { KeyState } from './key-state.ts';

/** A key's state with the version that the next one has to replace. */
export interface StoredKey {
  state: KeyState;
  version: number;
}

/** What the opener remembers of the instance, whichever function asks. */
export interface InstanceState {
  /** When the opener first heard of it, epoch ms: an empty store may be a lost one, so its first write waits. */
  firstSeenMs: number;
  /** Nothing is sent before, epoch ms. */
  pausedUntilMs: number;
  /** A few incidents that exist: the proof that an empty answer can be believed. */
  knownRows: readonly string[];
}

/** The opener's store. Every method throws the SDK's error where the table did not answer. */
export interface OpenerStore {
  load(correlationId: string): Promise<StoredKey | undefined>;
  /** Replaces the state of `version`, or makes the first one; `changed` where somebody else did. */
  save(state: KeyState, version: number | undefined): Promise<'saved' | 'changed'>;
  /** Keys that have something to tell by now, the longest waiting first. */
  due(nowMs: number, limit: number): Promise<readonly string[]>;

  /** @param nowMs Remembered as `firstSeenMs` where the instance is new. */
  instance(nowMs: number): Promise<InstanceState>;
  pause(untilMs: number, reason: string): Promise<void>;
  /** Nothing pauses it any more. */
  resume(): Promise<void>;
  addKnownRow(sysId: string, known: readonly string[]): Promise<void>;
  /** Until one incident is known to exist, one key at a time may make the first. */
  claimFirst(correlationId: string, untilMs: number, nowMs: number): Promise<boolean>;
  /** One more incident within this hour, if fewer than `most` were opened. */
  countOpening(nowMs: number, most: number): Promise<boolean>;
}
