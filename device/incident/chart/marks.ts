import type { AnomalyMessage } from '../../anomaly/anomaly.ts';
import { clockTime } from '../texts/format.ts';
import { amount } from './chart-texts.ts';
import { ink } from './ink.ts';
import { drawableValue } from './points.ts';
import type { LineSeriesOption } from './render-svg.ts';

/** Limit and clearing value. `sign` is 1 where values above the limit breach, -1 where those below. */
export interface Bounds {
  limit: number;
  clears: number;
  sign: 1 | -1;
}

/** Undefined for the rules whose limit is no value of the metric. */
export function boundsOf({ rule, limit, deadband }: AnomalyMessage): Bounds | undefined {
  if (limit === null || (rule !== 'upper' && rule !== 'lower')) return undefined;
  const sign = rule === 'upper' ? 1 : -1;
  return { limit: drawableValue(limit), clears: drawableValue(limit - sign * (deadband ?? 0)), sign };
}

/** The breach shaded, as far as the axis reaches, and its start and end where they lie on it. */
export function spanMarks(
  { startedAt, endedAt, at }: AnomalyMessage,
  [from, to]: readonly [number, number],
): Pick<LineSeriesOption, 'markArea' | 'markLine'> {
  const within = (atMs: number) => Math.min(Math.max(atMs, from), to);
  const startMs = Date.parse(startedAt);
  const endMs = endedAt === null ? Number.POSITIVE_INFINITY : Date.parse(endedAt);
  // The labels have a row each and lean to the middle, so that they neither meet nor leave the picture.
  const edge = (xAxis: number, text: string, distance: number) => ({
    xAxis,
    label: { formatter: () => text, distance, align: xAxis > (from + to) / 2 ? ('right' as const) : ('left' as const) },
  });
  const edges = [
    edge(startMs, `start ${clockTime(startedAt, at)}`, 20),
    ...(endedAt === null ? [] : [edge(endMs, `end ${clockTime(endedAt, at)}`, 5)]),
  ];
  return {
    markArea: {
      itemStyle: { color: ink.breach, opacity: 0.09 },
      data: [[{ xAxis: within(startMs) }, { xAxis: within(endMs) }]],
    },
    markLine: {
      symbol: 'none',
      lineStyle: { color: ink.breach, type: 'solid', opacity: 0.6 },
      label: { color: ink.breach, opacity: 1 },
      data: edges.filter(({ xAxis }) => xAxis >= from && xAxis <= to),
    },
  };
}

/**
 * Limit and deadband. The marks of a series do not stretch the axis, its values do: so this one has the two bounds as
 * values, and draws no line between them.
 */
export function boundsSeries({ limit, clears, sign }: Bounds, unit: string, from: number): LineSeriesOption {
  const hasBand = limit !== clears;
  const line = (yAxis: number, name: string, color: string, verticalAlign: 'top' | 'bottom') => ({
    yAxis,
    lineStyle: { color },
    label: { formatter: () => `${name} ${amount(yAxis, unit)}`, color, verticalAlign },
  });
  const [outside, inside] = sign === 1 ? (['bottom', 'top'] as const) : (['top', 'bottom'] as const);
  return {
    type: 'line',
    data: [
      [from, limit],
      [from, clears],
    ],
    symbol: 'none',
    lineStyle: { opacity: 0 },
    markArea: {
      itemStyle: { color: ink.deadband, opacity: 0.25 },
      data: hasBand ? [[{ yAxis: limit }, { yAxis: clears }]] : [],
    },
    markLine: {
      symbol: 'none',
      lineStyle: { type: 'dashed', width: 1.5 },
      data: [
        line(limit, 'limit', ink.breach, outside),
        ...(hasBand ? [line(clears, 'clears', ink.clears, inside)] : []),
      ],
    },
  };
}
