import type { LakeQuery } from '../../cloud/sensor-data-lake/queries.ts';
import type { QueryResult } from '../../cloud/shared/lake/query-result.ts';
import type { EChartsOption, LineSeriesOption } from '../../device/incident/chart/render-svg.ts';

export interface HistoryChart {
  option: EChartsOption;
  /** px: a panel for each metric. */
  height: number;
}

/** Told apart by people with colour blindness too (Okabe and Ito); from the eighth device on they come again, dashed. */
const colors = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00', '#000000'];
const faint = '#5f6b7a';
const panel = { first: 104, height: 180, gap: 56, left: 72, right: 32 };
const units: Readonly<Record<string, string>> = { temperature: '°C', humidity: '%RH', pressure: 'hPa' };

type Point = [atMs: number, value: number];
interface Line {
  metric: string;
  device: string;
  points: Point[];
  /** Lowest and highest value, where the query has them. */
  band: { from: Point[]; over: Point[] };
}

/** A query's result over time: a panel for each metric, a line for each device, in it, and a band from lowest to highest. */
export function historyChartOption(
  { title, chart }: Pick<LakeQuery, 'title'> & { chart: NonNullable<LakeQuery['chart']> },
  result: QueryResult,
): HistoryChart {
  const lines = linesOf(result, chart);
  const metrics = [...new Set(lines.map(({ metric }) => metric))].toSorted();
  const devices = [...new Set(lines.map(({ device }) => device))].toSorted();
  const top = (place: number) => panel.first + place * (panel.height + panel.gap);
  const counts = chart.y === 'above';
  return {
    height: top(Math.max(1, metrics.length)) - panel.gap + 48,
    option: {
      useUTC: true,
      backgroundColor: '#ffffff',
      textStyle: { fontFamily: 'DejaVu Sans' },
      title: [
        { text: title, left: 24, top: 16, textStyle: { fontSize: 18, color: '#1d2530' } },
        ...metrics.map((metric, place) => ({
          text: counts || units[metric] === undefined ? metric : `${metric}, ${units[metric]}`,
          left: panel.left,
          top: top(place) - 28,
          textStyle: { fontSize: 13, fontWeight: 'normal' as const, color: faint },
        })),
      ],
      legend: { data: devices, left: 24, right: 24, top: 46, type: 'scroll', textStyle: { color: '#1d2530' } },
      grid: metrics.map((_, place) => ({
        left: panel.left,
        right: panel.right,
        top: top(place),
        height: panel.height,
      })),
      xAxis: metrics.map((_, gridIndex) => ({
        type: 'time' as const,
        gridIndex,
        axisLabel: { color: faint, hideOverlap: true, formatter: axisFormat },
        axisLine: { onZero: false, lineStyle: { color: faint } },
      })),
      yAxis: metrics.map((_, gridIndex) => ({
        type: 'value' as const,
        gridIndex,
        scale: true,
        splitNumber: 4,
        axisLabel: { color: faint },
        splitLine: { lineStyle: { color: '#e4e8ed' } },
      })),
      series: lines.flatMap((line) => seriesOf(line, metrics.indexOf(line.metric), devices.indexOf(line.device))),
    },
  };
}

const day = '{yyyy}-{MM}-{dd}';
const axisFormat = { year: day, month: day, day, hour: '{HH}:{mm}', minute: '{HH}:{mm}', second: '{HH}:{mm}:{ss}' };

function linesOf({ columns, rows }: QueryResult, { x, y, band }: NonNullable<LakeQuery['chart']>): Line[] {
  const place = (column: string) => columns.indexOf(column);
  const lines = new Map<string, Line>();
  for (const row of rows) {
    const text = (column: string) => row[place(column)] ?? '';
    const [metric, site, device] = [text('metric'), text('site'), text('device_id')];
    const name = `${site}/${device}`;
    const key = JSON.stringify([metric, name]);
    const line = lines.get(key) ?? { metric, device: name, points: [], band: { from: [], over: [] } };
    lines.set(key, line);
    const atMs = instantOf(text(x));
    line.points.push([atMs, Number(text(y))]);
    if (band === undefined) continue;
    const [from, to] = [Number(text(band.from)), Number(text(band.to))];
    line.band.from.push([atMs, from]);
    line.band.over.push([atMs, to - from]);
  }
  return [...lines.values()];
}

/** `2026-01-02`, or `2026-01-02 03:00:00.000`, in UTC. */
function instantOf(text: string): number {
  return Date.parse(text.includes(' ') ? `${text.replace(' ', 'T')}Z` : text);
}

function seriesOf({ device, points, band }: Line, panelIndex: number, deviceIndex: number): LineSeriesOption[] {
  const axes = { type: 'line', xAxisIndex: panelIndex, yAxisIndex: panelIndex, symbol: 'none' } as const;
  const color = colors[deviceIndex % colors.length] ?? faint;
  const dashed = deviceIndex >= colors.length;
  const line: LineSeriesOption = {
    ...axes,
    name: device,
    data: points,
    // A line of one point has no length.
    ...(points.length === 1 ? { symbol: 'circle', symbolSize: 8 } : {}),
    itemStyle: { color },
    lineStyle: { width: 2, type: dashed ? 'dashed' : 'solid' },
  };
  if (band.from.length === 0) return [line];
  const stacked = {
    ...axes,
    stack: `${panelIndex} ${device}`,
    stackStrategy: 'all',
    lineStyle: { opacity: 0 },
    itemStyle: { color },
  } as const;
  return [{ ...stacked, data: band.from }, { ...stacked, data: band.over, areaStyle: { color, opacity: 0.15 } }, line];
}
