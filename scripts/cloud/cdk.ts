import { resolve } from 'node:path';
import { runProcess } from './processes.ts';

export interface CdkStep {
  /** The cloud assembly: a folder. */
  assembly: string;
  /** Endpoint and keys. */
  env: NodeJS.ProcessEnv;
  /** What the command writes. */
  logFile: string;
  limitMs: number;
  signal?: AbortSignal;
}

export interface Target {
  account: string;
  region: string;
}

const cli = resolve('node_modules/aws-cdk/bin/cdk');
/** More at once are no quicker: the local account answers from one process. */
const concurrency = 4;

/**
 * What the CDK needs in an account: bucket, roles. It is told of no app: given one, it would synthesise it without
 * bundling, and overwrite the assembly with assets that are the whole repository. That it finds none by itself either, it
 * runs in a folder that has no cdk.json.
 */
export async function bootstrap(target: Target, step: Omit<CdkStep, 'assembly'>, folder: string): Promise<void> {
  const environment = `aws://${target.account}/${target.region}`;
  await cdk({ ...step, name: 'The bootstrap', args: ['bootstrap', environment], cwd: folder });
}

/**
 * Deploys all stacks of the assembly; their outputs go to a file, `{stack: {output: value}}`.
 * @throws AppError `failed`, `late` with the end of what the command wrote
 */
export async function deploy(step: CdkStep, outputsFile: string): Promise<void> {
  const quick = ['--concurrency', String(concurrency), '--require-approval', 'never', '--method', 'direct'];
  const args = ['deploy', '--all', '--app', step.assembly, '--outputs-file', outputsFile, ...quick];
  await cdk({ ...step, name: 'The deployment', args });
}

/** Removes all stacks of the assembly. @throws AppError `failed`, `late` */
export async function destroy(step: CdkStep): Promise<void> {
  await cdk({ ...step, name: 'The removal', args: ['destroy', '--all', '--force', '--app', step.assembly] });
}

type Command = Omit<CdkStep, 'assembly'> & { name: string; args: readonly string[]; cwd?: string };

function cdk({ name, args, env, logFile, limitMs, cwd, signal }: Command): Promise<void> {
  return runProcess({
    name,
    program: process.execPath,
    args: [cli, ...args, '--ci', '--no-notices', '--no-version-reporting'],
    env: { ...process.env, CDK_DISABLE_CLI_TELEMETRY: 'true', NODE_NO_WARNINGS: '1', ...env },
    logFile,
    limitMs,
    ...(cwd === undefined ? {} : { cwd }),
    ...(signal === undefined ? {} : { signal }),
  });
}
