import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../../device/platform/errors.ts';
import type { Target } from './target.ts';

const names = z.record(z.string(), z.string()).default({});
const entry = z.object({
  version: z.string(),
  integrity: z.string().optional(),
  license: z.string().optional(),
  dependencies: names,
  optionalDependencies: names,
  os: z.array(z.string()).optional(),
  cpu: z.array(z.string()).optional(),
  libc: z.array(z.string()).optional(),
});
const lockFormat = z.object({ packages: z.record(z.string(), z.unknown()) });

/** A package as package-lock.json pins it. */
export interface LockedPackage {
  name: string;
  /** Where npm installs it, `node_modules/libsql`; a package holds it there too. */
  place: string;
  version: string;
  /** Of its tarball, as Subresource Integrity: `sha512-…`. */
  integrity: string;
  license: string | undefined;
  /** The package that has this one for each platform, where it is one of those. */
  platformOf?: string;
}

export interface LockFile {
  /**
   * A package by its place: `node_modules/axios`, `node_modules/a/node_modules/b`.
   * @throws AppError `not-locked`
   */
  at(place: string): LockedPackage;
  /** What a package needs at run time on a machine, itself first: dependencies, and its native part for that machine. */
  closure(name: string, target: Target): LockedPackage[];
}

export function readLockFile(root: string): LockFile {
  const { packages } = lockFormat.parse(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')));

  function entryAt(place: string): z.infer<typeof entry> {
    const found = entry.safeParse(packages[place]);
    if (!found.success) throw notLocked(place);
    return found.data;
  }

  function at(place: string): LockedPackage {
    const { version, integrity, license } = entryAt(place);
    if (integrity === undefined) throw notLocked(place);
    return { name: nameOf(place), place, version, integrity, license };
  }

  function closure(name: string, target: Target): LockedPackage[] {
    const found = new Map<string, LockedPackage>();
    const visit = (place: string, platformOf?: string) => {
      const locked = at(place);
      if (found.has(place)) return;
      found.set(place, platformOf === undefined ? locked : { ...locked, platformOf });
      const { dependencies, optionalDependencies } = entryAt(place);
      const optional = Object.keys(optionalDependencies);
      for (const other of Object.keys(dependencies)) {
        if (!optional.includes(other)) visit(placeFrom(place, other));
      }
      for (const other of optional) {
        if (fits(other, entryAt(placeFrom(place, other)), target)) visit(placeFrom(place, other), locked.name);
      }
    };
    visit(`node_modules/${name}`);
    return [...found.values()];
  }

  /** Where Node finds a package from within another one. */
  function placeFrom(place: string, name: string): string {
    const nested = `${place}/node_modules/${name}`;
    return nested in packages ? nested : `node_modules/${name}`;
  }

  return { at, closure };
}

/** For Linux with glibc, which is what Raspberry Pi OS, Debian and Ubuntu are; some packages name musl in their name alone. */
function fits(name: string, { os, cpu, libc }: z.infer<typeof entry>, { nodeArch }: Target): boolean {
  const allows = (list: readonly string[] | undefined, value: string) => list === undefined || list.includes(value);
  return allows(os, 'linux') && allows(cpu, nodeArch) && allows(libc, 'glibc') && !name.includes('musl');
}

export function nameOf(place: string): string {
  return place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

function notLocked(place: string): AppError {
  return new AppError(
    'not-locked',
    `package-lock.json pins no ${place}, so its integrity cannot be checked. Run npm install, and commit the lock file.`,
  );
}
