const hourMs = 3_600_000;

/** Cap on new incidents an hour: a guard against a limit that is set wrong. Counts in event time. */
export function createOpeningCap(maxPerHour: () => number) {
  /** Instants of the openings of the last hour, oldest first; never more than the highest cap in it. */
  const openings: number[] = [];
  const forget = (nowMs: number) => {
    while (openings[0] !== undefined && openings[0] <= nowMs - hourMs) openings.shift();
  };
  return {
    /** Whether one more may be opened at `nowMs`; if so it counts. */
    take(nowMs: number): boolean {
      forget(nowMs);
      if (openings.length >= maxPerHour()) return false;
      openings.push(nowMs);
      return true;
    },
    /** Milliseconds until the next may be opened. */
    freeInMs(nowMs: number): number {
      forget(nowMs);
      const [oldest] = openings;
      return openings.length < maxPerHour() || oldest === undefined ? 0 : oldest + hourMs - nowMs;
    },
  };
}
