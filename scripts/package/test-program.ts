import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { promisify } from 'node:util';
import { type ComponentName, readRecipe } from '../../cloud/greengrass/recipe.ts';
import { recipeRun } from '../../cloud/greengrass/recipe-run.ts';
import type { Target } from './target.ts';

const run = promisify(execFile);

/** A package that runs on its own, without a nucleus. */
export interface TestProgram {
  log(): string;
  /** Asks it to end, and waits until it has. */
  stop(): Promise<void>;
  /** Ends it at once, if it still runs. */
  kill(): void;
}

export interface TestProgramOptions {
  target: Target;
  /** Folder that the package was unpacked into. */
  decompressedPath: string;
  workPath: string;
  thingName: string;
  /** Groups of the configuration, over the recipe’s own. */
  configuration: Readonly<Record<string, unknown>>;
}

/** Installs and starts a package as its recipe says, with nothing else in its environment. */
export async function startProgram(name: ComponentName, options: TestProgramOptions): Promise<TestProgram> {
  const { target, configuration, ...variables } = options;
  mkdirSync(variables.workPath, { recursive: true });
  const { cwd, env: own, ...steps } = recipeRun(readRecipe(name), target.architecture, variables);
  const groups = Object.entries(configuration).map(([group, value]) => [
    `GREENGRASS_ITSM__${group}`,
    JSON.stringify(value),
  ]);
  const around = { PATH: process.env['PATH'], HOME: variables.workPath, NODE_NO_WARNINGS: '1' };
  const env = { ...around, ...Object.fromEntries(groups), ...own };
  await run('sh', ['-c', steps.install], { cwd, env });
  const child: ChildProcess = spawn('sh', ['-c', steps.run ?? 'exit 1'], {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      log += chunk.toString();
    });
  }
  return {
    log: () => log,
    async stop() {
      const gone = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
      child.kill('SIGTERM');
      await gone;
    },
    kill: () => void child.kill('SIGKILL'),
  };
}
