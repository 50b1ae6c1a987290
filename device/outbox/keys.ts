import { type BackoffPolicy, backoffMs } from '../platform/backoff.ts';
import { dueQueue } from '../platform/due-queue.ts';
import type { Logger } from '../platform/logger.ts';
import type { Time, Timer } from '../platform/time.ts';
import { createOpeningCap } from './opening-cap.ts';

/**
 * Which key is told when: one step of a key is under way at a time.
 *
 * | a key is  | until                                                                                     |
 * |-----------|-------------------------------------------------------------------------------------------|
 * | queued    | it is due (at once, after a backoff, or after the settle time) and taken                    |
 * | in flight | its step has ended: `done` (look again), `again`, `settle`, `holdBack` or `leave`           |
 * | capped    | the cap on new incidents an hour (event time) lets it through                               |
 * | absent    | something is added for it: nothing is due, its quiet period runs, a silence or a dead letter holds it |
 */
export interface Keys {
  /** Something is to be told for the key. */
  add(key: string, delayMs?: number): void;
  /** Nothing is due before this instant of real time. */
  notBefore(atMs: number): void;
  /** Takes up to `limit` keys that are due: they are in flight. */
  take(limit: number): string[];
  nextAtMs(): number | undefined;
  isInFlight(key: string): boolean;
  /** Keys in flight. */
  inFlight(): number;
  /** Keys that have something to tell. */
  size(): number;
  isEmpty(): boolean;
  /** The key may have more to tell. */
  done(key: string): void;
  /** Nothing is due for the key any more, unless something was added while it was in flight. */
  leave(key: string): void;
  /** Tried again as soon as it can be; after a backoff of its own where it was the key that failed. */
  again(key: string, isOwnFailure: boolean): void;
  /** The end of its attempt is not known: nothing is written for it in this time. */
  settle(key: string, settleMs: number): void;
  /** Whether one more incident may be opened, besides `begun` that are not counted yet. */
  mayOpen(begun: number): boolean;
  /** Counts incidents that are being opened. */
  opened(count: number): void;
  /** Keeps the key until the cap lets it through. */
  holdBack(key: string): void;
  /** The cap may be another: what it held back is tried anew. */
  release(): void;
  /** Forgets what is not in flight. */
  stop(): void;
  /** Forgets what is in flight: nobody waits for it any more. */
  abandon(): void;
}

export interface KeysOptions extends BackoffPolicy {
  /** Read whenever it is needed. */
  policy: { readonly maxNewPerHour: number };
  /** Event time: what the cap is measured with. */
  time: Time;
  deliveryTime: Time;
  random: () => number;
  logger: Logger;
  /** Keys that were held back may be taken. */
  onReleased: () => void;
}

export function createKeys(options: KeysOptions): Keys {
  const { time, deliveryTime, random, logger, policy } = options;
  const queue = dueQueue();
  const inFlight = new Set<string>();
  /** Keys that got something new while they were in flight. */
  const renewed = new Set<string>();
  const failures = new Map<string, number>();
  const capped = new Set<string>();
  const cap = createOpeningCap(() => policy.maxNewPerHour);
  let capTimer: Timer | undefined;
  let earliestMs = 0;

  function enqueue(key: string, delayMs = 0): void {
    queue.set(key, Math.max(deliveryTime.monotonicMs() + delayMs, earliestMs));
  }

  function release(): void {
    capTimer?.cancel();
    capTimer = undefined;
    if (capped.size === 0) return;
    const released = [...capped];
    capped.clear();
    for (const one of released) enqueue(one);
    options.onReleased();
  }

  function land(key: string): boolean {
    inFlight.delete(key);
    return renewed.delete(key);
  }

  return {
    add(key, delayMs) {
      if (inFlight.has(key)) renewed.add(key);
      else if (!queue.has(key) && !capped.has(key)) enqueue(key, delayMs);
    },
    notBefore(atMs) {
      earliestMs = atMs;
    },
    take(limit) {
      const keys = queue.takeDue(deliveryTime.monotonicMs(), limit);
      for (const key of keys) inFlight.add(key);
      return keys;
    },
    nextAtMs: () => queue.nextAtMs(),
    isInFlight: (key) => inFlight.has(key),
    inFlight: () => inFlight.size,
    size: () => queue.size + inFlight.size + capped.size,
    isEmpty: () => queue.size + inFlight.size === 0,
    done(key) {
      land(key);
      failures.delete(key);
      enqueue(key);
    },
    leave(key) {
      failures.delete(key);
      if (land(key)) enqueue(key);
    },
    again(key, isOwnFailure) {
      land(key);
      const count = isOwnFailure ? (failures.get(key) ?? 0) + 1 : 0;
      if (count > 0) failures.set(key, count);
      enqueue(key, count === 0 ? 0 : backoffMs(count, options, random));
    },
    settle(key, settleMs) {
      land(key);
      enqueue(key, settleMs);
    },
    mayOpen: (begun) => cap.free(time.monotonicMs()) > begun,
    opened: (count) => cap.take(time.monotonicMs(), count),
    holdBack(key) {
      land(key);
      capped.add(key);
      if (capTimer !== undefined) return;
      logger.warn({ maxNewPerHour: policy.maxNewPerHour }, 'cap on new incidents reached, the rest waits');
      capTimer = time.after(cap.freeInMs(time.monotonicMs()), release);
    },
    release,
    stop() {
      capTimer?.cancel();
      capTimer = undefined;
      queue.clear();
      capped.clear();
    },
    abandon() {
      inFlight.clear();
      renewed.clear();
    },
  };
}
