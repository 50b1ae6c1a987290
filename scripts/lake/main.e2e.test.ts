import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { convertObject } from '../../cloud/sensor-data-lake/convert.ts';
import { line, reading } from '../../cloud/sensor-data-lake/test-messages.ts';

const folder = mkdtempSync(join(tmpdir(), 'greengrass-itsm-lake-'));
afterAll(() => rmSync(folder, { recursive: true }));

beforeAll(() => {
  const { files } = convertObject({ key: 'a', bytes: Buffer.from(line(reading())) }, {});
  for (const { key, bytes } of files) {
    mkdirSync(dirname(join(folder, key)), { recursive: true });
    writeFileSync(join(folder, key), bytes);
  }
});

function lake(...args: string[]) {
  const { AWS_ENDPOINT_URL: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', join(import.meta.dirname, 'main.ts'), ...args],
    { encoding: 'utf8', env, timeout: 60_000 },
  );
  return { status, stdout, stderr };
}

const january = ['--from', '2026-01-01', '--to', '2026-01-31'];

it('prints a table of files on disk', () => {
  const { status, stdout } = lake('--query', 'latest', '--local', folder, ...january);
  expect(stdout.split('\n').map((one) => one.split(/ {2,}/))).toEqual([
    ['day', 'site', 'device_id', 'metric', 'measured_at', 'value'],
    ['2026-01-02', 'hall-2', 'press-4', 'humidity', '2026-01-02 03:04:05', '40.25'],
    ['2026-01-02', 'hall-2', 'press-4', 'temperature', '2026-01-02 03:04:05', '21.5'],
    [''],
  ]);
  expect(status).toBe(0);
});

it('draws a chart, and says so where there is more than it was let read', () => {
  const file = join(folder, 'readings.svg');
  const { status, stderr } = lake(
    '--query',
    'readings',
    '--local',
    folder,
    ...january,
    '--chart',
    file,
    '--limit',
    '1',
  );
  expect(readFileSync(file, 'utf8')).toMatch(/^<svg[\s\S]*hall-2\/press-4/);
  expect(stderr).toContain('There are more than 1 rows');
  expect(status).toBe(0);
});

it.each([
  [['--query', 'monthly'], 'Allowed choices are readings, hourly'],
  [['--query', 'latest', '--chart', 'x.svg'], 'latest has no chart; these have: readings,'],
  [['--query', 'silences', '--metric', 'temperature'], 'silences has no metric'],
  [['--query', 'daily', '--from', '2026-02-01', '--to', '2026-01-01'], '--from 2026-02-01 lies after --to 2026-01-01'],
  [['--query', 'daily', '--from', 'yesterday'], 'A day is written YYYY-MM-DD.'],
  [['--query', 'daily', '--account', '123456789012'], '--account goes with --region'],
])('says what is wrong with %s', (args, sentence) => {
  const { status, stderr } = lake(...args);
  expect(stderr).toContain(sentence);
  expect(status).toBe(2);
});

it('reaches no account but this machine by accident', () => {
  const { status, stderr } = lake('--query', 'daily');
  expect(stderr).toContain('Without --account ID every client stays on this machine');
  expect(status).toBe(1);
});

it('says where a copy of the bucket is to be had', () => {
  const { status, stderr } = lake('--query', 'daily', '--local', join(folder, 'missing'));
  expect(stderr).toContain('aws s3 sync s3://<ProcessedBucketName>');
  expect(status).toBe(1);
});
