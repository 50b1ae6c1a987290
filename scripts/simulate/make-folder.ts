import { mkdirSync, type Stats, statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { codeOf } from '../../device/platform/errors.ts';

/**
 * Makes a folder and those above it that are missing, each the owner's alone. Step by step, for a recursive mkdir never
 * comes back where a file system says ENOENT to every new name, as /proc does.
 * @throws Error of the system, or one that names what stands in the way
 */
export function makeFolder(folder: string): void {
  const whole = resolve(folder);
  const existing = nearestExisting(whole);
  const missing = relative(existing, whole)
    .split(sep)
    .filter((name) => name !== '');
  let path = existing;
  for (const name of missing) {
    path = join(path, name);
    makeOne(path);
  }
}

function makeOne(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another process may have been first.
    if (codeOf(error) !== 'EEXIST' || statOf(path)?.isDirectory() !== true) throw error;
  }
}

function nearestExisting(path: string): string {
  const found = statOf(path);
  if (found === undefined) {
    const above = dirname(path);
    return above === path ? path : nearestExisting(above);
  }
  if (!found.isDirectory()) throw new Error(`${path} is no folder`);
  return path;
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}
