import { existsSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { run } from './command.ts';

/**
 * The programs of another Node release: npm has them as a package. It is installed in a folder of its own, because as a
 * dependency of the project its `node` would come first for every script. Undefined where it cannot be installed.
 */
export async function installNode(major: number): Promise<{ bin: string } | undefined> {
  const folder = resolve('.cache', `node-${major}`);
  const name = `node-linux-${process.arch}`;
  const bin = join(folder, 'node_modules', name, 'bin');
  if (existsSync(join(bin, 'node'))) return { bin };
  const args = ['install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund', '--no-package-lock'];
  const end = await run({ program: 'npm', args: [...args, `${name}@${major}`], limitMs: 180_000 });
  return end.ok && existsSync(join(bin, 'node')) ? { bin } : undefined;
}

/** An environment in which `node`, and what npm scripts start, is that release. */
export function withNode(bin: string): { PATH: string } {
  return { PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` };
}
