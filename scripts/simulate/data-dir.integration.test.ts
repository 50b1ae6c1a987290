import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { claimDataDir, lockForRun, resetDataDir } from './data-dir.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'data-dir-'));
});
afterEach(() => rm(folder, { recursive: true }));

const foreign = expect.objectContaining({ reason: 'foreign-folder' });

test.each([
  ['the names of a run', 'monitor'],
  ['a file of somebody', 'thesis.txt'],
])('a folder that was not made by a run is neither taken nor emptied: %s', async (_case, name) => {
  await mkdir(join(folder, name));
  expect(() => claimDataDir(folder)).toThrow(foreign);
  expect(() => resetDataDir(folder)).toThrow(foreign);
  expect(await readdir(folder)).toEqual([name]);
});

test('a new folder and an empty one are taken, and taken again with what a run has left there', async () => {
  for (const path of [folder, join(folder, 'further', 'below')]) {
    claimDataDir(path);
    await mkdir(join(path, 'monitor'));
    claimDataDir(path);
  }
});

test('a folder that holds only folders of this program is taken', async () => {
  claimDataDir(join(folder, 'replay'));
  await mkdir(join(folder, 'servicenow'));
  await writeFile(join(folder, 'servicenow', 'servicenow.db'), '');
  claimDataDir(folder);
});

test('a reset removes what a run has left, and nothing else', async () => {
  claimDataDir(folder);
  for (const name of ['monitor', 'handler', 'servicenow', 'mine']) await mkdir(join(folder, name));
  for (const name of ['readings.ndjson', 'readings.ndjson.1', 'summary.json']) await writeFile(join(folder, name), '');
  resetDataDir(folder);
  expect((await readdir(folder)).sort()).toEqual(['.greengrass-itsm', 'mine', 'summary.json']);
});

test('a folder in which another run is at work is left to it, until that has ended', () => {
  claimDataDir(folder);
  const first = lockForRun(folder);
  expect(() => lockForRun(folder)).toThrow(/Another npm start runs .*--data-dir/);
  first.release();
  lockForRun(folder).release();
});

test('a folder that cannot be made is told with the option that names it', async () => {
  await writeFile(join(folder, 'file'), '');
  expect(() => claimDataDir(join(folder, 'file', 'data'))).toThrow(/Cannot make the data folder .*--data-dir/);
});
