import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { ColumnType } from '../shared/lake/columns.ts';
import { convertObject } from './convert.ts';
import { type LakeQuery, queries, selectionSql, standaloneSql } from './queries.ts';
import { line, reading, receivedMs } from './test-messages.ts';

/** What DuckDB calls the types of the catalogue. */
const duckdbTypes: Partial<Record<ColumnType, string>> = {
  string: 'VARCHAR',
  bigint: 'BIGINT',
  double: 'DOUBLE',
  timestamp: 'TIMESTAMP',
};

const folder = mkdtempSync(join(tmpdir(), 'greengrass-itsm-lake-'));
afterAll(() => rmSync(folder, { recursive: true }));

const at = (minute: number, second = 0) => new Date(Date.UTC(2026, 0, 2, 3, minute, second)).toISOString();
const published = (ts: string, temperature: number, receivedAtMs = receivedMs) =>
  line(reading({ ts, metrics: { temperature } }), 'press-4', receivedAtMs);

const lines = [
  published(at(0), 20),
  published(at(1), 32),
  // Came twice: with another value, which is the last.
  published(at(2), 24),
  published(at(2), 26, receivedMs + 1_000),
  published(at(5), 22),
  line(reading({ deviceId: 'press-5', ts: '2026-01-03T00:00:00Z', metrics: { humidity: 51 } }), 'press-5'),
];

async function rowsOf(sql: string, from = folder) {
  const connection = await (await DuckDBInstance.create()).connect();
  await connection.run(
    `CREATE VIEW samples AS SELECT * FROM read_parquet('${from}/samples/**/*.parquet', hive_partitioning = true, hive_types = {'day': VARCHAR})`,
  );
  const reader = await connection.runAndReadAll(sql);
  return { types: reader.columnTypes().map(String), names: reader.columnNames(), rows: reader.getRowObjectsJson() };
}

const named = (name: string): LakeQuery => {
  const query = queries.find((one) => one.name === name);
  if (query === undefined) throw new Error(`no query ${name}`);
  return query;
};
const whole = { from: '2026-01-01', to: '2026-12-31', limit: 100 };

function writeFiles(lake: string, published: readonly string[]): void {
  for (const { key, bytes } of convertObject({ key: 'a', bytes: Buffer.from(published.join('\n')) }, {}).files) {
    mkdirSync(dirname(join(lake, key)), { recursive: true });
    writeFileSync(join(lake, key), bytes);
  }
}

beforeAll(() => writeFiles(folder, lines));

test.each(queries)('the result of $name has the columns that its view says, by name and type', async (query) => {
  const { names, types, rows } = await rowsOf(standaloneSql(query));
  expect(rows).not.toEqual([]);
  const declared = Object.entries(query.columns);
  expect(names).toEqual(declared.map(([name]) => name));
  expect(types).toEqual(declared.map(([, type]) => duckdbTypes[type]));
});

test('a reading that came twice is there once, as it came last (reorder)', async () => {
  const { rows } = await rowsOf(selectionSql(named('readings'), { ...whole, device: 'press-4' }));
  expect(rows.map(({ value }) => value)).toEqual([20, 32, 26, 22]);
});

test('an hour has its extremes and the mean of what was read once', async () => {
  const { rows } = await rowsOf(selectionSql(named('hourly'), { ...whole, metric: 'temperature' }));
  expect(rows).toEqual([
    expect.objectContaining({ day: '2026-01-02', lowest: 20, mean: 25, highest: 32, readings: '4' }),
  ]);
});

test('a selection has the days, the device and the number of rows that it asks for', async () => {
  const days = async (selection: object) =>
    (await rowsOf(selectionSql(named('daily'), { ...whole, ...selection }))).rows.map(({ day }) => day);
  expect(await days({})).toEqual(['2026-01-02', '2026-01-03']);
  expect(await days({ from: '2026-01-03' })).toEqual(['2026-01-03']);
  expect(await days({ to: '2026-01-02' })).toEqual(['2026-01-02']);
  expect(await days({ limit: 1 })).toEqual(['2026-01-02']);
  expect(await days({ device: "press-5' OR '1' = '1" })).toEqual([]);
});

test('silences, last values and readings above the limits are told', async () => {
  expect((await rowsOf(selectionSql(named('silences'), whole))).rows).toMatchObject([
    { device_id: 'press-4', began: '2026-01-02 03:02:00', ended: '2026-01-02 03:05:00', seconds: '180' },
  ]);
  expect((await rowsOf(selectionSql(named('latest'), whole))).rows).toMatchObject([
    { device_id: 'press-4', metric: 'temperature', value: 22 },
    { device_id: 'press-5', metric: 'humidity', value: 51 },
  ]);
  expect((await rowsOf(selectionSql(named('above-limits'), whole))).rows).toMatchObject([
    { device_id: 'press-4', readings: '4', above: '1', highest: 32 },
    { device_id: 'press-5', readings: '1', above: '1', highest: 51 },
  ]);
});

test.each(queries)(
  '$name reads no file of a day that is not asked for, but silences those of the day before',
  async (query) => {
    const lake = mkdtempSync(join(tmpdir(), 'greengrass-itsm-lake-'));
    onTestFinished(() => rmSync(lake, { recursive: true }));
    cpSync(folder, lake, { recursive: true });
    // No Parquet: whatever opens it fails.
    const unreadable = (day: string) => {
      mkdirSync(join(lake, `samples/day=${day}`), { recursive: true });
      writeFileSync(join(lake, `samples/day=${day}/unreadable.parquet`), 'unreadable');
    };
    unreadable('2026-01-05');
    await expect(rowsOf(standaloneSql(query), lake)).rejects.toThrow('unreadable');
    const select = (from: string) => rowsOf(selectionSql(query, { ...whole, from, to: '2026-01-04' }), lake);
    await select('2026-01-03');
    unreadable('2026-01-03');
    const next = select('2026-01-04');
    await (query.name === 'silences' ? expect(next).rejects.toThrow('unreadable') : next);
  },
);

test('a silence through midnight is told on the day on which the device spoke again', async () => {
  const lake = mkdtempSync(join(tmpdir(), 'greengrass-itsm-lake-'));
  onTestFinished(() => rmSync(lake, { recursive: true }));
  const late = ['2026-01-02T23:59:00.000Z', '2026-01-03T00:02:00.000Z'].map((ts) => published(ts, 20));
  writeFiles(lake, late);
  const { rows } = await rowsOf(selectionSql(named('silences'), { ...whole, from: '2026-01-03' }), lake);
  expect(rows).toMatchObject([{ day: '2026-01-03', began: '2026-01-02 23:59:00', seconds: '180' }]);
});
