import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** CPU time, user and system, that a process has used so far, ms. Source: proc(5), ticks of 10 ms. */
export function cpuMs(child: ChildProcess): number {
  const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8');
  // The second field is a name, which may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Memory that is the process's alone, MiB: what would be free without it. */
export function privateMiB(child: ChildProcess): number {
  return field(child, 'smaps_rollup', 'Private_Dirty');
}

/** Most memory that it ever had resident, MiB. */
export function peakMiB(child: ChildProcess): number {
  return field(child, 'status', 'VmHWM');
}

function field({ pid }: ChildProcess, file: string, name: string): number {
  const text = readFileSync(`/proc/${pid}/${file}`, 'utf8');
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]) / 1_024;
}
