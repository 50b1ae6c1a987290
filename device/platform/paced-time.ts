import { setImmediate } from 'node:timers/promises';
import { manualTime, sleep, type Time } from './time.ts';

export interface PacedTimeOptions {
  /** Wall time at which the virtual clock starts, epoch ms. */
  startWallMs: number;
  /** Virtual milliseconds for one real one; `max` never waits. */
  speed: number | 'max';
  /** Resolves once nothing is under way that the present instant has caused (inbox and due outbox are empty), or on abort. */
  idle: (signal: AbortSignal) => Promise<void>;
  real: Time;
}

export interface PacedTime {
  /** For everything that is to live on the virtual clock. */
  time: Time;
  /** Turns the clock until the signal aborts or `stop` is called. Rejects with what a timer's task or `idle` throws. */
  run(signal: AbortSignal): Promise<void>;
  stop(): void;
}

/** How often a clock without any timer looks for one, real ms: something outside may still add one. */
const noTimerPauseMs = 5;

/**
 * One virtual clock for all components of a replay: it moves from timer to timer, at a multiple of real time or as fast
 * as the work is done, and only when the work of the present instant is done. Monotonic and wall time move together.
 */
export function pacedTime(options: PacedTimeOptions): PacedTime {
  const { speed, real } = options;
  const virtual = manualTime(options.startWallMs);
  const stopped = new AbortController();
  let wake = () => {};
  // The pace is measured from here: virtual instant `at` at the real instant `since`, set when the clock begins to wait.
  let pace: { at: number; since: number } | undefined;

  /** How far the virtual clock may be by its pace; between timers it runs on, but never past the next one. */
  function nowMs(): number {
    const now = virtual.monotonicMs();
    if (pace === undefined || speed === 'max') return now;
    const paced = pace.at + (real.monotonicMs() - pace.since) * speed;
    return Math.max(now, Math.min(paced, virtual.nextTimerAt() ?? now));
  }

  const time: Time = {
    monotonicMs: nowMs,
    wallMs: () => virtual.wallMs() + nowMs() - virtual.monotonicMs(),
    after(delayMs, task) {
      const earliestBefore = virtual.nextTimerAt() ?? Number.POSITIVE_INFINITY;
      const at = nowMs() + Math.max(0, delayMs);
      const timer = virtual.after(at - virtual.monotonicMs(), task);
      if (at < earliestBefore) wake();
      return timer;
    },
  };

  /** Waits for as long as the pace wants; `woken` when an earlier timer was added meanwhile, or at the end. */
  function waitUntil(nextAt: number): Promise<'reached' | 'woken'> {
    if (speed === 'max') return Promise.resolve('reached');
    pace ??= { at: virtual.monotonicMs(), since: real.monotonicMs() };
    const realMs = (nextAt - pace.at) / speed - (real.monotonicMs() - pace.since);
    if (realMs <= 0) return Promise.resolve('reached');
    return new Promise((resolve) => {
      const timer = real.after(realMs, () => resolve('reached'));
      wake = () => {
        timer.cancel();
        resolve('woken');
      };
    });
  }

  return {
    time,
    async run(outer) {
      const signal = AbortSignal.any([outer, stopped.signal]);
      signal.addEventListener('abort', () => wake());
      while (!signal.aborted) {
        // Lets promises that the last timers settled, and sockets, have their turn.
        await setImmediate();
        await options.idle(signal);
        const nextAt = virtual.nextTimerAt();
        if (nextAt === undefined) await sleep(real, noTimerPauseMs, signal);
        else if (!signal.aborted && (await waitUntil(nextAt)) === 'reached') virtual.advanceTo(nextAt);
      }
    },
    stop: () => stopped.abort(),
  };
}
