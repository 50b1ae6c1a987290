import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { projectFile } from './project-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'greengrass-itsm-canvas-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'file');
const written = () => gunzipSync(readFileSync(path)).toString('utf8');

async function project(
  bytes: Uint8Array,
  { length = bytes.length, take = [2, 0] as (number | null)[], chunk = 7 } = {},
) {
  async function* body(): AsyncGenerator<Uint8Array> {
    for (let start = 0; start < bytes.length; start += chunk) yield bytes.subarray(start, start + chunk);
  }
  return projectFile({ body: body(), length, sourceColumns: 3, take, path });
}

test('of each line the columns that are taken are written, in their order', async () => {
  const bytes = gzipSync('1\tÄnne\t2026\n2\tBo\t2025\n');
  expect(await project(bytes)).toEqual({ kind: 'whole', bytes: bytes.length, rows: 2 });
  expect(written()).toBe('2026\t1\n2025\t2\n');
  await project(bytes, { take: [0, null, 1] });
  expect(written()).toBe('1\t\\N\tÄnne\n2\t\\N\tBo\n');
});

test('a last line without an end is a line, and a file without a line is one', async () => {
  expect(await project(gzipSync('1\t2\t3'))).toMatchObject({ kind: 'whole', rows: 1 });
  expect(written()).toBe('3\t1\n');
  expect(await project(gzipSync(''))).toMatchObject({ kind: 'whole', rows: 0 });
});

test('a file of which a part came is told from one that is broken', async () => {
  const bytes = gzipSync('1\t2\t3\n');
  expect(await project(bytes.subarray(0, 12), { length: bytes.length })).toEqual({ kind: 'cut', bytes: 12 });
  expect(await project(bytes, { length: bytes.length + 1 })).toMatchObject({ kind: 'cut' });
  expect(await project(bytes.subarray(0, 12))).toMatchObject({ kind: 'unusable', reason: 'not-gzip' });
  expect(await project(Buffer.from('no gzip at all'))).toMatchObject({ kind: 'unusable', reason: 'not-gzip' });
});

test('a line with other columns than the schema makes a file unusable, and what it holds is not told', async () => {
  const result = await project(gzipSync('1\t2\t3\n1\tsecret\n'));
  expect(result).toEqual({ kind: 'unusable', reason: 'column-count', detail: 'line 2 has 2 columns, the schema 3' });
});

test('a line without an end makes a file unusable', async () => {
  const bytes = gzipSync(Buffer.alloc(5 * 1024 * 1024, 'x'));
  expect(await project(bytes, { chunk: 65_536 })).toMatchObject({ kind: 'unusable', reason: 'line-too-long' });
});

test('whatever the values and the chunks, the columns come out as they went in', async () => {
  const value = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll(/[\t\n]/g, ' '));
  const rows = fc.array(fc.tuple(value, value, value), { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(rows, fc.integer({ min: 1, max: 40 }), async (given, chunk) => {
      await project(gzipSync(given.map((row) => `${row.join('\t')}\n`).join('')), { chunk });
      expect(written()).toBe(given.map(([a, , c]) => `${c}\t${a}\n`).join(''));
    }),
    { numRuns: 30 },
  );
});
