import type { AnomalyMessage } from '../../anomaly/anomaly.ts';
import type { Bounds } from './bounds.ts';
import { amount, escaped, ink, plot, px, width } from './markup.ts';
import type { Scale } from './ticks.ts';

export type Point = readonly [atMs: number, value: number];

/** Readings further apart than this many usual intervals are not joined by a line: nothing was measured between. */
const gapIntervals = 4;

/** The line, and over it in red its part beyond the limit; the furthest reading is named. */
export function readings(
  points: readonly Point[],
  bounds: Bounds | undefined,
  { unit }: AnomalyMessage,
  time: Scale,
  value: Scale,
): string {
  if (points.length === 0) {
    const middle = [(plot.left + plot.right) / 2, (plot.top + plot.bottom) / 2];
    return `<text x="${middle[0]}" y="${middle[1]}" fill="${ink.faint}" text-anchor="middle">no readings</text>`;
  }
  const runs = joined(points).map((run) => run.map(([at, v]) => `${px(time.at(at))},${px(value.at(v))}`));
  // A run of one reading is a dot: a line to itself with round ends.
  const drawn = (color: string, extra: string) =>
    runs.map((run) => {
      const [first, ...rest] = run;
      const path = rest.length === 0 ? `${first} ${first}` : run.join(' ');
      const [thick, shape] = rest.length === 0 ? [6, 'stroke-linecap'] : [2, 'stroke-linejoin'];
      return `<polyline class="readings" points="${path}" fill="none" stroke="${color}" stroke-width="${thick}" ${shape}="round"${extra}/>`;
    });
  const lines = drawn(ink.line, '');
  if (bounds === undefined) return lines.join('\n');
  const limitY = value.at(bounds.limit);
  const [top, bottom] = bounds.beyond === 'above' ? [plot.top, limitY] : [limitY, plot.bottom];
  return [
    ...lines,
    `<clipPath id="beyond"><rect x="0" y="${px(top)}" width="${width}" height="${px(Math.max(0, bottom - top))}"/></clipPath>`,
    ...drawn(ink.breach, ' clip-path="url(#beyond)"'),
    peak(points, bounds, unit, time, value),
  ].join('\n');
}

function peak(points: readonly Point[], { limit, beyond }: Bounds, unit: string, time: Scale, value: Scale): string {
  const sign = beyond === 'above' ? 1 : -1;
  const [first, ...rest] = points;
  if (first === undefined) return '';
  const [at, furthest] = rest.reduce((best, one) => (sign * one[1] > sign * best[1] ? one : best), first);
  if (sign * furthest <= sign * limit) return '';
  const x = time.at(at);
  const y = value.at(furthest);
  const inside = Math.min(Math.max(x, plot.left + 50), plot.right - 40);
  return [
    `<circle class="peak" cx="${px(x)}" cy="${px(y)}" r="4" fill="#ffffff" stroke="${ink.breach}" stroke-width="2"/>`,
    `<text x="${px(inside)}" y="${px(y - sign * 11 + (sign > 0 ? 0 : 9))}" font-size="12" font-weight="bold" fill="${ink.breach}" text-anchor="middle">${escaped(amount(furthest, unit))}</text>`,
  ].join('\n');
}

/** Runs of readings without a gap. */
function joined(points: readonly Point[]): Point[][] {
  const intervals = points.slice(1).map(([at], index) => at - (points[index]?.[0] ?? at));
  const usual = intervals.toSorted((a, b) => a - b)[Math.floor(intervals.length / 2)] ?? 0;
  const runs: Point[][] = [];
  points.forEach((point, index) => {
    const run = runs.at(-1);
    if (run === undefined || (intervals[index - 1] ?? 0) > usual * gapIntervals) runs.push([point]);
    else run.push(point);
  });
  return runs;
}
