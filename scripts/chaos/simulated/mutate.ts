import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import type { DeviceCode } from './device-code.ts';
import type { Mutant } from './mutants.ts';

const root = join(import.meta.dirname, '../../..');

/** The code under test with one line changed, as a bundle of its own: the sources stay as they are. */
export interface Mutated {
  device: DeviceCode;
  remove(): void;
}

/** Undefined where the line is not there (once) any more: the mutant proves nothing, and is to be written anew. */
export async function mutate({ file, find, replace }: Mutant): Promise<Mutated | undefined> {
  const path = join(root, file);
  const source = readFileSync(path, 'utf8');
  if (source.split(find).length !== 2) return undefined;
  const contents = source.replace(find, () => replace);
  // It lies where the packages beside it are found.
  const cache = join(root, '.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'mutant-'));
  const outfile = join(folder, 'device.mjs');
  try {
    await build({
      entryPoints: [join(import.meta.dirname, 'device.ts')],
      outfile,
      bundle: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
      target: 'node20',
      logLevel: 'silent',
      plugins: [
        {
          name: 'mutant',
          setup({ onLoad }) {
            onLoad({ filter: /\.ts$/ }, (loaded) => (loaded.path === path ? { contents, loader: 'ts' } : undefined));
          },
        },
      ],
    });
    const device: DeviceCode = await import(pathToFileURL(outfile).href);
    return { device, remove: () => rmSync(folder, { recursive: true, force: true }) };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}
