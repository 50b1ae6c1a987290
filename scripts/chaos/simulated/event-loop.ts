import type { ManualTime } from '../../../device/platform/time.ts';

/** The event loop in the hands of the world: timers by its clock, and the next turn (`setImmediate`) when it says so. */
export interface EventLoop {
  /** Lets all that is due until then (monotonic) happen; promises have their turn in between. `onInstant` may end it. */
  passTo(endMs: number, onInstant?: () => 'go on' | 'stop'): Promise<void>;
  /** Gives `setImmediate` back to the process. */
  giveBack(): void;
}

const realImmediate = globalThis.setImmediate;

/** One at a time: it takes the process's `setImmediate`. */
export function eventLoop(time: ManualTime): EventLoop {
  const immediates: (() => void)[] = [];
  const taken = (task: (...values: unknown[]) => void, ...values: unknown[]) => {
    immediates.push(() => task(...values));
  };
  Object.assign(globalThis, { setImmediate: taken });

  /** Until nothing moves any more without the clock. */
  async function turns(): Promise<void> {
    do {
      for (const task of immediates.splice(0)) task();
      await new Promise<void>((resolve) => {
        realImmediate(resolve);
      });
    } while (immediates.length > 0);
  }

  return {
    async passTo(endMs, onInstant = () => 'go on') {
      await turns();
      for (let next = time.nextTimerAt(); next !== undefined && next <= endMs; next = time.nextTimerAt()) {
        if (onInstant() === 'stop') return;
        time.advanceTo(next);
        await turns();
      }
      time.advanceTo(endMs);
    },
    giveBack() {
      immediates.length = 0;
      Object.assign(globalThis, { setImmediate: realImmediate });
    },
  };
}
