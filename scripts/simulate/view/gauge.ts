import { type Line, type Part, part } from './line.ts';
import type { MetricView } from './view-model.ts';

const drawn = 60;
const unicodeSteps = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const asciiSteps = ['_', '.', ',', '-', '=', '+', '*', '#'];

interface Scale {
  least: number;
  most: number;
}

/** From the smallest to the largest of the latest values and the limits, with room beyond them. */
function scaleOf({ history, upper, lower, value }: MetricView): Scale | undefined {
  const known = [...history.slice(-drawn), value, upper, lower].filter((one) => one !== undefined);
  const finite = known.filter((one) => Number.isFinite(one));
  if (finite.length === 0) return undefined;
  const least = Math.min(...finite);
  const most = Math.max(...finite);
  const room = (most - least || Math.abs(most) || 1) * 0.15;
  return { least: least - room, most: most + room };
}

function place(value: number, { least, most }: Scale, width: number): number {
  const index = Math.floor(((value - least) / (most - least)) * width);
  return Math.min(width - 1, Math.max(0, index));
}

export function isBeyond({ value, upper, lower }: Pick<MetricView, 'value' | 'upper' | 'lower'>): boolean {
  if (value === undefined) return false;
  return (upper !== undefined && value > upper) || (lower !== undefined && value < lower);
}

/** The value as a bar of this width, with a mark at each limit. */
export function bar(metric: MetricView, width: number, unicode: boolean): Line {
  const glyphs = unicode ? { full: '━', rest: '╌', limit: '┃' } : { full: '=', rest: '.', limit: '|' };
  const scale = scaleOf(metric);
  if (scale === undefined) return [part(glyphs.rest.repeat(width), 'quiet')];
  const { value, upper, lower } = metric;
  const limits = [upper, lower].flatMap((limit) => (limit === undefined ? [] : [place(limit, scale, width)]));
  const end = value === undefined ? -1 : place(value, scale, width);
  const tone = isBeyond(metric) ? 'bad' : 'good';
  const cells = Array.from({ length: width }, (_, index): Part => {
    if (limits.includes(index)) return part(glyphs.limit, 'strong');
    return index <= end ? part(glyphs.full, tone) : part(glyphs.rest, 'quiet');
  });
  return joined(cells);
}

/** The latest values, one a column, the newest at the right; empty columns where there are fewer. */
export function sparkline(metric: MetricView, width: number, unicode: boolean): Line {
  const steps = unicode ? unicodeSteps : asciiSteps;
  const values = metric.history.slice(-Math.min(width, drawn));
  const least = Math.min(...values);
  const most = Math.max(...values);
  const cells = values.map((value) => {
    const step = most === least ? 0 : Math.floor(((value - least) / (most - least)) * (steps.length - 1));
    return part(steps[step] ?? ' ', isBeyond({ ...metric, value }) ? 'bad' : 'link');
  });
  return [part(' '.repeat(width - values.length)), ...joined(cells)];
}

/** Neighbours of one tone become one part. */
function joined(cells: readonly Part[]): Part[] {
  const parts: Part[] = [];
  for (const cell of cells) {
    const last = parts.at(-1);
    if (last?.tone === cell.tone) parts[parts.length - 1] = part(last.text + cell.text, cell.tone);
    else parts.push(cell);
  }
  return parts;
}
