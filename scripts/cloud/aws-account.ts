import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { S3Client } from '@aws-sdk/client-s3';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import type { Room } from '../../cloud/rooms.ts';
import type { BuiltRoom } from '../../cloud/testing/assembly.ts';
import { AppError, messageOf } from '../../device/platform/errors.ts';
import { chooseRooms, synthesiseApart } from './assembly.ts';
import { bootstrap, type CdkStep, deploy, destroy } from './cdk.ts';
import { removeAll, statusOf } from './removal.ts';
import { runTests } from './run-tests.ts';

export interface AwsOptions {
  account: string;
  region: string;
  /** Rooms that cost something without any traffic, not counting their alarms, too. */
  withPaid: boolean;
  room: readonly string[];
  testName?: string;
}

const stage = 'dev';
const toolkit = 'CDKToolkit';
/** Clusters and distributions take a quarter of an hour and more. */
const limitMs = 60 * 60_000;

/**
 * The rooms and their tests on an AWS account, by the credentials of the environment. Whatever happens after the question,
 * all that was deployed is destroyed, and what is left is listed. Ctrl-C ends the tests and goes on to that; a second one
 * ends at once.
 * @throws AppError `no-credentials`, `wrong-account`, `nothing-to-do`, `already-there`, `not-confirmed`
 */
export async function testOnAws(options: AwsOptions): Promise<0 | 1> {
  const { account, region } = options;
  await checkIdentity(options);
  const asked = chooseRooms(options.room);
  const rooms = options.withPaid ? asked : asked.filter(({ fixedMonthlyUsd }) => fixedMonthlyUsd === 0);
  const leftOut = asked.filter((room) => !rooms.includes(room));
  if (rooms.length === 0) {
    throw new AppError('nothing-to-do', `${leftOutLine(leftOut)} Nothing else was asked for: give --with-paid.`);
  }
  const folder = mkdtempSync(join(tmpdir(), 'greengrass-itsm-aws-'));
  const step: CdkStep = {
    assembly: join(folder, 'cdk.out'),
    env: { AWS_REGION: region },
    logFile: join(folder, 'cdk.log'),
    limitMs,
  };
  try {
    console.log('Building the templates.');
    const built = await synthesiseApart({ ...step, stage, rooms });
    const cloudFormation = new CloudFormationClient({ region });
    const isBootstrapped = (await statusOf(cloudFormation, toolkit)) !== undefined;
    console.log(planOf({ ...options, built, leftOut, isBootstrapped }));
    await requireNone(cloudFormation, built);
    await confirm(account);

    const signal = untilInterrupted();
    const code = await deployAndTest({ options, built, step: { ...step, signal }, folder, isBootstrapped });
    console.log('Destroying what was deployed.');
    const left = await removeAll({
      cloudFormation,
      s3: new S3Client({ region }),
      stacks: built.flatMap(({ stacks }) => stacks),
      destroy: () => destroy(step),
    });
    if (!isBootstrapped) left.push(`stack ${toolkit} and its bucket, which the CDK needs: yours to keep or to remove`);
    console.log(left.length === 0 ? 'Nothing is left.' : [`Left in ${account}, ${region}:`, ...left].join('\n  '));
    return code;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * That the credentials of the environment are of the account that was named, so that nothing is done in another one.
 * @throws AppError `no-credentials`, `wrong-account`
 */
export async function checkIdentity({ account, region }: Pick<AwsOptions, 'account' | 'region'>): Promise<void> {
  const sts = new STSClient({ region });
  const identity = await sts.send(new GetCallerIdentityCommand({})).catch((cause: unknown) => {
    const sentence = `AWS does not say who you are (${messageOf(cause)}). Set AWS_PROFILE, or sign in.`;
    throw new AppError('no-credentials', sentence, { cause });
  });
  if (identity.Account === account) return;
  throw new AppError(
    'wrong-account',
    `The credentials are ${identity.Arn} of account ${identity.Account}, and --account says ${account}. Nothing was done.`,
  );
}

/** What is there already is somebody's: a run would change it, empty its buckets and destroy it. @throws AppError `already-there` */
async function requireNone(cloudFormation: CloudFormationClient, built: readonly BuiltRoom[]): Promise<void> {
  for (const name of built.flatMap(({ stacks }) => stacks)) {
    const status = await statusOf(cloudFormation, name);
    if (status === undefined) continue;
    throw new AppError(
      'already-there',
      `Stack ${name} is there already (${status}), and would be destroyed with its data. Remove it yourself, or name other rooms with --room. Nothing was done.`,
    );
  }
}

interface Plan extends AwsOptions {
  built: readonly BuiltRoom[];
  leftOut: readonly Room[];
  isBootstrapped: boolean;
}

/** What will be created, and what it costs a month as long as it stands. */
export function planOf({ account, region, built, leftOut, isBootstrapped }: Plan): string {
  const total = Math.round(100 * built.reduce((sum, { fixedMonthlyUsd }) => sum + fixedMonthlyUsd, 0)) / 100;
  return [
    `In account ${account}, ${region}, this will be created, tested and destroyed:`,
    ...built.map((room) => `  ${room.name}: ${room.stacks.join(', ')} (fixed cost: $${room.fixedMonthlyUsd} a month)`),
    `Fixed cost of all, were it left there: $${total} a month. Requests and storage of the tests come on top.`,
    ...(isBootstrapped ? [] : [`  ${toolkit}: the CDK is not bootstrapped there; this stays.`]),
    ...(leftOut.length === 0 ? [] : [leftOutLine(leftOut)]),
  ].join('\n');
}

function leftOutLine(rooms: readonly Room[]): string {
  const named = rooms.map(({ name, fixedMonthlyUsd }) => `${name} ($${fixedMonthlyUsd} a month)`).join(', ');
  return `Left out, as they cost more than their alarms even when idle: ${named}. --with-paid takes them in.`;
}

async function confirm(account: string): Promise<void> {
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await Promise.race([
    lines.question('Type the account id to go on: '),
    new Promise<string>((resolve) => lines.once('close', () => resolve(''))),
  ]);
  lines.close();
  if (answer.trim() === account) return;
  throw new AppError('not-confirmed', 'That is not the account id. Nothing was done.');
}

function untilInterrupted(): AbortSignal {
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      console.error('Interrupted: what was deployed is destroyed now. Once more ends at once, and leaves it there.');
      abort.abort();
    });
  }
  return abort.signal;
}

interface Work {
  options: AwsOptions;
  built: readonly BuiltRoom[];
  step: CdkStep & { signal: AbortSignal };
  folder: string;
  isBootstrapped: boolean;
}

/** Never throws: what comes after it destroys what it made. */
async function deployAndTest({ options, built, step, folder, isBootstrapped }: Work): Promise<0 | 1> {
  const { account, region, testName: name } = options;
  const outputsFile = join(folder, 'outputs.json');
  try {
    console.log(`Deploying; the CDK writes to ${step.logFile}.`);
    if (!isBootstrapped) await bootstrap({ account, region }, step, folder);
    await deploy(step, outputsFile);
    const filters = built.map((room) => `cloud/${room.name}/`);
    const tests = runTests({ filters, name, env: step.env, outputsFile, folder, awsAccount: account });
    step.signal.addEventListener('abort', () => void tests.stop());
    const { ok } = await tests.ended;
    return ok ? 0 : 1;
  } catch (error) {
    console.error(messageOf(error));
    return 1;
  }
}
