import { timerQueue } from './timer-queue.ts';

/**
 * Time as a port, so that whole components run on a manual clock in tests, on a recording's clock in a replay, and on
 * the machine's clock otherwise.
 */
export interface Clock {
  /** Wall time, epoch milliseconds. For display and the wire only; it may jump. */
  wallMs(): number;
  /** Milliseconds since an arbitrary origin (of `systemTime`: the boot); never jumps. Every duration is measured with it. */
  monotonicMs(): number;
}

export interface Timer {
  cancel(): void;
}

export interface Time extends Clock {
  /** Runs `task` once, `delayMs` from now on the monotonic clock; never before the current call stack has ended. */
  after(delayMs: number, task: () => void): Timer;
}

/** Longest delay that Node's timers take; a longer one would fire at once. */
const longestDelayMs = 2 ** 31 - 1;

/** From the origin of `performance.now()`, the start of this process, back to the boot, ms. */
const processStartMs = Number(process.hrtime.bigint() / 1_000n) / 1_000 - performance.now();

/** Its monotonic instants count from the boot, so that those of two processes compare within one boot. */
export const systemTime: Time = {
  wallMs: () => Date.now(),
  monotonicMs: () => processStartMs + performance.now(),
  after(delayMs, task) {
    // Node cuts off fractions and counts whole milliseconds of its own, so it would run up to two too early; whoever looks
    // whether the time is up would then wait for the next occasion.
    if (delayMs <= 0) {
      // A timer would take a millisecond, of which a breach has several on its way.
      const handle = setImmediate(task);
      return { cancel: () => clearImmediate(handle) };
    }
    const handle = setTimeout(task, Math.min(Math.ceil(delayMs) + 1, longestDelayMs));
    return { cancel: () => clearTimeout(handle) };
  },
};

export interface ManualTime extends Time {
  /** Instant (monotonic) of the earliest pending timer, or undefined. */
  nextTimerAt(): number | undefined;
  /** Moves both clocks forward and runs the timers that fall due, in order of their instants. */
  advance(ms: number): void;
  /** The same up to an instant of the monotonic clock; an instant that has passed runs what is due. */
  advanceTo(monotonicMs: number): void;
  /** Moves wall time alone, as a clock that is set does. */
  setWall(ms: number): void;
}

/** A clock that moves only when told. Source of time for tests, replays and the simulated world. */
export function manualTime(wallStartMs = 0, monotonicStartMs = 0): ManualTime {
  let monotonic = monotonicStartMs;
  let wallOffset = wallStartMs - monotonicStartMs;
  const timers = timerQueue();

  const advanceTo = (end: number) => {
    for (let next = timers.first(); next !== undefined && next.at <= end; next = timers.first()) {
      timers.removeFirst();
      monotonic = Math.max(monotonic, next.at);
      next.task();
    }
    monotonic = Math.max(monotonic, end);
  };

  return {
    wallMs: () => monotonic + wallOffset,
    monotonicMs: () => monotonic,
    after: (delayMs, task) => timers.add(monotonic + Math.max(0, delayMs), task),
    nextTimerAt: () => timers.first()?.at,
    advance: (ms) => advanceTo(monotonic + ms),
    advanceTo,
    setWall(ms) {
      wallOffset = ms - monotonic;
    },
  };
}

/** Resolves after `delayMs`, or at once with `aborted` when the signal fires. */
export function sleep(time: Time, delayMs: number, signal?: AbortSignal): Promise<'elapsed' | 'aborted'> {
  return new Promise((resolve) => {
    if (signal?.aborted) {
      resolve('aborted');
      return;
    }
    const onAbort = () => {
      timer.cancel();
      resolve('aborted');
    };
    const timer = time.after(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve('elapsed');
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** ISO 8601 UTC without milliseconds where there are none: `2015-08-22T10:11:50Z`. The form on the wire and in texts. */
export function isoUtc(epochMs: number): string {
  return new Date(epochMs).toISOString().replace('.000Z', 'Z');
}
