import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silentLogger } from '../platform/logger.ts';
import { pacedTime } from '../platform/paced-time.ts';
import { manualTime, systemTime } from '../platform/time.ts';
import { firstTimestamp, instantOf, recordedRows } from './replay/recording.ts';
import { createReplay } from './replay.ts';
import type { Sample, SensorFault } from './source.ts';

const columns = { timestamp: 'at', temperature: 't', humidity: 'rh' };
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'replay-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function csv(name: string, lines: string[]): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, lines.join('\n'));
  return file;
}

/** Replays a file as fast as it goes. */
async function replay(file: string, mapping: Record<string, string> = columns) {
  const samples: Sample[] = [];
  const faults: SensorFault[] = [];
  const paced = pacedTime({
    startWallMs: firstTimestamp(file, mapping),
    speed: 'max',
    idle: async () => {},
    real: systemTime,
  });
  const plausibility = { temperature: { min: -40, max: 120, maxStep: 20 } };
  const source = createReplay({ file, columns: mapping, time: paced.time, logger: silentLogger, plausibility });
  const late: number[] = [];
  await source.start({
    sample(sample) {
      samples.push(sample);
      if (paced.time.wallMs() !== sample.atMs) late.push(sample.atMs);
    },
    fault: (fault) => faults.push(fault),
    ended: () => paced.stop(),
  });
  await paced.run(new AbortController().signal);
  await source.stop();
  return { samples, faults, late, stats: source.stats() };
}

