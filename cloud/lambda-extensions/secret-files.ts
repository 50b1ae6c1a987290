import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A folder of secrets, a file each, for nobody but the user that the environment runs as: 0700 and 0600. */
export interface SecretFiles {
  /** Whole or not at all: a function that reads meanwhile sees the old value or the new one. */
  write(name: string, value: string): void;
  /** Undefined where it is not there. */
  read(name: string): string | undefined;
  /** Removes all but these. */
  keepOnly(names: readonly string[]): void;
  /** Removes all of it. */
  wipe(): void;
}

/** Secrets Manager takes 64 KB. */
const largestSecret = 64 * 1024;

/** The folder is made when the first file is. */
export function createSecretFiles(home: string): SecretFiles {
  function open(): void {
    mkdirSync(home, { recursive: true, mode: 0o700 });
    if (!lstatSync(home).isDirectory()) throw new Error(`${home} is no folder: nothing is written there.`);
    // It may have been there with other rights.
    chmodSync(home, 0o700);
  }
  return {
    write(name, value) {
      open();
      const aside = join(home, `.${name}.new`);
      rmSync(aside, { force: true });
      writeFileSync(aside, value, { mode: 0o600, flag: 'wx' });
      renameSync(aside, join(home, name));
    },
    read(name) {
      const path = join(home, name);
      try {
        const about = lstatSync(path);
        return about.isFile() && about.size <= largestSecret ? readFileSync(path, 'utf8') : undefined;
      } catch {
        return undefined;
      }
    },
    keepOnly(names) {
      open();
      for (const name of readdirSync(home)) {
        if (!names.includes(name)) rmSync(join(home, name), { recursive: true, force: true });
      }
    },
    wipe() {
      rmSync(home, { recursive: true, force: true });
    },
  };
}
