import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';

export interface ChildOptions {
  /** Takes what it writes. */
  logFile: string;
  /** Lets it speak with this process, whose end is then its own. */
  ipc?: boolean;
  cwd?: string;
}

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A program of the bench in a process of its own, with nothing of this one's environment but the paths. */
export function startChild(
  program: string,
  args: readonly string[],
  { logFile, ipc = false, ...more }: ChildOptions,
): ChildProcess {
  const log = openSync(logFile, 'a', 0o600);
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(program, args, {
    ...more,
    env: { PATH, HOME, NODE_NO_WARNINGS: '1' },
    stdio: ['ignore', log, log, ...(ipc ? (['ipc'] as const) : [])],
  });
  closeSync(log);
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** SIGKILL; resolves once it is gone. Idempotent. */
export async function killChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}
