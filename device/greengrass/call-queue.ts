export interface CallQueueLimits {
  /** Calls under way at a time. */
  underWay: number;
  /** Calls that wait for their turn; one more is refused. */
  waiting: number;
}

export interface CallQueue {
  /**
   * Runs `start` when it is its turn: after the others of its lane, one at a time, and within the limits. The answer ends
   * its turn, or its waiting; it is undefined, and nothing runs, when too many wait. Idempotent.
   */
  enter(lane: string, start: () => void): (() => void) | undefined;
}

interface Entry {
  lane: string;
  start: () => void;
}

/**
 * Keeps the order within a lane, and a few calls under way in all: Nucleus Lite refuses what comes while ten are, and no
 * nucleus promises to keep the order of what it has at the same time. Anomalies and readings have lanes of their own.
 */
export function createCallQueue(limits: CallQueueLimits): CallQueue {
  const waiting = new Set<Entry>();
  const underWay = new Set<Entry>();
  const busyLanes = new Set<string>();

  function pump(): void {
    for (const entry of waiting) {
      if (underWay.size >= limits.underWay) return;
      if (busyLanes.has(entry.lane)) continue;
      waiting.delete(entry);
      underWay.add(entry);
      busyLanes.add(entry.lane);
      entry.start();
    }
  }

  return {
    enter(lane, start) {
      if (waiting.size >= limits.waiting) return undefined;
      const entry = { lane, start };
      waiting.add(entry);
      pump();
      return () => {
        waiting.delete(entry);
        if (!underWay.delete(entry)) return;
        busyLanes.delete(lane);
        pump();
      };
    },
  };
}
