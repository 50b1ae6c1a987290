import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundle } from '../../package/bundle.ts';

const sources = {
  both: 'both-components.ts',
  receiver: 'receiver.ts',
  broker: 'own-broker.ts',
  subscriber: 'bare-subscriber.ts',
  poster: 'bare-poster.ts',
};

export type ProgramName = keyof typeof sources;

/** Paths of the programs of a bench, bundled as packages are, beside the packages that a bundle leaves outside. */
export interface Programs {
  path: (name: ProgramName) => string;
  remove(): Promise<void>;
}

export async function buildPrograms(root: string): Promise<Programs> {
  const cache = join(root, '.cache');
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'bench-programs-'));
  const entries = Object.entries(sources).map(([name, file]) => [name, join(import.meta.dirname, file)]);
  const { files } = await bundle(root, Object.fromEntries(entries));
  await Promise.all([...files].map(([name, bytes]) => writeFile(join(folder, name), bytes)));
  return {
    path: (name) => join(folder, `${name}.mjs`),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
