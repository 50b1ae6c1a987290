import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { componentVersion } from '../../cloud/greengrass/recipe.ts';
import { createPackaging } from './build-packages.ts';

const root = join(import.meta.dirname, '../..');
const component = 'com.iotblog.SensorMonitor';
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'packaging-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const packagingInto = (out: string) => createPackaging({ root, out, components: [component], targets: [] });

test('a recipe lies as it is beside the zips', async () => {
  const file = packagingInto(join(folder, 'dist')).writeRecipe(component);
  expect(file).toBe(join(folder, 'dist', 'recipes', `${component}-${componentVersion()}.yaml`));
  expect(await readFile(file)).toEqual(
    await readFile(join(root, 'recipes', `${component}-${componentVersion()}.yaml`)),
  );
});

test('a folder that cannot be written is told with what to do', async () => {
  await writeFile(join(folder, 'dist'), 'a file in the way');
  expect(() => packagingInto(join(folder, 'dist')).writeRecipe(component)).toThrow(/Cannot write .*dist.*--out/);
});
