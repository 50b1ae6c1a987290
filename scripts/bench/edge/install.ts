import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../../device/platform/errors.ts';
import { run } from '../../ci/command.ts';

const nodeRedVersion = '4.1.15';
const pythonPackages = ['paho-mqtt==1.6.1', 'requests==2.32.5'];
const limitMs = 5 * 60_000;

/**
 * Node-RED in a folder of the cache; installed where it is missing.
 * @throws AppError `failed`
 */
export async function installNodeRed(cache: string): Promise<string> {
  const folder = join(cache, `node-red-${nodeRedVersion}`);
  const args = ['--no-save', '--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts'];
  const installed = await installAside(folder, async (aside) =>
    run({ program: 'npm', args: ['install', '--prefix', aside, ...args, `node-red@${nodeRedVersion}`], limitMs }),
  );
  if (installed) return folder;
  throw new AppError(
    'failed',
    `Node-RED ${nodeRedVersion} could not be installed from npm into ${folder}. Is there a network?`,
  );
}

/** A Python with the packages of the post's script; undefined where there is no Python with venv, or no network. */
export async function installPython(cache: string): Promise<string | undefined> {
  const folder = join(cache, 'bench-python');
  const installed = await installAside(folder, async (aside) => {
    const made = await run({ program: 'python3', args: ['-m', 'venv', aside], limitMs });
    if (!made.ok) return made;
    const args = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...pythonPackages];
    return run({ program: join(aside, 'bin', 'python'), args, limitMs });
  });
  return installed ? join(folder, 'bin', 'python') : undefined;
}

/** A folder is there whole, or not at all. */
async function installAside(folder: string, install: (aside: string) => Promise<{ ok: boolean }>): Promise<boolean> {
  if (existsSync(folder)) return true;
  const aside = `${folder}.part`;
  await rm(aside, { recursive: true, force: true });
  const { ok } = await install(aside);
  if (ok) await rename(aside, folder);
  return ok;
}
