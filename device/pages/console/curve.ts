import type { DeviceSeries, LiveValues } from '../../console/contract.ts';

/** `[epoch ms, least, greatest, mean]`. */
export type Point = DeviceSeries['series'][number]['points'][number];

/** Points of each metric, ascending. */
export type Curves = ReadonlyMap<string, readonly Point[]>;

/** Most points of a metric that a page keeps, however long it stays open. */
export const mostPoints = 2_400;

export function curvesOf({ series }: DeviceSeries): Curves {
  return new Map(series.map(({ metric, points }) => [metric, points]));
}

/** The curves with what came in since, without what has left the window that begins at `fromMs`. */
export function extended(curves: Curves, values: LiveValues['devices'][number], fromMs: number): Curves {
  const next = new Map(curves);
  for (const { metric, atMs, value, min, max } of values.metrics) {
    const known = curves.get(metric) ?? [];
    const last = known.at(-1);
    if (last !== undefined && last[0] >= atMs) continue;
    const point: Point = [atMs, min, max, value];
    // One point before the window stays, so that the curve comes in from the left.
    const firstIn = known.findIndex(([at]) => at >= fromMs);
    const kept = firstIn < 0 ? known.slice(-1) : known.slice(Math.max(0, firstIn - 1));
    next.set(metric, [...kept.slice(1 - mostPoints), point]);
  }
  return next;
}

/** Columns as uPlot takes them: seconds, mean, least, greatest; nothing where the curve has a gap. */
export type Columns = [number[], (number | null)[], (number | null)[], (number | null)[]];

export function columnsOf(points: readonly Point[], gapMs: number): Columns {
  const columns: Columns = [[], [], [], []];
  const [times, means, least, greatest] = columns;
  let before: number | undefined;
  for (const [atMs, min, max, mean] of points) {
    if (before !== undefined && atMs - before > gapMs) {
      times.push((before + 1) / 1_000);
      for (const values of [means, least, greatest]) values.push(null);
    }
    before = atMs;
    times.push(atMs / 1_000);
    means.push(mean);
    least.push(min);
    greatest.push(max);
  }
  return columns;
}

/** Least and greatest within a window; undefined where there is no point. */
export function extremesOf(
  points: readonly Point[],
  fromMs: number,
  toMs: number,
): { min: number; max: number } | undefined {
  const inside = points.filter(([atMs]) => atMs >= fromMs && atMs <= toMs);
  if (inside.length === 0) return undefined;
  return {
    min: inside.reduce((least, [, min]) => Math.min(least, min), Infinity),
    max: inside.reduce((greatest, [, , max]) => Math.max(greatest, max), -Infinity),
  };
}
