/** A reading that really went out, or a row of a recording. */
export interface PublishedReading {
  site: string;
  deviceId: string;
  atMs: number;
  /** Absent in recordings: wall time is all there is. */
  monotonicMs?: number | undefined;
  /** Monotonic instants compare only within one boot. */
  bootId?: string | undefined;
  /** Whether wall time was known to be right; absent: it was. */
  clockSynchronised?: boolean | undefined;
  metrics: Readonly<Record<string, number>>;
}

/** A reading with its place on an axis that only moves forward, ms: the axis of all durations. */
export interface Timed extends PublishedReading {
  elapsedMs: number;
}

/** Instants stamped before the clock was right, as they were found to be in the same boot later. */
function withRightTimes(readings: readonly PublishedReading[]): PublishedReading[] {
  const wallAtOrigin = new Map<string, number>();
  for (const { bootId, monotonicMs, atMs, clockSynchronised } of readings) {
    if (bootId === undefined || monotonicMs === undefined || clockSynchronised !== true) continue;
    if (!wallAtOrigin.has(bootId)) wallAtOrigin.set(bootId, atMs - monotonicMs);
  }
  return readings.map((reading) => {
    const { bootId = '', monotonicMs, clockSynchronised } = reading;
    const origin = wallAtOrigin.get(bootId);
    if (clockSynchronised !== false || origin === undefined || monotonicMs === undefined) return reading;
    return { ...reading, atMs: Math.round(origin + monotonicMs) };
  });
}

/** Monotonic time within a boot, wall time between boots and where there is no other; late copies are left out. */
export function timelineOf(readings: readonly PublishedReading[]): Timed[] {
  const timeline: Timed[] = [];
  for (const reading of withRightTimes(readings)) {
    const before = timeline.at(-1);
    const stepMs = before === undefined ? 0 : stepBetween(before, reading);
    if (stepMs !== undefined) timeline.push({ ...reading, elapsedMs: (before?.elapsedMs ?? 0) + stepMs });
  }
  return timeline;
}

/** Undefined: the later one is a copy of what was before. */
function stepBetween(before: Timed, after: PublishedReading): number | undefined {
  if (before.monotonicMs !== undefined && after.monotonicMs !== undefined && before.bootId === after.bootId) {
    const stepMs = after.monotonicMs - before.monotonicMs;
    return stepMs < 0 ? undefined : stepMs;
  }
  if (before.bootId !== after.bootId) return Math.max(0, after.atMs - before.atMs);
  return after.atMs < before.atMs ? undefined : after.atMs - before.atMs;
}
