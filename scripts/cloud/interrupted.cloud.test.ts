import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { account } from '../../cloud/testing/clients.ts';
import { eventually } from '../../cloud/testing/eventually.ts';

describe('a run that is ended from outside', () => {
  let marker = '';
  let folder = '';
  let run: ChildProcess;
  let output = '';

  beforeEach(() => {
    marker = `ITSM_INTERRUPTED_TEST=${randomUUID()}`;
    folder = join(account.folder, marker.slice(-8));
    mkdirSync(folder);
    output = '';
    const [name = '', value = ''] = marker.split('=');
    const { GREENGRASS_ITSM_ISOLATED: _, ...env } = process.env;
    // A second account, in namespaces within ours.
    run = spawn(process.execPath, ['--import', 'tsx', 'scripts/cloud/main.ts', 'test', 'cloud/testing/'], {
      env: { ...env, TMPDIR: folder, [name]: value },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [run.stdout, run.stderr]) stream?.on('data', (chunk: Buffer) => (output += chunk));
  });

  afterEach(() => {
    run.kill('SIGKILL');
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)('by %s leaves no process and no file', async (signal) => {
    await eventually(() => expect(output).toContain('the account is up'), { limitMs: 40_000 });
    expect(withMarker(marker).join('\n')).toMatch(/ministack/);
    run.kill(signal);
    await eventually(() => expect(withMarker(marker)).toEqual([]), { limitMs: 8_000 });
    await eventually(() => expect(readdirSync(folder).filter((name) => name.startsWith('greengrass'))).toEqual([]));
    if (signal !== 'SIGKILL') await eventually(() => expect(run.exitCode).toBe(130));
  });
});

/** Command lines of processes that have it in their environment, in whatever namespace: /proc is the machine's. */
function withMarker(marker: string): string[] {
  return readdirSync('/proc').flatMap((entry) => {
    try {
      if (
        !readFileSync(join('/proc', entry, 'environ'), 'utf8')
          .split('\0')
          .includes(marker)
      )
        return [];
      return [readFileSync(join('/proc', entry, 'cmdline'), 'utf8').replaceAll('\0', ' ')];
    } catch {
      // No process, one that has ended, or another user's.
      return [];
    }
  });
}
