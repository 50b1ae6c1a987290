import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runProcess, startProcess } from './processes.ts';

describe('a process of a run', () => {
  let folder = '';
  const node = (script: string) => ({
    name: 'The step',
    program: process.execPath,
    args: ['-e', script],
    env: process.env,
    logFile: join(folder, 'step.log'),
  });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'itsm-processes-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is told by its end, with its last words', async () => {
    await runProcess({ ...node('console.log(1)'), limitMs: 10_000 });
    await expect(
      runProcess({ ...node("console.error('disk is full'); process.exit(3)"), limitMs: 10_000 }),
    ).rejects.toThrow(/The step failed: exit code 3\.[\s\S]*disk is full/);
    await expect(runProcess({ ...node(''), program: 'no-such-program', limitMs: 10_000 })).rejects.toThrow(
      'no-such-program',
    );
  });

  it('ends at its limit', async () => {
    await expect(runProcess({ ...node('setInterval(() => {}, 1000)'), limitMs: 200 })).rejects.toMatchObject({
      reason: 'late',
    });
  });

  it('ends when the run is interrupted, and does not start after it', async () => {
    const abort = new AbortController();
    const step = {
      ...node("console.log('started'); setInterval(() => {}, 1000)"),
      limitMs: 10_000,
      signal: abort.signal,
    };
    const running = runProcess(step);
    abort.abort();
    await expect(running).rejects.toMatchObject({ reason: 'interrupted' });
    await expect(runProcess(step)).rejects.toThrow();
  });

  it('takes with it what it started, also where that ignores SIGTERM', async () => {
    const child = "process.on('SIGTERM', () => {}); console.log(process.pid); setInterval(() => {}, 1000)";
    const parent = startProcess(
      node(`require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(child)}], { stdio: 'inherit' })`),
    );
    await expect.poll(() => readFileSync(join(folder, 'step.log'), 'utf8'), { timeout: 10_000 }).toMatch(/\d+\n/);
    const pid = Number(readFileSync(join(folder, 'step.log'), 'utf8'));
    await parent.stop();
    await parent.stop();
    await expect.poll(() => isAlive(pid), { timeout: 5_000 }).toBe(false);
  });
});

function isAlive(pid: number): boolean {
  try {
    // A zombie, which nobody has waited for yet, runs no more.
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
