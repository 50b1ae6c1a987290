import type { Time } from './time.ts';

/** The same time with a wall clock that can be set, as an administrator or a late time server does; for simulations. */
export function jumpingTime(real: Time): { time: Time; jumpWall: (byMs: number) => void } {
  let offsetMs = 0;
  return {
    time: {
      monotonicMs: () => real.monotonicMs(),
      wallMs: () => real.wallMs() + offsetMs,
      after: (delayMs, task) => real.after(delayMs, task),
    },
    jumpWall(byMs) {
      offsetMs += byMs;
    },
  };
}