describe('createReplay', () => {
  test('hands rows over at their recorded instants and keeps gaps', async () => {
    const file = await csv('gap.csv', [
      'at,t,rh',
      '2015-08-22T10:00:00Z,20.5,51',
      '2015-08-22T10:00:10Z,20.6,52',
      '2015-08-22T22:00:00Z,21,53',
    ]);
    const time = manualTime(Date.parse('2015-08-22T10:00:00Z'));
    const seen: [number, unknown][] = [];
    let ended = false;
    const source = createReplay({ file, columns, time, logger: silentLogger, plausibility: {} });
    await source.start({
      sample: (sample) => seen.push([time.monotonicMs(), sample.metrics]),
      fault: () => expect.unreachable(),
      ended: () => {
        ended = true;
      },
    });
    expect(seen).toEqual([]);
    time.advance(0);
    expect(seen).toEqual([[0, { temperature: 20.5, humidity: 51 }]]);
    time.advance(12 * 3_600_000 - 1);
    expect(seen).toHaveLength(2);
    expect(ended).toBe(false);
    time.advance(1);
    expect(seen[2]).toEqual([12 * 3_600_000, { temperature: 21, humidity: 53 }]);
    expect(ended).toBe(true);
  });

  test('bad rows and rows out of order are counted and left out; the others go on', async () => {
    const file = await csv('bad.csv', [
      '\uFEFF"at",t,rh,note',
      '1440237600,20,50,"two',
      'lines, and ""quotes"""',
      'yesterday,20,50,',
      '1440237610,warm,50,',
      '1440237605,21,,an empty cell is a metric not measured',
      '1440237600,21,50,late',
      '1440237605,22,50,the same instant again',
      '1440237620,,,nothing measured',
      '1440237630,500,50,unbelievable',
      '',
      '1440237640,23,50',
    ]);
    const run = await replay(file);
    expect(run.samples.map((sample) => [sample.atMs / 1_000 - 1440237600, sample.metrics])).toEqual([
      [0, { temperature: 20, humidity: 50 }],
      [5, { temperature: 21 }],
      [5, { temperature: 22, humidity: 50 }],
      [40, { temperature: 23, humidity: 50 }],
    ]);
    expect(run.stats).toEqual({ read: 4, failed: 4, skipped: 1 });
    expect(run.faults.map((fault) => fault.message)).toEqual([
      expect.stringContaining('line 10: The reading is not believed'),
    ]);
    expect(run.late).toEqual([]);
  });

  test('bad rows are told with their line', async () => {
    const file = await csv('lines.csv', ['at,t,rh,n', '1440237600,1,1,"a', 'b"', 'never,1,1,', '1440237601,x,1,']);
    const told = [...recordedRows(file, columns)].map((row) => [row.line, row.ok || row.message]);
    expect(told).toEqual([
      [3, true],
      [4, '"never" is not a timestamp'],
      [5, '"x" in column t is not a number'],
    ]);
  });

  test('25,000 rows go through in a few seconds, none of them late', async () => {
    const rows = Array.from({ length: 25_000 }, (_, row) => `${1440237600 + row * 10},${20 + (row % 7) / 10},50`);
    const run = await replay(await csv('long.csv', ['at,t,rh', ...rows]));
    expect(run.samples).toHaveLength(25_000);
    expect(run.late).toEqual([]);
    expect(run.samples.at(-1)?.atMs).toBe((1440237600 + 249_990) * 1_000);
  });

  test('a quote that is never closed ends the replay with a fault, not the process', async () => {
    const rows = Array.from({ length: 60_000 }, (_, row) => `${1440237600 + row},20,50`);
    const file = await csv('quote.csv', ['at,t,rh', ...rows.slice(0, 10_000), '"open', ...rows.slice(10_000)]);
    const run = await replay(file);
    expect(run.faults.map((fault) => fault.reason)).toEqual(['io-error']);
    expect(run.faults[0]?.message).toMatch(/record that begins on line \d+ does not end/);
    expect(run.samples.length).toBeGreaterThan(1_000);
  });

  test.each([
    ['a missing file', 'none.csv', columns, 'there is no such file'],
    ['a folder', '.', columns, 'it is a folder'],
    ['an empty file', 'empty.csv', columns, 'it is empty'],
    [
      'a column that is not there',
      'ok.csv',
      { ...columns, humidity: 'wet' },
      'has no column "wet" for humidity (sensor.replay.columns). It has: at, t, rh',
    ],
    ['no timestamp column', 'ok.csv', { temperature: 't' }, 'must name the column of the timestamp'],
    ['no metric', 'ok.csv', { timestamp: 'at' }, 'names no metric'],
    ['no usable row', 'header.csv', columns, 'none of its rows'],
  ])('%s is one clear sentence', async (_what, name, mapping, sentence) => {
    await csv('empty.csv', []);
    await csv('header.csv', ['at,t,rh', 'x,1,2']);
    await csv('ok.csv', ['at,t,rh', '1440237600,1,2']);
    expect(() => firstTimestamp(join(folder, name), mapping)).toThrow(sentence);
  });

  test.each([
    ['2015-08-20T23:58:30Z', '2015-08-20T23:58:30.000Z'],
    ['2015-08-20 23:58:30', '2015-08-20T23:58:30.000Z'],
    ['2015-08-20 23:58', '2015-08-20T23:58:00.000Z'],
    ['2015-08-20T23:58:30.25+02:00', '2015-08-20T21:58:30.250Z'],
    ['2015-08-20 23:58:30 UTC', '2015-08-20T23:58:30.000Z'],
    ['2015-08-20 23:58:30+0200', '2015-08-20T21:58:30.000Z'],
    ['1440115110', '2015-08-20T23:58:30.000Z'],
    ['1440115110000', '2015-08-20T23:58:30.000Z'],
    ['1440115110.5', '2015-08-20T23:58:30.500Z'],
  ])('timestamp %s is %s', (written, expected) => {
    expect(new Date(instantOf(written) ?? 0).toISOString()).toBe(expected);
  });

  test.each(['', 'now', '20.08.2015 23:58', '2015-13-40T00:00:00Z', '-5', '1e12'])(
    '"%s" is no timestamp',
    (written) => {
      expect(instantOf(written)).toBeUndefined();
    },
  );
});

const recording = process.env['RECORDING_CSV'] ?? '';

describe.skipIf(!existsSync(recording))('a real recording (path in RECORDING_CSV)', () => {
  test('all of its 24,604 rows are handed over at their instants', async () => {
    const run = await replay(recording, {
      timestamp: 'timestamp_utc',
      temperature: 'temp_h_c',
      humidity: 'humidity_pct',
    });
    expect(run.stats).toEqual({ read: 24_604, failed: 0, skipped: 0 });
    expect(run.late).toEqual([]);
    expect(run.faults).toEqual([]);
  });
});
