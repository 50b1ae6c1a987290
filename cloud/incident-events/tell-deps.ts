import type { IncidentDestination } from '../../device/incident/destination.ts';
import type { Occurrence } from '../../device/incident/occurrence.ts';
import type { Teller, Told } from '../../device/outbox/tell.ts';
import type { Entry } from './key-state.ts';
import type { InstanceState, OpenerStore, StoredKey } from './opener-ports.ts';

export interface TellPolicy {
  reopenWindowMs: number;
  onRecovery: 'resolve' | 'note';
  maxNewPerHour: number;
  settleMs: number;
  backoffBaseMs: number;
  backoffCapMs: number;
  pauseMs: number;
  /** Bound of one request. */
  timeoutMs: number;
}

export interface TellDeps {
  store: OpenerStore;
  destination: Pick<IncidentDestination, 'find'>;
  teller: Pick<Teller, 'write' | 'outcome' | 'sequenceOf'>;
  /** After a refused login: whether there is another secret now. One attempt is made for each version of it. */
  isLoginRenewed: () => Promise<boolean>;
  policy: TellPolicy;
  /** Wall time, the same for all functions of the account. */
  nowMs: () => number;
  random: () => number;
  /** Nothing is begun that could not end by then, epoch ms. */
  deadlineMs: number;
  /** What the instance refuses for good. */
  onDead: (occurrence: Occurrence, entry: Entry, reason: string) => Promise<void>;
  /** A breach that is not told, because too many of its key wait. */
  onLeftOut: (occurrence: Occurrence) => Promise<void>;
  onTold: (told: Told, correlationId: string) => void;
  onPaused: (reason: string) => void;
}

/**
 * - `done`: nothing is due.
 * - `later`: something is, and the store says when.
 * - `away`: the instance cannot be used now: no other key need try.
 */
export type TellResult = 'done' | 'later' | 'away';

/** What is told next of a key, as it was when the look-up began. */
export interface Item {
  stored: StoredKey;
  entry: Entry;
  occurrence: Occurrence;
  instance: InstanceState;
}
