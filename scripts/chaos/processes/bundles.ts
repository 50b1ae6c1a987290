import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Plugin } from 'esbuild';
import { bundle } from '../../package/bundle.ts';

const root = join(import.meta.dirname, '../../..');

export type ComponentName = 'monitor' | 'handler';

/** Both components of one release, ready to be run by Node, and what is loaded before them and shares their packages. */
export interface Release extends Readonly<Record<ComponentName, string>> {
  preload: string;
}

export interface Bundles {
  release: Release;
  /** The release after this one: another version, and stores with one more table and one more column. */
  nextRelease: Release;
  broker: string;
  remove(): Promise<void>;
}

/** Text of a source, which stands in it once, as a bundle has it otherwise. */
export interface Change {
  /** From the root of the project. */
  file: string;
  find: string;
  replace: string;
}

/**
 * Bundles as `npm run package` makes them, which start several times as fast as the sources; they lie where native packages
 * are found.
 * @param changes of the components' code, that chaos is to find
 */
export async function buildBundles(changes: readonly Change[] = []): Promise<Bundles> {
  const cache = join(root, '.cache');
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'chaos-'));
  const broker = join(folder, 'broker');
  const [release, nextRelease] = await Promise.all([
    bundleRelease(join(folder, 'release'), changes),
    bundleRelease(join(folder, 'next-release'), [...changes, ...changesOfNextRelease]),
    bundleInto(broker, { broker: 'scripts/chaos/processes/broker-process.ts' }),
  ]);
  const remove = () => rm(folder, { recursive: true, force: true });
  return { release, nextRelease, broker: join(broker, 'broker.mjs'), remove };
}

async function bundleRelease(folder: string, changes: readonly Change[]): Promise<Release> {
  const programs = {
    monitor: 'device/main/sensor-monitor.ts',
    handler: 'device/main/anomaly-handler.ts',
    preload: 'scripts/chaos/processes/preload.ts',
  };
  await bundleInto(folder, programs, changes);
  const path = (name: keyof typeof programs) => join(folder, `${name}.mjs`);
  return { monitor: path('monitor'), handler: path('handler'), preload: path('preload') };
}

async function bundleInto(
  folder: string,
  programs: Readonly<Record<string, string>>,
  changes: readonly Change[] = [],
): Promise<void> {
  await mkdir(folder);
  const { files } = await bundle(root, programs, changes.map(changed));
  await Promise.all([...files].map(([file, content]) => writeFile(join(folder, file), content)));
}

function changed({ file, find, replace }: Change): Plugin {
  const changedPath = join(root, file);
  return {
    name: `change of ${file}`,
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        if (path !== changedPath) return undefined;
        const source = await readFile(path, 'utf8');
        if (source.split(find).length !== 2) throw new Error(`${file} does not hold ${find} once; mend the chaos run`);
        return { contents: source.replace(find, () => replace), loader: 'ts' };
      });
    },
  };
}

/** There is one release so far: what comes after it is this code with what a minor version may add to a store. */
const changesOfNextRelease: readonly Change[] = [
  {
    file: 'device/platform/version.ts',
    find: "export const version = '",
    replace: "export const version = '1000.",
  },
  {
    file: 'device/platform/sqlite.ts',
    find: 'export function openStore(options: StoreOptions): Store {',
    replace: `export function openStore(given: StoreOptions): Store {
    const version = (given.migrations.at(-1)?.version ?? 0) + 1;
    const sql = \`CREATE TABLE IF NOT EXISTS next_release (id INTEGER PRIMARY KEY);
      CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
      ALTER TABLE meta ADD COLUMN next_release TEXT;\`;
    const options = { ...given, migrations: [...given.migrations, { version, sql }] };`,
  },
];
