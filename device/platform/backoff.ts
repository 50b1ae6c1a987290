export interface BackoffPolicy {
  baseMs: number;
  capMs: number;
}

/**
 * Delay before the next attempt, in milliseconds, after `failures` failures in a row (1 or more).
 * Full jitter: uniform in [0, min(capMs, baseMs · 2^(failures − 1))). There is no last attempt.
 * Source: "Exponential Backoff And Jitter", AWS Architecture Blog.
 */
export function backoffMs(failures: number, policy: BackoffPolicy, random: () => number): number {
  const ceiling = Math.min(policy.capMs, policy.baseMs * 2 ** Math.min(failures - 1, 40));
  return random() * ceiling;
}
