import type { AnomalyMessage } from '../../anomaly/anomaly.ts';

export type Point = [atMs: number, value: number];

/** Instants that a calendar can show, ms either side of the epoch (ECMAScript's range of dates). */
const calendarMs = 8.64e15;
/** Values further out are drawn here, those nearer to zero as zero: an axis reckons with differences and their inverse. */
const furthestValue = 1e300;
const nearestValue = 1e-300;
/** Readings further apart than this many usual intervals are not joined by a line: nothing was measured between. */
const gapIntervals = 4;

/** What can be drawn, oldest first. */
export function drawablePoints({ window }: AnomalyMessage): Point[] {
  return window
    .filter(([atMs]) => Math.abs(atMs) < calendarMs)
    .map(([atMs, value]): Point => [atMs, drawableValue(value)])
    .sort((a, b) => a[0] - b[0]);
}

export function drawableValue(value: number): number {
  if (Math.abs(value) < nearestValue) return 0;
  return Math.max(-furthestValue, Math.min(value, furthestValue));
}

/** From the first to the last reading, with a little room; without readings, around the breach. Epoch ms. */
export function timeRange({ startedAt, endedAt, at }: AnomalyMessage, points: readonly Point[]): [number, number] {
  const instants =
    points.length > 0 ? points.map(([atMs]) => atMs) : [Date.parse(startedAt), Date.parse(endedAt ?? at)];
  const [from, to] = [Math.min(...instants), Math.max(...instants)];
  const room = to > from ? (to - from) * 0.02 : 30_000;
  return [Math.max(from - room, -calendarMs), Math.min(to + room, calendarMs)];
}

/** The points with one of no value in each gap, where the line is to break. */
export function withGaps(points: readonly Point[]): [atMs: number, value: number | null][] {
  const intervals = points.slice(1).map(([atMs], index) => atMs - (points[index]?.[0] ?? atMs));
  const usual = intervals.toSorted((a, b) => a - b)[Math.floor(intervals.length / 2)] ?? 0;
  return points.flatMap((point, index) => {
    const isAfterGap = (intervals[index - 1] ?? 0) > usual * gapIntervals;
    return isAfterGap ? [[point[0], null], point] : [point];
  });
}
