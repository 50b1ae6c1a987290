import type { Breach } from './breach.ts';
import { groupBy } from './group-by.ts';

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

export interface LimitParameters {
  rule: 'upper' | 'lower';
  metric: string;
  limit: number;
  deadband: number;
  onDelayMs: number;
  offDelayMs: number;
}

export interface NoDataParameters {
  rule: 'no-data';
  noDataAfterMs: number;
}

/** What makes a breach, in plain numbers. */
export type RuleParameters = LimitParameters | NoDataParameters;

/** A time in which nobody listened, so that its silence proves nothing. */
export interface Downtime {
  fromMs: number;
  toMs: number;
}

export interface TruthOptions {
  /** How long the sensor was watched; a silence up to here counts. Default: until its last reading. */
  watchedUntilMs?: number | undefined;
  downtimes?: readonly Downtime[];
  /** A silence that is longer than its rule's by less than this may fire or not. Default 0: timers are exact, as in a replay. */
  timerSlackMs?: number | undefined;
}

/**
 * The breaches in these readings, told by nothing but the readings and the rules. A breach begins at the first value
 * beyond the limit and is given up, or ends, only at one past the deadband; it counts once it has lasted `onDelayMs`, and
 * its end once that has lasted `offDelayMs`; both are judged when a reading comes. A silence begins at the last reading
 * before it and ends at the first after it. Readings of a device are taken in the order given.
 */
export function breachesIn(
  readings: Iterable<PublishedReading>,
  rules: readonly RuleParameters[],
  options: TruthOptions = {},
): Breach[] {
  const breaches: Breach[] = [];
  for (const [, ofDevice] of groupBy(readings, ({ site, deviceId }) => JSON.stringify([site, deviceId]))) {
    const timeline = elapsedTimeline(withRightTimes(ofDevice));
    for (const rule of rules) {
      breaches.push(...(rule.rule === 'no-data' ? silences(timeline, rule, options) : excursions(timeline, rule)));
    }
  }
  return breaches.sort((a, b) => a.startedAtMs - b.startedAtMs);
}

/** A reading with its place on an axis that only moves forward, ms: the axis of all durations. */
interface Timed extends PublishedReading {
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
function elapsedTimeline(readings: readonly PublishedReading[]): Timed[] {
  const timeline: Timed[] = [];
  for (const reading of readings) {
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

function excursions(timeline: readonly Timed[], rule: LimitParameters): Breach[] {
  const found: Breach[] = [];
  let started: Timed | undefined;
  let breach: Breach | undefined;
  let cleared: Timed | undefined;
  for (const reading of timeline) {
    const value = reading.metrics[rule.metric];
    if (value === undefined) continue;
    const beyond = rule.rule === 'upper' ? value > rule.limit : value < rule.limit;
    const back = rule.rule === 'upper' ? value <= rule.limit - rule.deadband : value >= rule.limit + rule.deadband;

    if (beyond) {
      started ??= reading;
      cleared = undefined;
    } else if (back && breach === undefined) {
      started = undefined;
    } else if (back) {
      cleared ??= reading;
    }
    if (started !== undefined && breach === undefined && reading.elapsedMs - started.elapsedMs >= rule.onDelayMs) {
      breach = beginning(started, rule, reading.atMs);
      found.push(breach);
    }
    if (breach !== undefined && cleared !== undefined && reading.elapsedMs - cleared.elapsedMs >= rule.offDelayMs) {
      breach.endedAtMs = cleared.atMs;
      breach.resolvedAtMs = reading.atMs;
      started = undefined;
      breach = undefined;
      cleared = undefined;
    }
  }
  return found;
}

function beginning(
  { site, deviceId, atMs, clockSynchronised }: Timed,
  { metric, rule }: LimitParameters,
  firedAtMs: number,
): Breach {
  return {
    site,
    deviceId,
    metric,
    rule,
    startedAtMs: atMs,
    endedAtMs: null,
    firedAtMs,
    resolvedAtMs: null,
    optional: false,
    clockWasWrong: clockSynchronised === false,
  };
}

function silences(timeline: readonly Timed[], { noDataAfterMs }: NoDataParameters, options: TruthOptions): Breach[] {
  const { watchedUntilMs, downtimes = [], timerSlackMs = 0 } = options;
  const found: Breach[] = [];
  for (const [index, last] of timeline.entries()) {
    const next = timeline[index + 1];
    const gapMs =
      next === undefined ? Math.max(0, (watchedUntilMs ?? last.atMs) - last.atMs) : next.elapsedMs - last.elapsedMs;
    const rebooted = next !== undefined && next.bootId !== last.bootId;
    const watched = rebooted
      ? { fromMs: last.atMs, toMs: last.atMs + gapMs }
      : longestWatched(last.atMs, last.atMs + gapMs, downtimes);
    const silentMs = watched.toMs - watched.fromMs;
    if (silentMs < noDataAfterMs) continue;
    // A reading that comes at the very instant at which the silence is due may be first; and nobody knows how much of a
    // silence between two boots was listened to.
    const optional = rebooted || silentMs <= noDataAfterMs + timerSlackMs;
    found.push({
      site: last.site,
      deviceId: last.deviceId,
      metric: '*',
      rule: 'no-data',
      startedAtMs: last.atMs,
      endedAtMs: next?.atMs ?? null,
      firedAtMs: watched.fromMs + noDataAfterMs,
      resolvedAtMs: next?.atMs ?? null,
      optional,
      clockWasWrong: last.clockSynchronised === false,
    });
  }
  return found;
}

/** The longest part of a gap in which somebody listened. */
function longestWatched(fromMs: number, toMs: number, downtimes: readonly Downtime[]): Downtime {
  let longest = { fromMs, toMs: fromMs };
  let sinceMs = fromMs;
  const inside = downtimes.filter((one) => one.toMs > fromMs && one.fromMs < toMs);
  for (const down of [...inside.sort((a, b) => a.fromMs - b.fromMs), { fromMs: toMs, toMs }]) {
    if (down.fromMs - sinceMs > longest.toMs - longest.fromMs) longest = { fromMs: sinceMs, toMs: down.fromMs };
    sinceMs = Math.max(sinceMs, down.toMs);
  }
  return longest;
}

/** What a scenario promises. */
export interface PromisedBreach {
  metric: string;
  rule: string;
  startedAfterMs: number;
  endedAfterMs: number;
}

/** The breaches of a scenario whose sensor began at `startedAtMs`; readings meet them within an interval or two. */
export function promisedBreaches(
  promised: readonly PromisedBreach[],
  { site, deviceId, startedAtMs }: { site: string; deviceId: string; startedAtMs: number },
): Breach[] {
  return promised.map(({ metric, rule, startedAfterMs, endedAfterMs }) => ({
    site,
    deviceId,
    metric,
    rule,
    startedAtMs: startedAtMs + startedAfterMs,
    endedAtMs: startedAtMs + endedAfterMs,
    firedAtMs: startedAtMs + startedAfterMs,
    resolvedAtMs: startedAtMs + endedAfterMs,
    optional: false,
  }));
}
