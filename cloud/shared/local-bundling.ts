import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { cpSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ILocalBundling } from 'aws-cdk-lib';

export interface LocalBundling {
  /** What is built, for people: `the Go function hello`. */
  name: string;
  /** Asks the tool for its version; the first number with a dot in its answer has to be `minimum` or later. */
  probe: { tool: string; args: readonly string[]; minimum: string };
  /**
   * Programs with their arguments, one after the other: first what tests, then what builds. No shell reads them.
   * `{asset}` in an argument is the folder of the asset.
   */
  commands: readonly (readonly [string, ...string[]])[];
  cwd: string;
  /** Besides the environment of this process. */
  env?: Readonly<Record<string, string>>;
  /** Folder below `cwd` that the commands fill, for tools that do not take `{asset}`; it is copied. */
  output?: string;
  /** How long one command may take, ms. */
  limitMs?: number;
  /** Takes what the commands write, and why nothing was built; standard error by default. */
  tell?: (text: string) => void;
}

const tenMinutes = 600_000;
/** Of what one command writes, bytes; more ends it. */
const mostOutput = 16 * 1_024 * 1_024;

/**
 * Builds an asset with a tool of this machine. Where the tool is missing or too old it says so and answers false, and the
 * CDK goes on with its container. A build that fails is no reason for another try elsewhere: it ends the synthesis.
 * @throws Error with all that the command wrote, where one fails, or where nothing lies in the asset afterwards
 */
export function localBundling(bundling: LocalBundling): ILocalBundling {
  const { name, probe, commands, cwd, output } = bundling;
  const { tell = (text) => void process.stderr.write(text) } = bundling;
  const run = ([program, ...args]: readonly [string, ...string[]]) =>
    spawnSync(program, args, {
      cwd,
      env: { ...process.env, ...bundling.env },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: bundling.limitMs ?? tenMinutes,
      killSignal: 'SIGKILL',
      maxBuffer: mostOutput,
    });
  return {
    tryBundle(asset) {
      const missing = whyMissing(probe, run([probe.tool, ...probe.args]));
      if (missing !== undefined) {
        tell(`${name} is not built with this machine's own tool: ${missing}. The container builds it.\n`);
        return false;
      }
      for (const [program, ...args] of commands) {
        const command = [program, ...args.map((arg) => arg.replaceAll('{asset}', asset))] as const;
        const ran = run([program, ...command.slice(1)]);
        const wrote = `${ran.stdout}${ran.stderr}`;
        const failure = whyFailed(ran);
        if (failure !== undefined) {
          throw new Error(`${name} was not built: ${command.join(' ')} in ${cwd} ${failure}.\n${wrote}`);
        }
        tell(wrote);
      }
      if (output !== undefined) cpSync(join(cwd, output), asset, { recursive: true });
      if (readdirSync(asset).length > 0) return true;
      throw new Error(`${name} was not built: its commands succeeded and left nothing in ${output ?? '{asset}'}.`);
    },
  };
}

/** @returns undefined where the tool is there and new enough. */
function whyMissing({ tool, args, minimum }: LocalBundling['probe'], ran: SpawnSyncReturns<string>) {
  const asked = [tool, ...args].join(' ');
  if (ran.error !== undefined) return `${asked} cannot be run (${ran.error.message})`;
  const [version] = /\d+(\.\d+)+/.exec(`${ran.stdout}\n${ran.stderr}`) ?? [];
  if (ran.status !== 0 || version === undefined) return `${asked} does not say its version`;
  return isAtLeast(version, minimum) ? undefined : `${asked} says ${version}, and ${minimum} is needed`;
}

function isAtLeast(version: string, minimum: string): boolean {
  const [has, needs] = [version, minimum].map((text) => text.split('.').map(Number));
  for (const [place, needed] of (needs ?? []).entries()) {
    const number = has?.[place] ?? 0;
    if (number !== needed) return number > needed;
  }
  return true;
}

function whyFailed({ error, signal, status }: SpawnSyncReturns<string>): string | undefined {
  if (error !== undefined) return `could not be run to its end (${error.message})`;
  if (signal !== null) return `was ended by ${signal}`;
  return status === 0 ? undefined : `ended with ${status}`;
}
