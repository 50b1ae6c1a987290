import type { Logger } from '../platform/logger.ts';
import type { Time, Timer } from '../platform/time.ts';

/** Stores one end, inside a transaction; what it answers is done once that is committed. */
export type End = () => () => void;

/** Group commit: the ends of all attempts that come in together are stored in one transaction. */
export interface Ends {
  add(end: End): void;
  isIdle(): boolean;
  start(): void;
  /** What is not stored by now, or comes later, stays stored as an open attempt, which the next start looks up. */
  stop(): void;
}

export interface EndsOptions {
  transaction: <T>(work: () => T) => T;
  deliveryTime: Time;
  /** Pause before a transaction that failed is tried again. */
  retryMs: number;
  logger: Logger;
  /** Called after each transaction. */
  onCommitted: () => void;
}

export function createEnds({ transaction, deliveryTime, retryMs, logger, onCommitted }: EndsOptions): Ends {
  let waiting: End[] = [];
  let scheduled = false;
  let retry: Timer | undefined;
  let failing = false;
  let stopped = true;

  function schedule(): void {
    if (scheduled || stopped || retry !== undefined) return;
    scheduled = true;
    setImmediate(commit);
  }

  function commit(): void {
    scheduled = false;
    if (stopped) return;
    const batch = waiting;
    waiting = [];
    let after: (() => void)[] = [];
    try {
      after = transaction(() => batch.map((end) => end()));
      failing = false;
    } catch (error) {
      // Kept, and tried again: the attempts stay stored as open, so a crash meanwhile is safe too.
      if (!failing) logger.error({ err: error }, 'end of an attempt not stored');
      failing = true;
      waiting = [...batch, ...waiting];
      retry = deliveryTime.after(retryMs, () => {
        retry = undefined;
        schedule();
      });
    }
    for (const done of after) done();
    onCommitted();
  }

  return {
    start() {
      stopped = false;
    },
    add(end) {
      if (stopped) return;
      waiting.push(end);
      schedule();
    },
    isIdle: () => waiting.length === 0 && !scheduled,
    stop() {
      stopped = true;
      waiting = [];
      retry?.cancel();
      retry = undefined;
    },
  };
}
