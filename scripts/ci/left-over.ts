import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { marker } from './command.ts';

export interface Process {
  pid: number;
  command: string;
}

/** How long a process may take to end after its parent did. */
const graceMs = 3_000;

/** Processes that something of this run started and nobody ended; they are killed. Found by the marker in their environment. */
export async function endLeftOvers(): Promise<Process[]> {
  const until = performance.now() + graceMs;
  while (marked().length > 0 && performance.now() < until) await pause(100);
  const found = marked();
  for (const { pid } of found) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
  return found;
}

function marked(): Process[] {
  const wanted = `${marker.name}=${marker.value}`;
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      if (!readFileSync(`/proc/${entry}/environ`, 'utf8').split('\0').includes(wanted)) return [];
      return [
        { pid: Number(entry), command: readFileSync(`/proc/${entry}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() },
      ];
    } catch {
      // It has ended, or belongs to another user.
      return [];
    }
  });
}
