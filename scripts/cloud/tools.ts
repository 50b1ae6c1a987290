import { execFileSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { components } from '../../cloud/greengrass/recipe.ts';
import { AppError } from '../../device/platform/errors.ts';
import { installNode } from '../ci/other-node.ts';
import { createPackaging } from '../package/build-packages.ts';
import { targets } from '../package/target.ts';
import { runProcess } from './processes.ts';

/** What a run needs and `npm ci` does not bring. */
export interface Tools {
  /** A Python that has the emulators. */
  python: string;
  /** Folder of the `node` of release 24, on which the functions run. */
  node24: string;
  /** AWS's Runtime Interface Emulator: the program that runs a function with its extensions as Lambda does. */
  runtimeEmulator: string;
}

const requirements = resolve('scripts/cloud/requirements.txt');
const emulatorRequirements = resolve('scripts/cloud/runtime-emulator.txt');
const limitMs = 10 * 60_000;

/**
 * The emulators and Node 24, in `.cache/`; installed where they are missing. The Python environment is named by its
 * requirements, is built aside and moved when it is whole: several runs may install at once, and none sees a half.
 * @throws AppError `python-missing`, `node-missing`, `failed`, `late`, and what fetching the parts of packages throws
 */
export async function installTools(tell: (line: string) => void): Promise<Tools> {
  const hash = createHash('sha256').update(readFileSync(requirements)).update(pythonVersion()).digest('hex');
  const environment = resolve('.cache', `account-${hash.slice(0, 16)}`);
  if (!existsSync(environment)) {
    tell('installing the emulators: once, about a minute');
    await install(environment);
  }
  const node = await installNode(24);
  if (node === undefined) {
    const sentence = 'Node 24, on which the functions run, could not be installed from npm. Is there a network?';
    throw new AppError('node-missing', sentence);
  }
  const runtimeEmulator = await installRuntimeEmulator(pythonOf(environment));
  await fetchParts();
  return { python: pythonOf(environment), node24: node.bin, runtimeEmulator };
}

/** What the packages for this machine are made of: tests pack and run them where there is no network. */
async function fetchParts(): Promise<void> {
  await createPackaging({
    root: resolve('.'),
    out: resolve('dist'),
    components: components.map(({ name }) => name),
    targets: targets.filter(({ nodeArch }) => nodeArch === process.arch),
  }).prepare();
}

const pythonOf = (environment: string) => join(environment, 'bin', 'python');

function pythonVersion(): string {
  try {
    return execFileSync('python3', ['-c', 'import sys, ensurepip, venv; print(sys.version)'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch (cause) {
    const sentence = 'The local account needs Python 3.11 or later with venv. On Debian: apt-get install python3-venv.';
    throw new AppError('python-missing', sentence, { cause });
  }
}

const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', '--require-hashes'];

function install(environment: string): Promise<void> {
  const step = { name: 'Installing the emulators', env: process.env, limitMs };
  return installAside(environment, async (aside) => {
    await runProcess({ ...step, program: 'python3', args: ['-m', 'venv', aside] });
    await runProcess({ ...step, program: pythonOf(aside), args: [...pip, '-r', requirements] });
  });
}

/** Answers the program for this machine. */
async function installRuntimeEmulator(python: string): Promise<string> {
  const hash = createHash('sha256').update(readFileSync(emulatorRequirements)).digest('hex');
  const folder = resolve('.cache', `runtime-emulator-${hash.slice(0, 16)}`);
  const program = join('samcli', 'local', 'rapid', `aws-lambda-rie-${process.arch === 'arm64' ? 'arm64' : 'x86_64'}`);
  if (!existsSync(folder)) {
    await installAside(folder, async (aside) => {
      const args = [...pip, '--no-deps', '--no-compile', '--target', aside, '-r', emulatorRequirements];
      await runProcess({ name: 'Installing the runtime emulator', program: python, args, env: process.env, limitMs });
      chmodSync(join(aside, program), 0o755);
    });
  }
  return join(folder, program);
}

/** Builds a folder beside its place, and moves it there when it is whole. */
async function installAside(folder: string, build: (aside: string) => Promise<void>): Promise<void> {
  const aside = `${folder}-${randomUUID().slice(0, 8)}`;
  try {
    await build(aside);
    if (!existsSync(folder)) renameSync(aside, folder);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}
