const hourMs = 3_600_000;

/** Cap on new incidents an hour: a guard against a limit that is set wrong. Counts in event time. */
export function createOpeningCap(maxPerHour: () => number) {
  /** Instants of the openings of the last hour, oldest first; never more than the highest cap in it. */
  const openings: number[] = [];
  const forget = (nowMs: number) => {
    while (openings[0] !== undefined && openings[0] <= nowMs - hourMs) openings.shift();
  };
  return {
    /** How many may be opened at `nowMs`. */
    free(nowMs: number): number {
      forget(nowMs);
      return Math.max(0, maxPerHour() - openings.length);
    },
    /** Counts as many as are opened at `nowMs`. */
    take(nowMs: number, count: number): void {
      for (let taken = 0; taken < count; taken += 1) openings.push(nowMs);
    },
    /** Milliseconds until the next may be opened. */
    freeInMs(nowMs: number): number {
      forget(nowMs);
      const [oldest] = openings;
      return openings.length < maxPerHour() || oldest === undefined ? 0 : oldest + hourMs - nowMs;
    },
  };
}
