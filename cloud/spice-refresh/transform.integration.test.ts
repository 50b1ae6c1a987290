import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, onTestFinished, test } from 'vitest';
import { header, ride } from './test-rides.ts';

/** Runs transform.sql over a file, as transform.py does. */
async function transform(text: string) {
  const folder = mkdtempSync(join(tmpdir(), 'greengrass-itsm-rides-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'raw');
  writeFileSync(file, text);
  const database = await (await DuckDBInstance.create()).connect();
  await database.run(`SET VARIABLE raw_file = '${file}'`);
  await database.run("SET VARIABLE latest = TIMESTAMP '2026-01-10 00:00:00'");
  await database.run(readFileSync(new URL('./transform.sql', import.meta.url), 'utf8'));
  const rows = async (table: string) => (await database.runAndReadAll(`SELECT * FROM ${table}`)).getRowObjectsJson();
  const result = { accepted: await rows('accepted'), rejected: await rows('rejected') };
  database.closeSync();
  return result;
}

describe('the transformation', () => {
  test('types each ride and gives it its day', async () => {
    const { accepted, rejected } = await transform(`${header}\n${ride()}\n`);
    expect(accepted).toEqual([
      {
        ...{ vendor_id: 2, picked_up_at: '2026-01-02 03:04:05', dropped_off_at: '2026-01-02 03:24:05', passengers: 1 },
        ...{ distance_miles: 3.5, pickup_zone: 142, dropoff_zone: 236, payment_type: 1 },
        ...{ fare_usd: 14.2, tip_usd: 2.86, total_usd: 21.16, day: '2026-01-02' },
      },
    ]);
    expect(rejected).toEqual([]);
  });

  test.each([
    ['no ride at all', 'hello', 'too few columns'],
    ['a line that was cut', ride().slice(0, 40), 'too few columns'],
    ['a vendor that is text', ride({ 0: 'x' }), 'VendorID is no whole number'],
    ['no pick-up', ride({ 1: '' }), 'tpep_pickup_datetime is no timestamp'],
    ['a drop-off that is none', ride({ 2: '2026-13-41' }), 'tpep_dropoff_datetime is no timestamp'],
    [
      'a clock that was never set',
      ride({ 1: '2001-01-01 00:00:00' }),
      'tpep_pickup_datetime is before the first record',
    ],
    ['an end before its beginning', ride({ 2: '2026-01-02 03:00:00' }), 'the ride ends before it begins'],
    ['no distance', ride({ 4: 'far' }), 'trip_distance is no distance'],
    ['a distance without end', ride({ 4: 'inf' }), 'trip_distance is no distance'],
    ['no fare', ride({ 10: '' }), 'fare_amount is no amount'],
    ['a total that is none', ride({ 16: 'nan' }), 'total_amount is no amount'],
    ['a vendor between two', ride({ 0: '1.7' }), 'VendorID is no whole number'],
    ['half a passenger', ride({ 3: '1.5' }), 'passenger_count is no whole number'],
    ['a zone that is text', ride({ 7: 'x' }), 'PULocationID is no whole number'],
    ['a zone between two', ride({ 8: '236.4' }), 'DOLocationID is no whole number'],
    ['a payment between two', ride({ 9: '1.2' }), 'payment_type is no whole number'],
    ['a tip that is none', ride({ 13: 'NaN' }), 'tip_amount is no amount'],
    ['a pick-up at no time', ride({ 1: '-infinity' }), 'tpep_pickup_datetime is no timestamp'],
    ['a ride that never ends', ride({ 2: 'infinity' }), 'tpep_dropoff_datetime is no timestamp'],
    [
      'a pick-up in the far future',
      ride({ 1: '2099-01-01', 2: '2099-01-02' }),
      'tpep_pickup_datetime is in the future',
    ],
    ['an end in the future', ride({ 2: '2026-01-10 00:00:01' }), 'tpep_dropoff_datetime is in the future'],
    ['a quote that never ends', ride({ 0: '"2' }), 'VendorID is no whole number'],
  ])('rejects %s, as it came, and keeps its followers', async (_what, line, reason) => {
    const { accepted, rejected } = await transform(`${header}\r\n${line}\n${ride()}\n`);
    expect(rejected).toEqual([{ line_number: '2', reason, line }]);
    expect(accepted).toHaveLength(1);
  });

  test('leaves what is not known of a ride empty, and takes whole numbers as the city writes them', async () => {
    const { accepted } = await transform(`${header}\n${ride({ 0: ' 2', 3: '', 7: '142.0', 2: '2026-01-10' })}\n`);
    expect(accepted).toMatchObject([{ vendor_id: 2, passengers: null, pickup_zone: 142 }]);
  });

  test('loses no line: those of the file are accepted or rejected', async () => {
    const lines = Array.from({ length: 500 }, (_, place) =>
      place % 7 === 0 ? `poison ${place}` : ride({ 4: String(place) }),
    );
    const { accepted, rejected } = await transform([header, ...lines].join('\n'));
    expect(accepted.length + rejected.length).toBe(500);
    expect(rejected.map(({ line }) => line)).toEqual(lines.filter((line) => line.startsWith('poison')));
  });

  test('takes a file without a header, and one with nothing else', async () => {
    expect((await transform(`${ride()}\n`)).accepted).toHaveLength(1);
    expect(await transform(`${header}\n`)).toEqual({ accepted: [], rejected: [] });
  });
});
