import type { Breach } from './breach.ts';
import { groupBy } from './group-by.ts';
import { type PublishedReading, type Timed, timelineOf } from './timeline.ts';

export type { PublishedReading } from './timeline.ts';

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
    const timeline = timelineOf(ofDevice);
    for (const rule of rules) {
      breaches.push(...(rule.rule === 'no-data' ? silences(timeline, rule, options) : excursions(timeline, rule)));
    }
  }
  return breaches.sort((a, b) => a.startedAtMs - b.startedAtMs);
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
