import { execFileSync } from 'node:child_process';
import { closeSync, cpSync, existsSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '../../../device/platform/errors.ts';
import type { ComponentName } from './bundles.ts';
import { eventually } from './eventually.ts';
import type { World } from './world.ts';

export interface SmallDisk {
  /** Until not a byte is free. */
  fill(): void;
  /** Resolves once the component has seen that there is room: it keeps its reserve again. False where it does not. */
  empty(): Promise<boolean>;
  /** Nothing may have a file open on it. */
  setReadOnly(readOnly: boolean): void;
}

const megabytes = 24;
/** The components look for room after 5 s, and less often later. */
const seenWithinMs = 30_000;
const chunk = Buffer.alloc(65_536, 0x2e);

/** Whether this process may mount: on Linux root, or root of its own namespaces (`unshare -rm`). */
export const mayMount = process.platform === 'linux' && process.getuid?.() === 0;

/**
 * Moves the data of a component to a disk of its own for the time of `work`, and back.
 * @returns false where none can be mounted; then nothing was done.
 */
export async function onSmallDisk(
  { components, dataDirs }: World,
  name: ComponentName,
  work: (disk: SmallDisk) => Promise<void>,
): Promise<boolean> {
  if (!mayMount) return false;
  const [component, dataDir] = [components[name], dataDirs[name]];
  const aside = `${dataDir}.aside`;
  const reserve = join(dataDir, `${name}.reserve`);
  const ballast = join(dataDir, 'ballast');
  await component.kill();
  renameSync(dataDir, aside);
  mkdirSync(dataDir);
  const mount = (...options: string[]) => execFileSync('mount', [...options, dataDir], { stdio: 'pipe' });
  mount('-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0700`, 'tmpfs');
  try {
    cpSync(aside, dataDir, { recursive: true });
    component.start();
    await work({
      fill: () => fillUp(ballast),
      empty() {
        rmSync(ballast);
        return eventually(() => existsSync(reserve), seenWithinMs);
      },
      setReadOnly: (readOnly) => void mount('-o', `remount,${readOnly ? 'ro' : 'rw'}`),
    });
    await component.kill();
    rmSync(aside, { recursive: true });
    cpSync(dataDir, aside, { recursive: true });
  } finally {
    await component.kill();
    execFileSync('umount', [dataDir], { stdio: 'pipe' });
  }
  rmSync(dataDir, { recursive: true });
  renameSync(aside, dataDir);
  component.start();
  return true;
}

function fillUp(path: string): void {
  const file = openSync(path, 'w', 0o600);
  try {
    for (let size = chunk.length; size >= 1; size = Math.floor(size / 2)) writeWhileThereIsRoom(file, size);
  } finally {
    closeSync(file);
  }
}

function writeWhileThereIsRoom(file: number, size: number): void {
  try {
    while (writeSync(file, chunk, 0, size) === size) {}
  } catch (error) {
    if (codeOf(error) !== 'ENOSPC') throw error;
  }
}
