import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { StageName } from '../../cloud/stages.ts';
import { accountVariables } from '../../cloud/testing/account.ts';
import { startProcess } from './processes.ts';

export interface TestRun {
  /** Parts of paths, as vitest takes them; all tests where there is none. */
  filters: readonly string[];
  /** Of names, a regular expression. */
  name: string | undefined;
  env: NodeJS.ProcessEnv;
  outputsFile: string;
  /** For what tests write. */
  folder: string;
  /** Set on AWS. */
  awsAccount?: string;
  /** Cloud assemblies that the tests of templates need not make, by stage. */
  assemblies?: Partial<Record<StageName, string>>;
}

export interface TestEnd {
  /** Whether the run succeeded, as vitest sees it. */
  ok: boolean;
  /** What vitest's JSON reporter wrote; undefined where it ended before. */
  results: unknown;
}

/** Runs the cloud tests with vitest. The promise has the end; `stop` ends the run. */
export function runTests({ filters, name, env, outputsFile, folder, awsAccount, assemblies = {} }: TestRun): {
  ended: Promise<TestEnd>;
  stop(): Promise<void>;
} {
  const resultsFile = join(folder, 'results.json');
  const named = name === undefined ? [] : ['--testNamePattern', name];
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${resultsFile}`];
  const vitest = startProcess({
    name: 'The tests',
    program: process.execPath,
    args: [
      resolve('node_modules/vitest/vitest.mjs'),
      'run',
      '--config',
      'vitest.cloud.config.ts',
      ...reporters,
      ...named,
      ...filters,
    ],
    env: {
      ...process.env,
      NODE_NO_WARNINGS: '1',
      ...env,
      [accountVariables.outputs]: outputsFile,
      [accountVariables.folder]: folder,
      [accountVariables.assemblies]: JSON.stringify(assemblies),
      ...(awsAccount === undefined ? {} : { [accountVariables.account]: awsAccount }),
    },
  });
  return {
    ended: vitest.ended.then((end) => ({ ok: end === undefined, results: readResults(resultsFile) })),
    stop: vitest.stop,
  };
}

function readResults(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
