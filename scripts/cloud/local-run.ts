import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { Room } from '../../cloud/rooms.ts';
import { localAccountId } from '../../cloud/testing/account.ts';
import type { BuiltRoom } from '../../cloud/testing/assembly.ts';
import { AppError } from '../../device/platform/errors.ts';
import { type LocalAccount, startAccount } from './account.ts';
import { synthesiseApart } from './assembly.ts';
import { bootstrap, deploy } from './cdk.ts';
import { writeCertificates } from './certificates.ts';
import { enter, runInside } from './isolation.ts';
import { installTools } from './tools.ts';

/** The region of the posts. */
export const localRegion = 'eu-west-1';
const runVariable = 'GREENGRASS_ITSM_CLOUD_RUN';
/** Of one step, ms; the whole has a bound of its own. */
const stepLimitMs = 5 * 60_000;

const runSchema = z.object({
  /** All that the run writes; removed at its end. */
  folder: z.string(),
  tools: z.object({ python: z.string(), node24: z.string(), runtimeEmulator: z.string() }),
  certificates: z.object({ authority: z.string(), bundle: z.string(), server: z.string(), serverKey: z.string() }),
});
export type Run = z.infer<typeof runSchema>;

/** Outside: installs what is needed, then runs this program inside; answers its exit code. */
export async function prepareAndRunInside(script: string): Promise<number> {
  const tools = await installTools((line) => console.log(line));
  const folder = mkdtempSync(join(tmpdir(), 'greengrass-itsm-cloud-'));
  try {
    const certificates = await writeCertificates(folder);
    const run: Run = { folder, tools, certificates };
    return await runInside(script, {
      [runVariable]: JSON.stringify(run),
      // Node reads it when it starts, so this must be there before the inner process is.
      NODE_EXTRA_CA_CERTS: certificates.authority,
      NODE_NO_WARNINGS: '1',
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Inside: the run that was prepared, and the signal of its end. */
export function enterRun(): { run: Run; signal: AbortSignal } {
  const run = runSchema.parse(JSON.parse(process.env[runVariable] ?? '{}'));
  const signal = enter();
  signal.addEventListener('abort', () => {
    // The kernel ends all that this process started when it ends; the outer one may be gone, so the folder goes here.
    rmSync(run.folder, { recursive: true, force: true });
    process.exit(130);
  });
  return { run, signal };
}

export interface Deployed {
  account: LocalAccount;
  rooms: readonly BuiltRoom[];
  assembly: string;
  outputsFile: string;
}

/** Inside: starts the account and deploys the rooms to it, telling each step with its seconds. */
export async function startAndDeploy(run: Run, rooms: readonly Room[], signal: AbortSignal): Promise<Deployed> {
  const { folder } = run;
  const assembly = join(folder, 'cdk.out');
  const outputsFile = join(folder, 'outputs.json');
  const logFile = (name: string) => join(folder, `${name}.log`);
  const target = { account: localAccountId, region: localRegion };
  const limitMs = stepLimitMs;
  writeFileSync(outputsFile, '{}');

  const synthesis = step('templates and functions are built', () =>
    rooms.length === 0
      ? Promise.resolve([])
      : synthesiseApart({ stage: 'local', rooms, assembly, logFile: logFile('synth'), limitMs }),
  );
  const bootstrapped = (async () => {
    const account = await step('the account is up', () => startAccount({ ...run, region: localRegion, signal }));
    const cdk = { env: account.env, logFile: logFile('bootstrap'), limitMs };
    if (rooms.length > 0) await step('the CDK is bootstrapped', () => bootstrap(target, cdk, folder));
    return account;
  })();
  const [built, account] = await Promise.all([synthesis, bootstrapped]);
  if (rooms.length > 0) {
    const cdk = { assembly, env: account.env, logFile: logFile('deploy'), limitMs };
    await step(`${built.flatMap(({ stacks }) => stacks).length} stacks are deployed`, () => deploy(cdk, outputsFile));
  }
  return { account, rooms: built, assembly, outputsFile };
}

/**
 * Inside: the templates of stage prod, for tests; answers their assembly. Undefined where something is wrong with them:
 * the template test of the room at fault then makes its own, and tells it.
 */
export async function synthesiseProd({ folder }: Run, rooms: readonly Room[]): Promise<string | undefined> {
  if (rooms.length === 0) return undefined;
  const assembly = join(folder, 'templates-of-prod');
  const logFile = join(folder, 'synth-of-prod.log');
  const synthesis = { stage: 'prod' as const, rooms, assembly, templatesOnly: true, logFile, limitMs: stepLimitMs };
  return synthesiseApart(synthesis).then(
    () => assembly,
    () => undefined,
  );
}

async function step<T>(name: string, work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  try {
    const done = await work();
    console.log(`${name} (${((performance.now() - startedAt) / 1_000).toFixed(1)} s)`);
    return done;
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new Error(`${name}: this failed`, { cause: error });
  }
}
