import { resolve } from 'node:path';
import { runProcess } from './processes.ts';

export interface CdkOptions {
  /** The cloud assembly. */
  assembly: string;
  /** Endpoint and keys. */
  env: Record<string, string>;
  logFile: string;
}

const cli = resolve('node_modules/aws-cdk/bin/cdk');
/** Twelve stacks at once are no quicker: the account answers from one process. */
const concurrency = 4;
const stepLimitMs = 4 * 60_000;

export interface SynthOptions {
  assembly: string;
  /** The app's own: `stage`, `rooms`. */
  context: Readonly<Record<string, string>>;
  /** What is run: a TypeScript file. */
  app: string;
  logFile?: string;
}

/** Bundles the functions and writes the cloud assembly; needs no account and no network. */
export async function synth({ assembly, context, app, logFile }: SynthOptions): Promise<void> {
  const pairs = Object.entries(context).flatMap(([key, value]) => ['--context', `${key}=${value}`]);
  await cdk({
    name: 'The synthesis',
    args: ['synth', '--quiet', '--app', `${process.execPath} --import tsx ${app}`, '--output', assembly, ...pairs],
    env: {},
    ...(logFile === undefined ? {} : { logFile }),
  });
}

/**
 * What CDK needs in an account: bucket, roles. It runs on the assembly that is there: given the app, it would synthesise
 * once more, without bundling, and overwrite the assembly with assets that are the whole repository.
 */
export async function bootstrap({ assembly, env, logFile }: CdkOptions, target: string): Promise<void> {
  await cdk({ name: 'The bootstrap', args: ['bootstrap', target, '--app', assembly], env, logFile });
}

/** Deploys all stacks of the assembly; their outputs go to a file, `{stack: {output: value}}`. */
export async function deploy({ assembly, env, logFile }: CdkOptions, outputsFile: string): Promise<void> {
  const args = ['deploy', '--all', '--app', assembly, '--outputs-file', outputsFile];
  const quick = ['--concurrency', String(concurrency), '--require-approval', 'never', '--method', 'direct'];
  await cdk({ name: 'The deployment', args: [...args, ...quick], env, logFile });
}

export async function destroy({ assembly, env, logFile }: CdkOptions): Promise<void> {
  await cdk({ name: 'The removal', args: ['destroy', '--all', '--force', '--app', assembly], env, logFile });
}

function cdk(step: { name: string; args: string[]; env: Record<string, string>; logFile?: string }): Promise<void> {
  const { args, env } = step;
  return runProcess({
    ...step,
    program: process.execPath,
    args: [cli, ...args, '--ci', '--no-notices', '--no-version-reporting'],
    env: { ...process.env, CDK_DISABLE_CLI_TELEMETRY: 'true', NODE_NO_WARNINGS: '1', ...env },
    limitMs: stepLimitMs,
  });
}
