import type { Logger } from '../platform/logger.ts';
import { isDiskFull } from '../platform/sqlite.ts';

/** Work of one transaction; what it answers is done once that is committed and synced. */
export type Work = () => (() => void) | undefined;

/** Group commit of what comes in: an answer follows the commit and its sync, never precedes them. */
export interface Inbox {
  /** Adds work to the next transaction. */
  add(work: Work): void;
  /** Whether so much waits that messages should be dropped: their senders send them again. */
  isCrowded(): boolean;
  isIdle(): boolean;
  /** What waits is given up: nothing of it was answered. */
  stop(): void;
}

export interface InboxOptions {
  transaction: <T>(work: () => T) => T;
  /** Calls back once what was committed until now survives a power loss. */
  afterSync: (done: () => void) => void;
  /** Called after a transaction that was rolled back. */
  onRolledBack: () => void;
  /** Called once a batch is over. */
  onCommitted: () => void;
  logger: Logger;
}

const crowdedAt = 10_000;
const mostAtATime = 256;

export function createInbox({ transaction, afterSync, onRolledBack, onCommitted, logger }: InboxOptions): Inbox {
  let waiting: Work[] = [];
  let scheduled = false;
  let syncing = 0;
  let stopped = false;

  function schedule(): void {
    if (scheduled || stopped) return;
    scheduled = true;
    setImmediate(commit);
  }

  function commit(): void {
    scheduled = false;
    if (stopped) return;
    const batch = waiting.slice(0, mostAtATime);
    waiting = waiting.slice(batch.length);
    const after = store(batch);
    if (waiting.length > 0) schedule();
    syncing += 1;
    afterSync(() => {
      syncing -= 1;
      if (stopped) return;
      for (const done of after) done?.();
      onCommitted();
    });
  }

  function store(batch: readonly Work[]): ((() => void) | undefined)[] {
    try {
      return transaction(() => batch.map((work) => work()));
    } catch (error) {
      // Nothing is answered, so the monitors send again: what they sent is not lost.
      onRolledBack();
      if (isDiskFull(error)) return [];
      // One message that cannot be handled must not hold up its neighbours.
      if (batch.length > 1) return batch.flatMap((work) => store([work]));
      logger.error({ err: error }, 'a message could not be handled');
      return [];
    }
  }

  return {
    add(work) {
      if (stopped) return;
      waiting.push(work);
      schedule();
    },
    isCrowded: () => waiting.length >= crowdedAt,
    isIdle: () => waiting.length === 0 && !scheduled && syncing === 0,
    stop() {
      stopped = true;
      waiting = [];
    },
  };
}
