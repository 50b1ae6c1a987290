import type { Clock } from '../../../platform/time.ts';

/** Slows down the guessing of passwords: after `most` wrong ones within `withinMs`, nobody logs in until the oldest is past. */
export interface LoginGuard {
  /** How long no password is looked at, ms; 0 where one is. */
  pauseMs(): number;
  failed(): void;
}

const limits = { most: 10, withinMs: 60_000 } as const;

export function createLoginGuard(clock: Clock): LoginGuard {
  let failures: number[] = [];
  return {
    pauseMs() {
      const now = clock.monotonicMs();
      failures = failures.filter((at) => now - at < limits.withinMs);
      const [oldest] = failures;
      return oldest === undefined || failures.length < limits.most ? 0 : oldest + limits.withinMs - now;
    },
    failed() {
      failures.push(clock.monotonicMs());
    },
  };
}
