import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { deployedComponents } from '../../cloud/greengrass/definition.ts';
import { type ComponentName, components, componentVersion, readRecipe } from '../../cloud/greengrass/recipe.ts';
import { recipeRun } from '../../cloud/greengrass/recipe-run.ts';
import { startTestNucleus, type TestNucleus } from '../../device/greengrass/test-ipc-server.ts';
import { makeIdentity } from '../provision/identity.ts';
import { install } from '../provision/install.ts';
import { amazonRootCa } from '../provision/root-ca.ts';
import { certificateFor } from '../provision/test-certificate.ts';
import { createPackaging } from './build-packages.ts';
import { type Target, targets } from './target.ts';
import { unpack } from './unpack.ts';

const run = promisify(execFile);
const names = components.map(({ name }) => name);
export const thingName = 'IoT-blog_Core';
export const secretArn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:greengrass-snow-creds-AbCdEf';

type Tree = Record<string, unknown>;

/** A Greengrass core in a folder: the packages of this machine unpacked as the nucleus does, and a nucleus of the test. */
export interface TestCore {
  nucleus: TestNucleus;
  workPath(name: ComponentName): string;
  /** What a deployment merges into the configuration of a component; running ones are told. */
  merge(name: ComponentName, change: Tree): void;
  /** The whole configuration of a component with a change, as a deployment proposes it. */
  proposal(name: ComponentName, change: Tree): Tree;
  /** Runs the install step, then the run step; answers what the install step printed. */
  start(name: ComponentName): Promise<string>;
  /** Ends the run step; how it ended, and how long that took. */
  end(name: ComponentName, signal: 'SIGTERM' | 'SIGKILL'): Promise<{ code: number | null; tookMs: number }>;
  /** What a component has written so far, in all its lives. */
  output(name: ComponentName): string;
  /** The doctor that lies beside the monitor, as an operator runs it. */
  doctor(...args: string[]): Promise<{ code: number; report: string }>;
  stop(): Promise<void>;
}

/**
 * Root folder of Greengrass with packages of this machine's architecture unpacked, and with an identity, made and put
 * in place as provisioning does. Done once for all tests of a file.
 */
export async function buildCore(folder: string): Promise<{ root: string; target: Target }> {
  const target = targets.find(({ nodeArch }) => nodeArch === process.arch);
  if (target === undefined) throw new Error(`there is no package for ${process.arch}`);
  const root = join(folder, 'greengrass', 'v2');
  const packaging = createPackaging({
    ...{ root: join(import.meta.dirname, '../..'), out: join(folder, 'dist'), components: names, targets: [target] },
  });
  await packaging.prepare();
  for (const name of names) await unpack((await packaging.build(name, target)).file, decompressedPath(root, name));
  await placeIdentity(folder, root);
  return { root, target };
}

async function placeIdentity(folder: string, root: string): Promise<void> {
  const keys = join(folder, 'certs');
  mkdirSync(keys);
  const { keyFile } = await makeIdentity(keys, thingName, { force: false });
  const nowMs = Date.now();
  const certificate = await certificateFor(readFileSync(keyFile, 'utf8'), {
    ...{ beginsMs: nowMs - 86_400_000, endsMs: nowMs + 365 * 86_400_000 },
  });
  const facts = {
    ...({ format: 1, thing: thingName, region: 'eu-west-1', roleAlias: 'IoTGGRoleAlias' } as const),
    ...{ dataEndpoint: 'data.example', credentialsEndpoint: 'credentials.example' },
  };
  install({ certificate, rootCa: amazonRootCa(), facts }, { keys, target: root, nucleus: 'classic', nowMs });
}

function decompressedPath(root: string, name: ComponentName): string {
  return join(root, 'packages', 'artifacts-unarchived', name, componentVersion());
}

/**
 * Starts a nucleus on the packages of `buildCore`. Configuration is the recipes' own, under what the deployment of this
 * project merges, for an instance at `serviceNowUrl`.
 */
