import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { readConfigFile } from '../config/config-file.ts';
import { environmentName } from '../config/environment.ts';
import { componentNames, type ProgramName } from '../greengrass/components.ts';
import { socketVariable, tokenVariable } from '../greengrass/ipc-client.ts';
import { codeOf } from '../platform/errors.ts';

/** Where recipes say that a component's data is. */
const dataDirVariable = environmentName(['store', 'dataDir']);

/**
 * The process of a component. A nucleus answers only processes that it has started, each by a token in its
 * environment. Root, and the components' own user, may read that: so the doctor asks as the component, and is told
 * exactly what the component is told.
 */
export type ComponentProcess =
  | { state: 'runs'; pid: number; env: Readonly<Record<string, string>> }
  | { state: 'absent' }
  /** Another user's, so its environment cannot be read. */
  | { state: 'hidden'; pid: number };

export interface CoreComponent {
  program: ProgramName;
  name: string;
  deployed: boolean;
  workPath: string;
  process: ComponentProcess;
}

/** A Greengrass core, looked at from outside. */
export interface Core {
  /** Root folder of the nucleus. */
  root: string;
  monitor: CoreComponent;
  handler: CoreComponent;
  /** What the nucleus was told of itself; `flaw` where that cannot be read. */
  system: { file: string; value: unknown } | { flaw: string };
}

/** `/greengrass/v2` of a file that a nucleus has unpacked there. */
export function rootOf(unpackedFile: string): string | undefined {
  return /^(\/.+?)\/packages\/artifacts-unarchived\//.exec(unpackedFile)?.[1];
}

/** `proc`: another one in tests. */
export async function readCore(root: string, proc = '/proc'): Promise<Core> {
  const component = async (program: ProgramName): Promise<CoreComponent> => {
    const name = componentNames[program];
    const workPath = join(resolve(root), 'work', name);
    const deployed = await isThere(join(root, 'packages', 'artifacts-unarchived', name));
    return { program, name, deployed, workPath, process: await processOf(program, workPath, proc) };
  };
  const [monitor, handler, system] = await Promise.all([
    component('sensor-monitor'),
    component('anomaly-handler'),
    systemOf(root),
  ]);
  return { root, monitor, handler, system };
}

/** The classic nucleus is told by a file in its root, Nucleus Lite by one of the system. */
async function systemOf(root: string): Promise<Core['system']> {
  const files = [
    join(root, 'config.yaml'),
    join(root, 'config', 'effectiveConfig.yaml'),
    '/etc/greengrass/config.yaml',
  ];
  for (const file of files) {
    if (!(await isThere(file))) continue;
    const content = await readConfigFile(file);
    return content.ok ? { file, value: content.value } : { flaw: `${file} ${content.flaw}` };
  }
  return { flaw: `there is no ${files.join(', no ')}` };
}

async function processOf(program: ProgramName, workPath: string, proc: string): Promise<ComponentProcess> {
  let hidden: ComponentProcess | undefined;
  for (const entry of await readdir(proc).catch(() => [])) {
    if (!/^\d+$/.test(entry)) continue;
    const args = (await readFile(join(proc, entry, 'cmdline'), 'utf8').catch(() => '')).split('\0');
    if (!args.some((arg) => arg.endsWith(`/${program}.mjs`))) continue;
    const pid = Number(entry);
    const env = await environmentOf(join(proc, entry, 'environ'));
    if (env === 'hidden') hidden = { state: 'hidden', pid };
    else if (env[dataDirVariable] === workPath && env[socketVariable] && env[tokenVariable]) {
      return { state: 'runs', pid, env };
    }
  }
  return hidden ?? { state: 'absent' };
}

async function environmentOf(file: string): Promise<Record<string, string> | 'hidden'> {
  try {
    const entries = (await readFile(file, 'utf8')).split('\0').flatMap((entry): [string, string][] => {
      const at = entry.indexOf('=');
      return at > 0 ? [[entry.slice(0, at), entry.slice(at + 1)]] : [];
    });
    return Object.fromEntries(entries);
  } catch (error) {
    // One that has ended meanwhile has nothing to tell.
    return ['EACCES', 'EPERM'].includes(codeOf(error) ?? '') ? 'hidden' : {};
  }
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
