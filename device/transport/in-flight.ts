import type { Time, Timer } from '../platform/time.ts';
import type { PublishResult } from './transport.ts';

export interface InFlightLimits {
  messages: number;
  bytes: number;
}

export interface InFlight {
  /** Takes a publish under way; undefined when as many are as may be. */
  add(bytes: number, timeoutMs: number, settle: (result: PublishResult) => void): Ticket | undefined;
  /** How long the oldest that is not answered by the peer has been under way; 0 without one. */
  oldestMs(): number;
  /** Settles what is under way and forgets it. */
  settleAll(result: PublishResult): void;
}

export interface Ticket {
  /** The peer has answered: room for another. */
  settle(result: PublishResult): void;
}

interface Entry {
  bytes: number;
  sentAtMs: number;
  deadlineMs: number;
  /** Undefined once the caller has its answer; room is kept until the peer's, or until the connection ends. */
  settle: ((result: PublishResult) => void) | undefined;
}

/**
 * Publishes that wait for their acknowledgement, with one timer for all. `onOverdue` hears how long ago the message was
 * sent whose time has run out.
 */
export function createInFlight({
  time,
  limits,
  onOverdue,
}: {
  time: Time;
  limits: InFlightLimits;
  onOverdue: (waitedMs: number) => void;
}): InFlight {
  const entries = new Set<Entry>();
  let bytesUnderWay = 0;
  let sweepAtMs = Number.POSITIVE_INFINITY;
  let timer: Timer | undefined;

  function release(entry: Entry): void {
    if (entries.delete(entry)) bytesUnderWay -= entry.bytes;
  }

  function answer(entry: Entry, result: PublishResult): void {
    const { settle } = entry;
    entry.settle = undefined;
    settle?.(result);
  }

  function sweepAt(instantMs: number): void {
    if (instantMs >= sweepAtMs) return;
    timer?.cancel();
    sweepAtMs = instantMs;
    timer = time.after(instantMs - time.monotonicMs(), sweep);
  }

  function sweep(): void {
    const nowMs = time.monotonicMs();
    let next = Number.POSITIVE_INFINITY;
    sweepAtMs = Number.POSITIVE_INFINITY;
    let longestWaitMs = 0;
    for (const entry of entries) {
      if (entry.settle === undefined) continue;
      if (entry.deadlineMs > nowMs) {
        next = Math.min(next, entry.deadlineMs);
        continue;
      }
      const waitedMs = nowMs - entry.sentAtMs;
      longestWaitMs = Math.max(longestWaitMs, waitedMs);
      answer(entry, { ok: false, reason: 'timeout', message: `no acknowledgement within ${Math.round(waitedMs)} ms` });
    }
    if (next !== Number.POSITIVE_INFINITY) sweepAt(next);
    if (longestWaitMs > 0) onOverdue(longestWaitMs);
  }

  return {
    add(bytes, timeoutMs, settle) {
      if (entries.size >= limits.messages || bytesUnderWay + bytes > limits.bytes) return undefined;
      const sentAtMs = time.monotonicMs();
      const entry: Entry = { bytes, sentAtMs, deadlineMs: sentAtMs + timeoutMs, settle };
      entries.add(entry);
      bytesUnderWay += bytes;
      sweepAt(entry.deadlineMs);
      return {
        settle(result) {
          release(entry);
          answer(entry, result);
        },
      };
    },
    oldestMs() {
      const [oldest] = entries;
      return oldest === undefined ? 0 : time.monotonicMs() - oldest.sentAtMs;
    },
    settleAll(result) {
      timer?.cancel();
      sweepAtMs = Number.POSITIVE_INFINITY;
      const gone = [...entries];
      entries.clear();
      bytesUnderWay = 0;
      for (const entry of gone) answer(entry, result);
    },
  };
}
