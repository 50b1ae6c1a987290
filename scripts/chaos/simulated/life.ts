import type { Clock, ManualTime, Time, Timer } from '../../../device/platform/time.ts';

/** Where a component meets the world: a crash can strike right before or after each. A `write` is a request that changes something. */
export type Port = 'commit' | 'publish' | 'request' | 'write';
export interface Crossing {
  port: Port;
  when: 'before' | 'after';
}

/**
 * One life of a component, from its start to its end or crash. Once it is over, nothing that it began reaches the world,
 * and nothing of the world reaches it: its timers do not run, and promises of its ports stay pending for ever.
 */
export interface Life {
  isOver(): boolean;
  end(): void;
  /** The world's time, by the clock of the machine. */
  time(machine: Clock): Time;
  /** Asks whether a crash strikes here. */
  cross(crossing: Crossing): void;
  /** What a port answers: pending for ever once the life is over. */
  answer<T>(value: Promise<T>): Promise<T>;
  /** Calls of the world into the component; dropped once the life is over. */
  hear<A extends unknown[]>(listener: (...values: A) => unknown): (...values: A) => void;
}

export function beginLife(world: ManualTime, onCross: (crossing: Crossing) => void): Life {
  const timers = new Set<Timer>();
  let over = false;
  const never = <T>() => new Promise<T>(() => {});

  return {
    isOver: () => over,
    end() {
      over = true;
      for (const timer of timers) timer.cancel();
      timers.clear();
    },
    time: (machine) => ({
      wallMs: machine.wallMs,
      monotonicMs: machine.monotonicMs,
      after(delayMs, task) {
        if (over) return { cancel() {} };
        const timer = world.after(delayMs, () => {
          timers.delete(timer);
          task();
        });
        timers.add(timer);
        return {
          cancel() {
            timers.delete(timer);
            timer.cancel();
          },
        };
      },
    }),
    cross(crossing) {
      if (!over) onCross(crossing);
    },
    answer: (value) => (over ? never() : value.then((known) => (over ? never() : known))),
    hear:
      (listener) =>
      (...values) => {
        if (!over) void listener(...values);
      },
  };
}
