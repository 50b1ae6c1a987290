import { readFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { basename } from 'node:path';
import { build, type Metafile, type Plugin } from 'esbuild';
import { pageBuild } from '../../device/pages/build.ts';
import { nameOf } from './lock-file.ts';
import type { Files } from './zip.ts';

/**
 * Packages with native parts, which stay whole beside the bundle, as npm installs them. Bundles say which of them they
 * load.
 */
export const outside = ['libsql', 'koffi', '@resvg/resvg-js'];

export interface Bundle {
  files: Files;
  /** Places of the packages whose code is in it: `node_modules/axios`. */
  inside: string[];
  /** Names of the packages that it loads from beside it. */
  outside: string[];
}

/** In every file: what CommonJS packages expect to be there, which a module in ES format lacks. */
const banner = [
  "import { createRequire as __createRequire } from 'node:module';",
  'const require = __createRequire(import.meta.url);',
  'const { dirname: __dirname, filename: __filename } = import.meta;',
].join('\n');

/** Programs that the logger runs in a worker, for readable lines on a terminal. */
const workers = {
  'pino-worker': 'pino/lib/worker.js',
  'thread-stream-worker': 'thread-stream/lib/worker.js',
  'pino-pretty': 'pino-pretty',
};

/**
 * What is put before packages that look for a file beside themselves: where it is. And what is put behind one that would
 * make 65,536 buffers at its first packet, one for each number of two bytes, in a tenth of the time of a start: do not.
 */
const additions: { of: RegExp; before?: string; after?: string }[] = [
  { of: /\/mqtt-packet\/writeToStream\.js$/, after: 'generate.cacheNumbers = false;' },
  {
    of: /\/aws-crt\/dist\/native\/binding\.js$/,
    before:
      "process.env.AWS_CRT_NODEJS_BINARY_ABSOLUTE_PATH ??= require('node:path').join(__dirname, 'aws-crt-nodejs.node');",
  },
  {
    of: /\/pino\/lib\/transport\.js$/,
    before: `globalThis.__bundlerPathsOverrides = Object.fromEntries(${JSON.stringify(Object.keys(workers))}.map((name) => [name, require('node:path').join(__dirname, name + '.mjs')]));`,
  },
];

const addTo: Plugin = {
  name: 'add-to',
  setup({ onLoad }) {
    for (const { of, before = '', after = '' } of additions) {
      onLoad({ filter: of }, async ({ path }) => {
        return { contents: `${before}\n${await readFile(path, 'utf8')}\n${after}`, loader: 'js' };
      });
    }
  },
};

/** What packages load at their start and nothing here asks for costs memory and time in every process. */
const unasked: { of: RegExp; code: string }[] = [
  // Messages of all languages; the English ones are loaded by a path of their own.
  { of: /\/zod\/v4\/locales\/index\.js$/, code: 'export {};' },
  // Media types by file name, for forms with files: what is sent names its own.
  { of: /\/mime-db\/index\.js$/, code: 'module.exports = {};' },
  // Requests are made with the adapter for Node; this one asks for `fetch`, which Node then loads.
  { of: /\/axios\/lib\/adapters\/fetch\.js$/, code: 'export const getFetch = undefined;' },
  // Brokers are reached over TCP and TLS alone, for which `transport.mqtt.url` has no other words.
  { of: /\/mqtt\/build\/lib\/connect\/(?:ws|socks)\.js$/, code: 'module.exports = {};' },
];

const leaveOut: Plugin = {
  name: 'leave-out',
  setup({ onLoad }) {
    for (const { of, code } of unasked) onLoad({ filter: of }, () => ({ contents: code, loader: 'js' }));
  },
};

/**
 * A CommonJS package that our code imports dynamically keeps its named exports, as Node finds them. A bundle would give
 * the default export alone.
 */
const keepNames: Plugin = {
  name: 'keep-names',
  setup({ onResolve, onLoad }) {
    const namespace = 'named';
    onResolve({ filter: /^[@a-z]/ }, async ({ path, kind, importer }) => {
      const isOurs = kind === 'dynamic-import' && !importer.includes('node_modules');
      if (!isOurs || isBuiltin(path) || outside.includes(path) || path === 'esbuild') return undefined;
      return (await namesOf(path)) === undefined ? undefined : { path, namespace };
    });
    onLoad({ filter: /./, namespace }, async ({ path }) => {
      const whole = JSON.stringify(path);
      const names = (await namesOf(path)) ?? [];
      return {
        contents: `const whole = require(${whole});\nexport default whole;\nexport const { ${names.join(', ')} } = whole;`,
        resolveDir: import.meta.dirname,
      };
    });
  },
};

/** The named exports of a CommonJS package; undefined for one in ES format. */
async function namesOf(path: string): Promise<string[] | undefined> {
  const exported: Record<string, unknown> = await import(path);
  const whole = exported['default'];
  if ((typeof whole !== 'object' && typeof whole !== 'function') || whole === null) return undefined;
  const names = Object.keys(exported).filter((name) => /^[A-Za-z_$][\w$]*$/.test(name) && name !== 'default');
  return names.every((name) => Reflect.get(whole, name) === exported[name]) ? names.toSorted() : undefined;
}

/**
 * Bundles programs, given by name and source file, for Node on any machine. What is imported dynamically stays a file of
 * its own, so that adapters are still loaded by need. The same sources give the same bytes.
 * @param changes of sources, before they are read
 */
export async function bundle(
  root: string,
  programs: Readonly<Record<string, string>>,
  changes: readonly Plugin[] = [],
): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: { ...programs, ...workers },
    outdir: 'bundle',
    outExtension: { '.js': '.mjs' },
    entryNames: '[name]',
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    // Pages are built beforehand, so what builds them is never loaded.
    external: [...outside, 'esbuild'],
    banner: { js: banner },
    plugins: [...changes, addTo, leaveOut, keepNames],
    legalComments: 'none',
    logLevel: 'silent',
  });
  const imports = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
  return {
    files: filesOf(outputFiles),
    inside: placesOf(metafile),
    outside: outside.filter((name) => imports.includes(name)),
  };
}

/** A page of the device in the layout in which its server looks for it (device/pages/assets.ts). */
export async function bundlePage(name: string): Promise<Bundle> {
  const { outputFiles, metafile } = await build({ ...pageBuild(name), metafile: true });
  const files = [...filesOf(outputFiles)].map(([file, bytes]) => [`built/${name}/${file}`, bytes] as const);
  return { files: new Map(files), inside: placesOf(metafile), outside: [] };
}

function filesOf(outputFiles: readonly { path: string; contents: Uint8Array }[]): Files {
  return new Map(outputFiles.map(({ path, contents }) => [basename(path), contents]));
}

/** Only what tree shaking has left something of. */
function placesOf({ outputs }: Metafile): string[] {
  const inputs = Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
  );
  const places = inputs.flatMap((path) => innermostPackage.exec(path)?.[1] ?? []);
  return [...new Set(places)].toSorted();
}

/** `node_modules/a/node_modules/@b/c` of the path of a file in it. */
const innermostPackage = /(node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+)\//;

/** Whether a bundle holds code of a package. */
export function holds({ inside }: Bundle, name: string): boolean {
  return inside.some((place) => nameOf(place) === name);
}
