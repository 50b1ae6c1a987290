import { statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { components } from '../../../cloud/greengrass/recipe.ts';
import { createPackaging } from '../../package/build-packages.ts';
import { targets } from '../../package/target.ts';
import { unpack } from '../../package/unpack.ts';
import type { Figure } from './figure.ts';

/** Sizes of what `npm run package` builds, zipped and as the nucleus unpacks it. @throws AppError as `createPackaging` */
export async function packageSizes(root: string, cache: string, onProgress: (line: string) => void): Promise<Figure[]> {
  const out = await mkdtemp(join(cache, 'packages-'));
  const names = components.map(({ name }) => name);
  const packaging = createPackaging({ root, out, components: names, targets });
  const figures: Figure[] = [];
  try {
    onProgress('packages: bundling');
    await packaging.prepare();
    for (const component of names) {
      for (const target of targets) {
        onProgress(`packages: ${component} for ${target.name}`);
        const { file, bytes } = await packaging.build(component, target);
        const paths = await unpack(file, out);
        const folder = join(out, basename(file, '.zip'));
        const unpacked = paths.reduce((sum, path) => sum + statSync(join(folder, path)).size, 0);
        const name = `${component} for ${target.name}`;
        figures.push(
          { measure: name, value: bytes / 1e6, unit: 'MB', how: 'the zip of npm run package' },
          { measure: `${name}, unpacked`, value: unpacked / 1e6, unit: 'MB', how: `${paths.length} files` },
        );
      }
    }
    return figures;
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}
