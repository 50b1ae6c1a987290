import { expect, test } from 'vitest';
import { queries } from '../../cloud/sensor-data-lake/queries.ts';
import { renderSvg } from '../../device/incident/chart/render-svg.ts';
import { historyChartOption } from './history-chart-option.ts';

const hourly = queries.find(({ name }) => name === 'hourly');
const chart = { x: 'hour', y: 'mean', band: { from: 'lowest', to: 'highest' } };
const columns = ['hour', 'site', 'device_id', 'metric', 'lowest', 'mean', 'highest'];
const row = (hour: number, device: string, metric: string, mean: number) => [
  `2026-01-02 0${hour}:00:00`,
  ...['hall-2', device, metric, String(mean - 1), String(mean), String(mean + 2)],
];
const result = {
  columns,
  rows: [
    row(3, 'press-4', 'temperature', 21),
    row(4, 'press-4', 'temperature', -3),
    row(3, 'press-5', 'temperature', 22),
    row(3, 'press-4', 'humidity', 40),
  ],
};

test('each metric has a panel, each device a line in it, and around it a band from lowest to highest', () => {
  const { option, height } = historyChartOption({ title: 'Hours', chart }, result);
  expect(option).toMatchObject({
    legend: { data: ['hall-2/press-4', 'hall-2/press-5'] },
    title: [{ text: 'Hours' }, { text: 'humidity, %RH' }, { text: 'temperature, °C' }],
  });
  const series = Array.isArray(option.series) ? option.series : [];
  expect(series).toHaveLength(9);
  expect(series.slice(0, 3)).toMatchObject([
    {
      xAxisIndex: 1,
      data: [
        [Date.UTC(2026, 0, 2, 3), 20],
        [Date.UTC(2026, 0, 2, 4), -4],
      ],
    },
    {
      xAxisIndex: 1,
      stackStrategy: 'all',
      data: [
        [Date.UTC(2026, 0, 2, 3), 3],
        [Date.UTC(2026, 0, 2, 4), 3],
      ],
    },
    {
      name: 'hall-2/press-4',
      data: [
        [Date.UTC(2026, 0, 2, 3), 21],
        [Date.UTC(2026, 0, 2, 4), -3],
      ],
    },
  ]);
  expect(series.at(-1)).toMatchObject({ xAxisIndex: 0, symbol: 'circle' });
  expect(renderSvg(option, height)).toContain(`height="${height}"`);
});

test('a query that names columns for a chart has them', () => {
  for (const { chart, columns: ofQuery } of queries) {
    const named = chart === undefined ? [] : [chart.x, chart.y, chart.band?.from ?? chart.x, chart.band?.to ?? chart.x];
    expect(Object.keys(ofQuery)).toEqual(expect.arrayContaining(named));
  }
  expect(hourly?.chart).toEqual(chart);
});

test('a day is its beginning in UTC', () => {
  const daily = { columns: ['day', 'mean', 'metric'], rows: [['2026-01-02', '5', 'temperature']] };
  const { option } = historyChartOption({ title: 'Days', chart: { x: 'day', y: 'mean' } }, daily);
  expect(option.series).toMatchObject([{ data: [[Date.UTC(2026, 0, 2), 5]] }]);
});
