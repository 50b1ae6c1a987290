import { existsSync } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeFolder } from './make-folder.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'make-folder-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('all that is missing is made, for the owner alone, and what is there stays', async () => {
  makeFolder(join(folder, 'a', 'b'));
  makeFolder(join(folder, 'a', 'b'));
  for (const path of ['a', 'a/b']) expect((await stat(join(folder, path))).mode & 0o777).toBe(0o700);
});

test('a file in the way is named', async () => {
  const file = join(folder, 'file');
  await writeFile(file, '');
  expect(() => makeFolder(join(file, 'below', 'it'))).toThrow(`${file} is no folder`);
});

test.runIf(existsSync('/proc/self'))('a file system that takes no folders is told at once', () => {
  expect(() => makeFolder('/proc/greengrass-itsm/data')).toThrow(/ENOENT|EACCES|EPERM/);
});
