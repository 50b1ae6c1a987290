import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { type ComponentName, components, recipe } from '../../cloud/greengrass/recipe.ts';
import { AppError, messageOf } from '../../device/platform/errors.ts';
import { type Bundle, bundle, bundlePage } from './bundle.ts';
import { readLockFile } from './lock-file.ts';
import { fetchedPackages, type PackagingContext, packageComponent } from './package-component.ts';
import { fetchTarballs } from './tarball.ts';
import type { Target } from './target.ts';
import { type Files, zip } from './zip.ts';

export const maxZipBytes = 20 * 1024 * 1024;

export interface BuiltPackage {
  component: ComponentName;
  target: Target['name'];
  file: string;
  bytes: number;
  sha256: string;
}

export interface Packaging {
  /** Bundles the programs, and fetches the packages with native parts for all targets. */
  prepare(): Promise<void>;
  /** Writes one zip. @throws AppError `too-large`, `unwritable`, and what `packageComponent` throws */
  build(component: ComponentName, target: Target): Promise<BuiltPackage>;
  /** Writes a component's recipe, with its placeholders, beside its zips, as gdk does. @throws AppError `unwritable` */
  writeRecipe(component: ComponentName): string;
}

export interface PackagingOptions {
  root: string;
  /** Usually `dist`. */
  out: string;
  components: readonly ComponentName[];
  targets: readonly Target[];
  /** A larger zip is refused. Default `maxZipBytes`. */
  limitBytes?: number;
}

/** What a component needs beside its program. The doctor lies with the monitor, which runs on every core. */
const extras = {
  'com.iotblog.SensorMonitor': {
    programs: { doctor: 'scripts/doctor/main.ts' },
    pages: [],
    files: { 'node-sense-hat/child.mjs': 'device/sensor/node-sense-hat/child.mjs' },
  },
  'com.iotblog.AnomalyHandler': { programs: {}, pages: ['console'], files: {} },
} as const satisfies Record<
  ComponentName,
  { programs: Record<string, string>; pages: readonly string[]; files: Record<string, string> }
>;

const packageJson = z.object({
  version: z.string(),
  license: z.string(),
  engines: z.object({ node: z.string().regex(/^>=\d+(\.\d+)*$/) }),
});

/** Builds the zips of components; the same sources and lock file give the same bytes. */
export function createPackaging(options: PackagingOptions): Packaging {
  const { root, out, components: chosen, targets, limitBytes = maxZipBytes } = options;
  const lock = readLockFile(root);
  const { version, license, engines } = packageJson.parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));
  const tarballs = join(root, '.cache', 'npm');
  const context: PackagingContext = { root, lock, tarballs, nodeLeast: engines.node.slice('>='.length) };
  const parts = new Map<ComponentName, Bundle[]>();

  return {
    async prepare() {
      for (const { name, program } of components.filter(({ name }) => chosen.includes(name))) {
        const programs = bundle(root, { [program]: `device/main/${program}.ts`, ...extras[name].programs });
        parts.set(name, await Promise.all([programs, ...extras[name].pages.map(bundlePage)]));
      }
      const bundles = [...parts.values()].flat();
      const fetched = targets.flatMap((target) => bundles.flatMap((part) => fetchedPackages(lock, part, target)));
      await fetchTarballs([...new Map(fetched.map((locked) => [locked.place, locked])).values()], tarballs);
    },

    async build(component, target) {
      const own = parts.get(component);
      if (own === undefined) throw new Error(`${component} was not prepared`);
      const files = await packageComponent(context, {
        product: { name: component, version, license },
        parts: own,
        assets: new Map(
          Object.entries(extras[component].files).map(([to, from]) => [to, readFileSync(join(root, from))]),
        ),
        target,
      });
      const bytes = await zip(files);
      const artifact = artifactsOf(component).find(({ file }) => file.endsWith(`-${target.name}.zip`));
      if (artifact === undefined) throw new Error(`the recipe of ${component} has no artifact for ${target.name}`);
      if (bytes.length > limitBytes) throw tooLarge(artifact.file, bytes.length, limitBytes, files);
      const file = join(out, artifact.file);
      write(file, bytes);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      return { component, target: target.name, file, bytes: bytes.length, sha256 };
    },

    writeRecipe(component) {
      const file = join(out, 'recipes', `${component}-${version}.yaml`);
      write(file, readFileSync(join(root, 'recipes', `${component}-${version}.yaml`)));
      return file;
    },
  };
}

function artifactsOf(component: ComponentName) {
  return recipe(component, { bucket: '', prefix: '', secretArn: '' }).artifacts;
}

function write(file: string, bytes: Uint8Array): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  } catch (error) {
    throw new AppError(
      'unwritable',
      `Cannot write ${file}: ${messageOf(error)}. Make room or give rights there, or name another folder with --out.`,
      { cause: error },
    );
  }
}

function tooLarge(name: string, bytes: number, limitBytes: number, files: Files): AppError {
  const biggest = [...files].toSorted(([, one], [, other]) => other.length - one.length).slice(0, 10);
  const lines = biggest.map(([path, content]) => `  ${mebibytes(content.length).padStart(10)}  ${path}`);
  return new AppError(
    'too-large',
    `${name} would be ${mebibytes(bytes)}, and ${mebibytes(limitBytes)} is the limit. Its biggest files, unpacked:\n` +
      `${lines.join('\n')}\nLeave one of them out, or raise the limit in scripts/package/build-packages.ts.`,
  );
}

export function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
