import { type ChildProcess, spawn } from 'node:child_process';

/** Set in the environment of all that is started here, and so of all that those start: left-over processes are found by it. */
export const marker = { name: 'ITSM_CI_RUN', value: `run-${process.pid}-${Date.now()}` };

export interface Command {
  program: string;
  args: readonly string[];
  env?: Readonly<Record<string, string>>;
  limitMs: number;
}

export interface End {
  ok: boolean;
  /** `exit code 1`, `ended by SIGTERM`, `longer than 600 s`. */
  how: string;
}

const running = new Set<ChildProcess>();

/** Runs a command in a process group of its own, its output passed on; the whole group ends with the limit. */
export function run({ program, args, env, limitMs }: Command): Promise<End> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...env, [marker.name]: marker.value },
      detached: true,
    });
    running.add(child);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      endGroup(child);
    }, limitMs);
    const settle = (end: End) => {
      clearTimeout(timer);
      running.delete(child);
      resolve(end);
    };
    child.once('error', (error) => settle({ ok: false, how: error.message }));
    child.once('exit', (code, signal) => {
      if (late) settle({ ok: false, how: `longer than ${limitMs / 1_000} s` });
      else settle({ ok: code === 0, how: code === null ? `ended by ${signal}` : `exit code ${code}` });
    });
  });
}

/** Ends what still runs; for signals. */
export function endAll(): void {
  for (const child of running) endGroup(child);
}

function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}
