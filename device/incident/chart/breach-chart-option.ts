import type { AnomalyMessage } from '../../anomaly/anomaly.ts';
import { plain, shorten } from '../texts/format.ts';
import { headline } from '../texts/headline.ts';
import { amount, captionLine, compact, factsLine } from './chart-texts.ts';
import { ink, letterWidth } from './ink.ts';
import { type Bounds, boundsOf, boundsSeries, spanMarks } from './marks.ts';
import { drawablePoints, type Point, timeRange, withGaps } from './points.ts';
import type { EChartsOption, LineSeriesOption } from './render-svg.ts';

/** The readings around a breach, for echarts: limit and deadband, the span of the breach, the furthest reading. */
export function breachChartOption(message: AnomalyMessage): EChartsOption {
  const points = drawablePoints(message);
  const range = timeRange(message, points);
  const bounds = boundsOf(message);
  const furthest = bounds && furthestBeyond(bounds, points);
  return {
    useUTC: true,
    backgroundColor: '#ffffff',
    textStyle: { fontFamily: 'DejaVu Sans' },
    title: titles(message, points),
    grid: { left: 80, right: 140, top: 124, bottom: 62 },
    ...axes(message.unit, range),
    ...(bounds && furthest !== undefined && beyondInRed(bounds, furthest)),
    series: [
      {
        type: 'line',
        data: withGaps(points),
        symbol: 'circle',
        symbolSize: points.length === 1 ? 8 : 3,
        lineStyle: { width: 2 },
        itemStyle: { color: ink.readings },
        ...spanMarks(message, range),
        ...(bounds && furthest !== undefined && furthestMark(bounds, furthest, message.unit)),
      },
      ...(bounds === undefined ? [] : [boundsSeries(bounds, message.unit, range[0])]),
    ],
  };
}

function titles(message: AnomalyMessage, points: readonly Point[]) {
  const bold = { fontWeight: 'bold' as const };
  const line = (
    text: string,
    left: number,
    top: number,
    fontSize: number,
    style: { fontWeight: 'bold' | 'normal'; color: string },
  ) => {
    // A long line is set smaller rather than cut.
    const fitting = Math.floor((856 - left) / (text.length * letterWidth[style.fontWeight]));
    return { text, left, top, padding: 0, textStyle: { fontSize: Math.min(fontSize, fitting), ...style } };
  };
  const plainLine = { fontWeight: 'normal' as const, color: ink.faint };
  const pill = { padding: [5, 12], borderRadius: 11, backgroundColor: ink[message.severity] };
  const instants = points.map(([atMs]) => atMs);
  return [
    line(shorten(headline(message), 140), 24, 20, 20, { ...bold, color: ink.text }),
    { text: message.severity, left: 24, top: 54, ...pill, textStyle: { ...bold, fontSize: 12, color: '#ffffff' } },
    line(factsLine(message), 124, 58, 13, plainLine),
    line(captionLine(message, instants), 24, 406, 11, plainLine),
    ...(points.length === 0 ? [line('no readings', 370, 230, 13, plainLine)] : []),
  ];
}

/** Labels in UTC, by `useUTC`: the day where a day begins, else the time. */
function axes(unit: string, [min, max]: readonly [number, number]) {
  const day = '{yyyy}-{MM}-{dd}';
  const time = { hour: '{HH}:{mm}', minute: '{HH}:{mm}', second: '{HH}:{mm}:{ss}', millisecond: '{ss}.{SSS}' };
  const formatter = { year: day, month: day, day, ...time };
  const color = ink.faint;
  return {
    xAxis: {
      type: 'time',
      min,
      max,
      axisLine: { onZero: false, lineStyle: { color } },
      axisLabel: { color, hideOverlap: true, formatter },
    },
    yAxis: {
      type: 'value',
      scale: true,
      boundaryGap: ['10%', '10%'],
      name: plain(unit),
      nameTextStyle: { color, align: 'right' },
      axisLabel: { color, formatter: compact },
      splitLine: { lineStyle: { color: ink.grid } },
    },
  } satisfies EChartsOption;
}

/** The reading furthest beyond the limit, if one is. */
function furthestBeyond({ limit, sign }: Bounds, points: readonly Point[]): number | undefined {
  const furthest = sign * Math.max(...points.map(([, value]) => sign * value));
  return sign * furthest > sign * limit ? furthest : undefined;
}

/** echarts colours a line by value only where both ends of the piece are finite. */
function beyondInRed({ limit }: Bounds, furthest: number) {
  const piece = { min: Math.min(limit, furthest), max: Math.max(limit, furthest), color: ink.breach };
  const outOfRange = { color: ink.readings };
  return {
    visualMap: { type: 'piecewise', show: false, seriesIndex: 0, dimension: 1, pieces: [piece], outOfRange },
  } satisfies EChartsOption;
}

function furthestMark({ sign }: Bounds, furthest: number, unit: string): Pick<LineSeriesOption, 'markPoint'> {
  const [type, position] = sign === 1 ? (['max', 'top'] as const) : (['min', 'bottom'] as const);
  return {
    markPoint: {
      symbol: 'circle',
      symbolSize: 9,
      itemStyle: { color: '#ffffff', borderColor: ink.breach, borderWidth: 2 },
      label: { position, formatter: () => amount(furthest, unit), color: ink.breach, fontWeight: 'bold' },
      data: [{ name: 'furthest', type }],
    },
  };
}
