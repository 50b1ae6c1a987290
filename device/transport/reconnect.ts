export interface ReconnectPolicy {
  reconnectBaseMs: number;
  reconnectCapMs: number;
}

/**
 * Pause before the next connection, in milliseconds, after `failures` failures in a row (1 or more).
 * Full jitter: uniform in [0, min(cap, base · 2^(failures − 1))). A broker that refuses us is asked again in the upper
 * half of the cap, so that a wrong password is not tried in a hurry.
 * Source: "Exponential Backoff And Jitter", AWS Architecture Blog.
 */
export function reconnectDelayMs(
  { failures, refused }: { failures: number; refused: boolean },
  { reconnectBaseMs, reconnectCapMs }: ReconnectPolicy,
  random: () => number,
): number {
  if (refused) return reconnectCapMs * (0.5 + random() / 2);
  return random() * Math.min(reconnectCapMs, reconnectBaseMs * 2 ** Math.min(failures - 1, 40));
}