export async function startCore(
  { root, target }: { root: string; target: Target },
  { serviceNowUrl }: { serviceNowUrl: string },
): Promise<TestCore> {
  const nucleus = await startTestNucleus({ socket: join(root, 'ipc.socket') });
  const running = new Map<ComponentName, ChildProcess>();
  const outputs = new Map<ComponentName, string>(names.map((name) => [name, '']));
  const configurations = new Map<ComponentName, Tree>();
  const environments = new Map<ComponentName, Readonly<Record<string, string>>>();
  const version = componentVersion();
  const deployed = deployedComponents(
    { 'com.iotblog.SensorMonitor': version, 'com.iotblog.AnomalyHandler': version },
    { tempLimit: 30, humidLimit: 50, snowUrl: `${serviceNowUrl}/api/now/table/incident` },
    { secretArn, roleAlias: 'IoTGGRoleAlias' },
  );
  for (const name of names) {
    const merged: unknown = JSON.parse(deployed[name]?.configurationUpdate?.merge ?? '{}');
    const configuration = layOver(readRecipe(name).ComponentConfiguration.DefaultConfiguration, merged);
    configurations.set(name, configuration);
    environments.set(name, nucleus.component(name, configuration));
  }
  const configurationOf = (name: ComponentName) => configurations.get(name) ?? {};
  const workPath = (name: ComponentName) => join(root, 'work', name);

  const unpacked = (name: ComponentName) => {
    const program = components.find((one) => one.name === name)?.program;
    return join(decompressedPath(root, name), `${program}-${target.name}`);
  };

  return {
    nucleus,
    workPath,
    merge(name, change) {
      const configuration = layOver(configurationOf(name), change);
      configurations.set(name, configuration);
      nucleus.configure(name, Object.fromEntries(Object.keys(change).map((key) => [key, configuration[key]])));
    },
    proposal: (name, change) => layOver(configurationOf(name), change),
    async start(name) {
      mkdirSync(workPath(name), { recursive: true });
      const steps = recipeRun(readRecipe(name), target.architecture, {
        ...{ decompressedPath: decompressedPath(root, name), workPath: workPath(name), thingName },
        configuration: configurationOf(name),
      });
      const env = {
        ...{ PATH: process.env['PATH'], HOME: workPath(name), NODE_NO_WARNINGS: '1' },
        ...{ ...environments.get(name), ...steps.env },
      };
      const { stdout } = await run('sh', ['-c', steps.install], { cwd: steps.cwd, env });
      const child = spawn('sh', ['-c', steps.run ?? 'exit 1'], {
        ...{ cwd: steps.cwd, env, stdio: ['ignore', 'pipe', 'pipe'] },
      });
      running.set(name, child);
      for (const stream of [child.stdout, child.stderr]) {
        stream?.on('data', (chunk: Buffer) => outputs.set(name, `${outputs.get(name)}${chunk.toString()}`));
      }
      return stdout;
    },
    async end(name, signal) {
      const child = running.get(name);
      if (child === undefined) throw new Error(`${name} does not run`);
      running.delete(name);
      const beganMs = performance.now();
      const gone = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
      child.kill(signal);
      await gone;
      return { code: child.exitCode, tookMs: performance.now() - beganMs };
    },
    output: (name) => outputs.get(name) ?? '',
    doctor(...args) {
      const file = join(unpacked('com.iotblog.SensorMonitor'), 'doctor.mjs');
      return run('node', [file, ...args], { env: { PATH: process.env['PATH'] } }).then(
        ({ stdout }) => ({ code: 0, report: stdout }),
        (error: { code: number; stdout: string; stderr: string }) => ({
          code: error.code,
          report: error.stdout + error.stderr,
        }),
      );
    },
    async stop() {
      for (const child of running.values()) {
        const gone = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
        child.kill('SIGKILL');
        await gone;
      }
      await nucleus.stop();
    },
  };
}

/** As `configurationUpdate.merge` does: groups merge, everything else replaces. */
function layOver(under: unknown, over: unknown): Tree {
  const merged = new Map<string, unknown>(Object.entries(isTree(under) ? under : {}));
  for (const [name, value] of Object.entries(isTree(over) ? over : {})) {
    merged.set(name, isTree(value) ? layOver(merged.get(name), value) : value);
  }
  return Object.fromEntries(merged);
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
