import { type BackoffPolicy, backoffMs } from '../platform/backoff.ts';

/**
 * Whether the destination may be asked at all: the circuit breaker, and the pauses that it asks for itself.
 *
 * | state   | on success | on failure                    | on refusal or throttle | when the time is over |
 * |---------|------------|-------------------------------|------------------------|-----------------------|
 * | open    | open       | open, paused after `failures` | paused                 | –                     |
 * | paused  | open       | paused, longer                | paused                 | probing               |
 * | probing | open       | paused, longer                | paused                 | –                     |
 */
export interface Gate {
  /** How many keys may be taken at `nowMs`: none while paused, one while probing. */
  admits(nowMs: number): 'all' | 'one' | 'none';
  /** When the pause ends; undefined where there is none. */
  reopensAtMs(): number | undefined;
  /** A failure of the way to the instance. */
  failed(nowMs: number, message: string): void;
  /** The instance asks for a pause, or refuses us. Answers whether that is news: a repeated one is logged once. */
  pause(nowMs: number, forMs: number, message: string): 'new' | 'known';
  /** Answers whether the gate was shut before. */
  succeeded(): 'recovered' | 'as before';
  /** Lets the next key through at once. */
  reopen(): void;
  describe(nowMs: number): { state: 'open' | 'paused' | 'probing'; reason?: string; forMs?: number };
}

export function createGate(policy: BackoffPolicy & { failures: number }, random: () => number): Gate {
  let failures = 0;
  let untilMs: number | undefined;
  let reason: string | undefined;

  return {
    admits(nowMs) {
      if (untilMs === undefined) return 'all';
      return nowMs < untilMs ? 'none' : 'one';
    },
    reopensAtMs: () => untilMs,
    failed(nowMs, message) {
      failures += 1;
      if (failures < policy.failures) return;
      const pauseMs = backoffMs(failures - policy.failures + 1, policy, random);
      untilMs = Math.max(untilMs ?? 0, nowMs + pauseMs);
      reason = message;
    },
    pause(nowMs, forMs, message) {
      const known = reason === message;
      untilMs = Math.max(untilMs ?? 0, nowMs + forMs);
      reason = message;
      return known ? 'known' : 'new';
    },
    succeeded() {
      const wasShut = untilMs !== undefined;
      failures = 0;
      untilMs = undefined;
      reason = undefined;
      return wasShut ? 'recovered' : 'as before';
    },
    reopen() {
      if (untilMs !== undefined) untilMs = 0;
    },
    describe(nowMs) {
      if (untilMs === undefined) return { state: 'open' };
      const told = reason === undefined ? {} : { reason };
      return nowMs < untilMs ? { state: 'paused', ...told, forMs: untilMs - nowMs } : { state: 'probing', ...told };
    },
  };
}
