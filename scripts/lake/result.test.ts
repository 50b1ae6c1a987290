import { expect, test } from 'vitest';
import { readable, toJson } from './result.ts';

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

test.each([
  ['2026-01-02 03:04:05.678000', '2026-01-02 03:04:05'],
  ['24.667081234', '24.667081'],
  ['21.5', '21.5'],
  ['press-4.0000001x', 'press-4.0000001x'],
  [null, ''],
])('%s is printed as %s', (value, printed) => {
  expect(readable(value)).toBe(printed);
});
