import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { access, open, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { codeOf, messageOf } from '../platform/errors.ts';
import { type Check, type Finding, fail, ok, warn } from './check.ts';

const topic = 'Disk';
/** Free space beside the reserve below which a device fills up soon, and below which it cannot begin. */
const comfortableBytes = 500_000_000;
const neededBytes = 50_000_000;
/** `f_type` of file systems in memory. Source: Linux, statfs(2). */
const memoryFileSystems: readonly number[] = [0x0102_1994, 0x8584_58f6];

export function diskChecks(store: { dataDir: string; reserveBytes: number }): Check[] {
  const dataDir = resolve(store.dataDir);
  return [
    { name: 'data directory', topic, run: () => dataDirectory(dataDir) },
    { name: 'disk space', topic, run: () => diskSpace(dataDir, store.reserveBytes) },
  ];
}

async function dataDirectory(dataDir: string): Promise<Finding> {
  const existing = await nearestExisting(dataDir);
  if (existing !== dataDir) {
    const mayMake = await access(existing, constants.W_OK).then(
      () => true,
      () => false,
    );
    if (mayMake) return ok(`${dataDir} is made at the first start`);
    return fail(`${dataDir} cannot be made: ${existing} is not writable`, ownCommand(dataDir));
  }
  if (!(await stat(dataDir)).isDirectory()) {
    return fail(`${dataDir} is a file`, 'Choose a folder with store.dataDir or --data-dir.');
  }
  const problem = await writeProblem(dataDir);
  if (problem !== undefined) return fail(`${dataDir} takes no file: ${problem}`, ownCommand(dataDir));
  const { type } = await statfs(dataDir);
  if (memoryFileSystems.includes(type)) {
    return warn(
      `${dataDir} is in memory: what waits there is lost at a power cut`,
      'Choose a folder on disk with store.dataDir or --data-dir.',
    );
  }
  return ok(`${dataDir} is writable`);
}

async function diskSpace(dataDir: string, reserveBytes: number): Promise<Finding> {
  const { bavail, bsize } = await statfs(await nearestExisting(dataDir));
  const freeBytes = bavail * bsize;
  const found = `${megabytes(freeBytes)} free for ${dataDir}`;
  const todo = `Free space, or choose another disk with store.dataDir: df -h ${shellWord(dataDir)}`;
  if (freeBytes < neededBytes + reserveBytes) return fail(found, todo);
  return freeBytes < comfortableBytes + reserveBytes ? warn(found, todo) : ok(found);
}

/** Writes, syncs and removes a file; answers what stood in the way. */
async function writeProblem(folder: string): Promise<string | undefined> {
  const path = join(folder, `.doctor-${randomBytes(6).toString('hex')}`);
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile('doctor\n');
      await file.sync();
    } finally {
      await file.close();
      await rm(path, { force: true });
    }
    return undefined;
  } catch (error) {
    return codeOf(error) ?? messageOf(error);
  }
}

async function nearestExisting(path: string): Promise<string> {
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  return isThere || dirname(path) === path ? path : nearestExisting(dirname(path));
}

function ownCommand(dataDir: string): string {
  const folder = shellWord(dataDir);
  return `sudo install -d -m 700 -o "$USER" ${folder}; or choose another with store.dataDir or --data-dir.`;
}

/** A path as one word of a command. */
export function shellWord(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}

function megabytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.floor(bytes / 1e6)} MB`;
}
