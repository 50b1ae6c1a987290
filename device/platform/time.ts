/**
 * Time as a port, so that whole components run on a manual clock in tests, on a recording's clock in a replay, and on
 * the machine's clock otherwise.
 */
export interface Clock {
  /** Wall time, epoch milliseconds. For display and the wire only; it may jump. */
  wallMs(): number;
  /** Milliseconds since an arbitrary origin; never jumps. Every duration is measured with it. */
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

export const systemTime: Time = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, task) {
    const handle = setTimeout(task, Math.min(Math.max(0, delayMs), longestDelayMs));
    return { cancel: () => clearTimeout(handle) };
  },
};

export interface ManualTime extends Time {
  /** Instant (monotonic) of the earliest pending timer, or undefined. */
  nextTimerAt(): number | undefined;
  /** Moves both clocks forward and runs the timers that fall due, in order of their instants. */
  advance(ms: number): void;
  /** Moves wall time alone, as a clock that is set does. */
  setWall(ms: number): void;
}

/** A clock that moves only when told. Source of time for tests, replays and the simulated world. */
export function manualTime(wallStartMs = 0, monotonicStartMs = 0): ManualTime {
  let monotonic = monotonicStartMs;
  let wallOffset = wallStartMs - monotonicStartMs;
  let order = 0;
  // A binary heap would be faster at thousands of timers; components hold a handful each.
  let pending: { at: number; order: number; task: () => void }[] = [];

  const earliest = () =>
    pending.reduce<(typeof pending)[number] | undefined>(
      (best, timer) =>
        best === undefined || timer.at < best.at || (timer.at === best.at && timer.order < best.order) ? timer : best,
      undefined,
    );

  return {
    wallMs: () => monotonic + wallOffset,
    monotonicMs: () => monotonic,
    after(delayMs, task) {
      const timer = { at: monotonic + Math.max(0, delayMs), order: order++, task };
      pending.push(timer);
      return {
        cancel() {
          pending = pending.filter((other) => other !== timer);
        },
      };
    },
    nextTimerAt: () => earliest()?.at,
    advance(ms) {
      const end = monotonic + ms;
      for (let next = earliest(); next !== undefined && next.at <= end; next = earliest()) {
        const due = next;
        pending = pending.filter((other) => other !== due);
        monotonic = Math.max(monotonic, due.at);
        due.task();
      }
      monotonic = end;
    },
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
