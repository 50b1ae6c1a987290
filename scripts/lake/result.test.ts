import { expect, test } from 'vitest';
import { historyCsv } from '../../cloud/data-out/contract.ts';
import { lineTransform } from '../../cloud/data-out/transform-line.ts';
import { queries } from '../../cloud/sensor-data-lake/queries.ts';
import { readable, toJson, toNdjson } from './result.ts';

test('a result is JSON with an object for each row, a value that there is not null', () => {
  const result = {
    columns: ['day', 'value'],
    rows: [
      ['2026-01-02', null],
      ['2026-01-03', '2'],
    ],
  };
  expect(JSON.parse(toJson(result))).toEqual([
    { day: '2026-01-02', value: null },
    { day: '2026-01-03', value: '2' },
  ]);
});

test('readings of the history are lines that data-out takes, each a row', () => {
  const columns = ['day', 'site', 'device_id', 'measured_at', 'metric', 'value', 'received_at'];
  const at = '2026-01-02 03:04:05.678';
  const rows = [
    ['2026-01-02', 'hall-2', 'press-4', at, 'temperature', '21.5', at],
    ['2026-01-02', 'hall 2, east', 'press-5', at, 'humidity', '40.25', null],
  ];
  const { head, transform } = lineTransform(historyCsv);
  const lines = toNdjson({ columns, rows }).trimEnd().split('\n');
  expect(head).toBe('device,timestamp,site,metric,value\n');
  expect(lines.map((line) => transform({ offset: 1, bytes: Buffer.from(line) }))).toEqual([
    { kind: 'out', text: `press-4,${at},hall-2,temperature,21.5\n` },
    { kind: 'out', text: `press-5,${at},"hall 2, east",humidity,40.25\n` },
  ]);
  const selected = queries.find(({ name }) => name === 'readings')?.columns ?? {};
  expect(Object.keys(selected)).toEqual(expect.arrayContaining(historyCsv.fields.map(({ from }) => from)));
});

test.each([
  ['2026-01-02 03:04:05.678000', '2026-01-02 03:04:05'],
  ['24.667081234', '24.667081'],
  ['21.5', '21.5'],
  ['press-4.0000001x', 'press-4.0000001x'],
  [null, ''],
])('%s is printed as %s', (value, printed) => {
  expect(readable(value)).toBe(printed);
});
