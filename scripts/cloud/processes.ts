import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { AppError } from '../../device/platform/errors.ts';

export interface ProcessOptions {
  /** For sentences: `the deployment`. */
  name: string;
  program: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  cwd?: string;
  /** Takes what it writes, both streams, appended; without one it writes where this process writes. */
  logFile?: string;
}

export interface RunningProcess {
  /** Resolves when it has ended: `exit code 1`, `ended by SIGKILL`; undefined after exit code 0. */
  ended: Promise<string | undefined>;
  /** Ends the whole group, what the process started included. Idempotent. */
  stop(): Promise<void>;
}

/** How long a group may take to end by itself after SIGTERM, ms. */
const graceMs = 1_500;

/** Starts a program in a process group of its own. */
export function startProcess(options: ProcessOptions): RunningProcess {
  const { name, program, args, env, cwd, logFile } = options;
  const log = logFile === undefined ? undefined : openSync(logFile, 'a', 0o600);
  const child = spawn(program, args, {
    env,
    cwd,
    detached: true,
    stdio: ['ignore', log ?? 'inherit', log ?? 'inherit'],
  });
  if (log !== undefined) closeSync(log);
  const ended = new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => resolve(`${name}: ${program} could not be started: ${error.message}`));
    child.once('exit', (code, signal) => {
      if (code === 0) resolve(undefined);
      else resolve(code === null ? `ended by ${signal}` : `exit code ${code}`);
    });
  });
  let stopping: Promise<void> | undefined;
  return {
    ended,
    stop: () => {
      stopping ??= endGroup(child, ended);
      return stopping;
    },
  };
}

export interface Bounds {
  limitMs: number;
  /** Ends it. */
  signal?: AbortSignal;
}

/**
 * Runs a program to its end.
 * @throws AppError `failed` with the end of what it wrote, `late` beyond the limit, `interrupted` by the signal
 */
export async function runProcess(options: ProcessOptions & Bounds): Promise<void> {
  const { name, logFile, limitMs, signal } = options;
  signal?.throwIfAborted();
  const running = startProcess(options);
  const given = new AbortController();
  const bound = AbortSignal.any([
    AbortSignal.timeout(limitMs),
    ...(signal === undefined ? [] : [signal]),
    given.signal,
  ]);
  const stopped = new Promise<'stopped'>((resolve) => {
    bound.addEventListener('abort', () => resolve('stopped'), { once: true });
  });
  const end = await Promise.race([running.ended, stopped]);
  given.abort();
  await running.stop();
  if (end === undefined) return;
  if (signal?.aborted === true) throw new AppError('interrupted', `${name} was interrupted.`);
  const isLate = end === 'stopped';
  const how = isLate ? `took longer than ${limitMs / 1_000} s` : `failed: ${end}`;
  throw new AppError(isLate ? 'late' : 'failed', `${name} ${how}.${lastWords(logFile)}`);
}

/** The end of a log, for a message. */
export function lastWords(logFile: string | undefined, lines = 60): string {
  if (logFile === undefined || !existsSync(logFile)) return '';
  const text = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  return text === '' ? '' : ` The end of ${logFile}:\n${text}`;
}

async function endGroup(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  const { pid } = child;
  if (pid === undefined) return;
  if (!signalGroup(pid, 'SIGTERM')) return;
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([ended, new Promise((resolve) => (timer = setTimeout(resolve, graceMs)))]);
  clearTimeout(timer);
  // Also where the leader has ended: what it started may still be there.
  signalGroup(pid, 'SIGKILL');
  await ended;
}

/** False where the group is empty. */
function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(-pid, signal);
    return true;
  } catch {
    return false;
  }
}
