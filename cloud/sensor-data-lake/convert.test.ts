import { gzipSync } from 'node:zlib';
import { parquetReadObjects } from 'hyparquet';
import { expect, test } from 'vitest';
import { sampleColumns } from './contract.ts';
import { convertObject, largestObject, mostParkedLines } from './convert.ts';
import { line, reading, receivedMs } from './test-messages.ts';

const key = 'readings/2026/01/02/stream-1';
const object = (...lines: string[]) => ({ key, bytes: gzipSync(lines.map((one) => `${one}\n`).join('')) });
const rowsOf = (bytes: Uint8Array) => parquetReadObjects({ file: new Uint8Array(bytes).buffer });

test('readings of two days are a file for each, with the columns of the table', async () => {
  const { files, samples, parked, newestMs } = convertObject(
    object(line(reading({ ts: '2026-01-02T00:00:00Z' })), line(reading({ ts: '2026-01-01T23:59:59.999Z', seq: 11 }))),
    {},
  );
  expect([samples, parked, newestMs]).toEqual([4, [], Date.UTC(2026, 0, 2)]);
  expect(files.map((file) => file.key)).toEqual([
    expect.stringMatching(/^samples\/day=2026-01-02\/[0-9a-f]{32}\.parquet$/),
    expect.stringMatching(/^samples\/day=2026-01-01\/[0-9a-f]{32}\.parquet$/),
  ]);
  const rows = await rowsOf(files[1]?.bytes ?? new Uint8Array());
  expect(rows).toHaveLength(2);
  expect(Object.keys(rows[0] ?? {})).toEqual(Object.keys(sampleColumns));
  expect(rows[1]).toEqual({
    ...{ site: 'hall-2', device_id: 'press-4', measured_at: new Date('2026-01-01T23:59:59.999Z'), seq: 11n },
    ...{ metric: 'temperature', value: 21.5, clock_synchronised: true, received_at: new Date(receivedMs) },
  });
});

test('the same object gives the same files, another one others (duplicate)', () => {
  const given = object(line(reading()));
  expect(convertObject(given, {}).files).toEqual(convertObject(given, {}).files);
  expect(convertObject({ ...given, key: 'readings/other' }, {}).files[0]?.key).not.toBe(
    convertObject(given, {}).files[0]?.key,
  );
});

test('lines that are no reading are parked under their place, and the others are stored', () => {
  const { samples, parked } = convertObject(object(line('hello'), line(reading()), 'no line of the rule', ''), {});
  expect(samples).toBe(2);
  expect(parked).toMatchObject([
    { id: `${key}:1`, reason: 'not-json', bytes: Buffer.from('hello') },
    { id: `${key}:3`, reason: 'not-published', bytes: Buffer.from('no line of the rule') },
  ]);
});

test('an object that is not packed is read as well', () => {
  expect(convertObject({ key, bytes: Buffer.from(`${line(reading())}\n`) }, {}).samples).toBe(2);
});

test.each([
  ['broken gzip', Uint8Array.of(0x1f, 0x8b, 1, 2, 3)],
  ['no UTF-8', Uint8Array.of(0xff, 0xfe)],
  ['more than it may be', gzipSync(Buffer.alloc(largestObject + 1, 0x20))],
])('an object that is %s is parked whole', (_, bytes) => {
  expect(convertObject({ key, bytes }, {})).toEqual({
    ...{ files: [], samples: 0, newestMs: undefined },
    parked: [expect.objectContaining({ id: key, reason: 'not-text', bytes })],
  });
});

test('as many lines as are parked one by one are; of one more the object is parked by its name, with how many and why', () => {
  const poison = (count: number) => Array.from({ length: count }, () => line('hello'));
  expect(convertObject(object(...poison(mostParkedLines)), {}).parked).toHaveLength(mostParkedLines);
  const { parked, samples } = convertObject(object(line(reading()), 'no line', ...poison(mostParkedLines)), {});
  expect(samples).toBe(2);
  expect(parked).toEqual([
    {
      ...{ id: key, reason: 'many-lines-refused', records: mostParkedLines + 1 },
      detail: `101 lines; ${key}:2 is the first: not-published, not a line of the IoT rule`,
      bytes: Buffer.from(JSON.stringify({ key, refused: { 'not-published': 1, 'not-json': mostParkedLines } })),
    },
  ]);
});

test('an object of nothing but bad lines, as large as Firehose writes it, is one request to the parking queue', () => {
  const bytes = Buffer.from(`${line('x')}\n`.repeat(20_000));
  expect(convertObject({ key, bytes }, {}).parked).toMatchObject([{ records: 20_000 }]);
});
