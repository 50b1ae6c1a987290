import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { list } from 'tar';
import { AppError, messageOf } from '../../device/platform/errors.ts';
import type { LockedPackage } from './lock-file.ts';

/** Files of a package by their path in it. */
export type PackageFiles = ReadonlyMap<string, Uint8Array>;

const run = promisify(execFile);
const fetchLimitMs = 300_000;

/**
 * Fetches packages that are missing in the folder, through the npm client with its settings and its cache. What stands in
 * the folder is whole, also while several processes fetch.
 * @throws AppError `not-fetched`
 */
export async function fetchTarballs(packages: readonly LockedPackage[], folder: string): Promise<void> {
  const missing = packages.filter((locked) => !existsSync(fileOf(locked, folder)));
  if (missing.length === 0) return;
  mkdirSync(folder, { recursive: true });
  const arriving = mkdtempSync(join(folder, 'arriving-'));
  const specs = missing.map(({ name, version }) => `${name}@${version}`);
  try {
    const options = ['--ignore-scripts', '--prefer-offline', '--loglevel=error', '--pack-destination', arriving];
    await run('npm', ['pack', ...options, ...specs], { timeout: fetchLimitMs });
    for (const file of readdirSync(arriving)) renameSync(join(arriving, file), join(folder, file));
  } catch (error) {
    throw new AppError(
      'not-fetched',
      `npm could not fetch ${specs.join(', ')}: ${reasonOf(error)}. Check the connection to the registry (npm ping) and try again.`,
      { cause: error },
    );
  } finally {
    rmSync(arriving, { recursive: true, force: true });
  }
}

/**
 * The files of a fetched package that `wanted` chooses. The tarball is held against the lock file at every use.
 * @throws AppError `tampered`; the file is gone then, so that the next run fetches it anew
 */
export async function readTarball(
  locked: LockedPackage,
  folder: string,
  wanted: (path: string) => boolean,
): Promise<PackageFiles> {
  const file = fileOf(locked, folder);
  const [algorithm = '', expected] = locked.integrity.split('-', 2);
  const found = createHash(algorithm).update(readFileSync(file)).digest('base64');
  if (found !== expected) {
    rmSync(file);
    throw new AppError(
      'tampered',
      `${locked.name}@${locked.version} is not what package-lock.json pins: ${algorithm}-${found} instead of ` +
        `${locked.integrity}. It was deleted; run this again, and if that repeats ask who changed the registry or the lock file.`,
    );
  }
  const files = new Map<string, Uint8Array>();
  await list({
    file,
    onReadEntry(entry) {
      // The first folder is `package` by custom alone.
      const path = entry.path.slice(entry.path.indexOf('/') + 1);
      if (entry.type !== 'File' || !wanted(path)) return;
      const chunks: Uint8Array[] = [];
      entry.on('data', (chunk) => chunks.push(chunk));
      entry.on('end', () => files.set(path, Buffer.concat(chunks)));
    },
  });
  return files;
}

/** What npm says, without the advice to look into its log. */
function reasonOf(error: unknown): string {
  const output = error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
  const said = output.split('\n').flatMap((line) => /^npm error (?!A complete log)(.+)$/.exec(line)?.[1] ?? []);
  return said.length > 0 ? said.slice(0, 4).join('; ') : messageOf(error);
}

/** As `npm pack` names it. */
function fileOf({ name, version }: LockedPackage, folder: string): string {
  return join(folder, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`);
}
