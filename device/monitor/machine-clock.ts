import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemTime } from '../platform/time.ts';

/** What is known of the clock of this machine. */
export interface ClockState {
  /** Whether wall time is known to be right. */
  synchronised: boolean;
  /** Who says so: `timesyncd`, `chrony`, `kernel`, `recording`; `none` where nothing can be known. */
  source: string;
}

export interface MachineClock {
  /** Random for each boot: monotonic instants compare only within one. */
  readonly bootId: string;
  /** The latest that is known; never waits. */
  state(): ClockState;
}

export interface MachineClockOptions {
  /** Monotonic clock by which the state is asked for again. */
  monotonicMs?: () => number;
  /** Root of the file system; another one in tests. */
  root?: string;
  /** Standard output of a command, or undefined where it cannot be run or fails. */
  run?: (command: string, args: readonly string[]) => Promise<string | undefined>;
}

const refreshMs = 10_000;
const unknown: ClockState = { synchronised: false, source: 'none' };

/**
 * The clock of a Linux machine, without root and without native code: systemd-timesyncd leaves a file once it has set
 * the clock; chronyd's work shows in the kernel's own flag, which `timedatectl` reads. Elsewhere (macOS, most
 * containers) nothing is known, and that is what is said. Asked again at most every 10 s, and only while someone looks.
 */
export function systemMachineClock(options: MachineClockOptions = {}): MachineClock {
  const { monotonicMs = systemTime.monotonicMs, root = '/', run = runCommand } = options;
  let state = timesyncd(root) ?? unknown;
  let askedMs = Number.NEGATIVE_INFINITY;
  let asking = false;

  async function refresh(): Promise<void> {
    asking = true;
    askedMs = monotonicMs();
    state = timesyncd(root) ?? (await kernelFlag(root, run));
    asking = false;
  }

  function current(): ClockState {
    if (!asking && monotonicMs() - askedMs >= refreshMs) void refresh();
    return state;
  }

  current();
  return { bootId: bootIdOf(root), state: current };
}

/** A clock whose state is known beforehand: a recording's, or that of a simulated machine. */
export function fixedClock(bootId: string, source = 'recording', synchronised = true): MachineClock {
  const state = { synchronised, source };
  return { bootId, state: () => state };
}

function timesyncd(root: string): ClockState | undefined {
  const folder = join(root, 'run/systemd/timesync');
  if (existsSync(join(folder, 'synchronized'))) return { synchronised: true, source: 'timesyncd' };
  return existsSync(folder) ? { synchronised: false, source: 'timesyncd' } : undefined;
}

async function kernelFlag(root: string, run: NonNullable<MachineClockOptions['run']>): Promise<ClockState> {
  const flag = (await run('timedatectl', ['show', '-p', 'NTPSynchronized', '--value']))?.trim();
  const synchronised = flag === 'yes';
  if (flag !== undefined && existsSync(join(root, 'run/chrony'))) return { synchronised, source: 'chrony' };
  return synchronised ? { synchronised, source: 'kernel' } : unknown;
}

function bootIdOf(root: string): string {
  try {
    const id = readFileSync(join(root, 'proc/sys/kernel/random/boot_id'), 'utf8').trim();
    if (/^[0-9a-f-]{32,36}$/.test(id)) return id;
  } catch {
    // Not Linux: each start of the process counts as a boot.
  }
  return randomUUID();
}

function runCommand(command: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(command, [...args], { timeout: 2_000 }, (error, stdout) => resolve(error === null ? stdout : undefined));
  });
}
