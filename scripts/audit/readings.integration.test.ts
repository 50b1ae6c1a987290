import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readingsOfNdjson, readingsOfRecording } from './readings.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'audit-readings-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function written(content: string): Promise<string> {
  const file = join(folder, 'readings');
  await writeFile(file, content);
  return file;
}

const message = { site: 'home', deviceId: 'pi', metrics: { temperature: 31 } };
const at = { atMs: 1_000, monotonicMs: 5, bootId: 'a' };

test('published messages are read in either form, and a torn last line is left out', async () => {
  const lines = [
    { ...message, ...at },
    { ...message, ts: '1970-01-01T00:00:02.000Z', version: 1, seq: 4 },
  ];
  const file = await written(`${lines.map((line) => JSON.stringify(line)).join('\n')}\n{"site":"ho`);
  expect(readingsOfNdjson(file)).toEqual([
    { ...message, ...at },
    { ...message, atMs: 2_000 },
  ]);
});

test('a line in between that is no reading is told with its number', async () => {
  const file = await written(
    `${JSON.stringify({ ...message, ...at })}\n{"torn\n${JSON.stringify({ ...message, ...at })}\n`,
  );
  expect(() => readingsOfNdjson(file)).toThrow(/line 2 is no reading/);
});

test('a recording gives one reading for each row that has a time and numbers', async () => {
  const file = await written(
    'when,t,h\n2015-08-22T10:11:50Z,30.01,50\n2015-08-22 10:12:00,30.5,\nnever,1,1\n2015-08-22T10:11:59Z,1,1\n1440238330,x,1\n1440238340,,40\n',
  );
  const columns = { timestamp: 'when', temperature: 't', humidity: 'h' };
  const readings = readingsOfRecording({ file, columns, site: 'home', deviceId: 'pi' });
  expect(readings.map(({ atMs, metrics }) => [new Date(atMs).toISOString(), metrics])).toEqual([
    ['2015-08-22T10:11:50.000Z', { temperature: 30.01, humidity: 50 }],
    ['2015-08-22T10:12:00.000Z', { temperature: 30.5 }],
    ['2015-08-22T10:12:20.000Z', { humidity: 40 }],
  ]);
});

test('a column that is not there, and a file that is not there, are sentences', async () => {
  const file = await written('when,t\n0,1\n');
  const of = { columns: { timestamp: 'when', humidity: 'h' }, site: 'home', deviceId: 'pi' };
  expect(() => readingsOfRecording({ file, ...of })).toThrow('has no column h. It has: when, t.');
  expect(() => readingsOfRecording({ file: join(folder, 'none'), ...of })).toThrow(/Cannot read .*ENOENT/);
});
