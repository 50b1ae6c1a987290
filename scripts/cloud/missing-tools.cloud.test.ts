import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { account } from '../../cloud/testing/clients.ts';

/** `npm run test:cloud` on a machine that has Python, or nothing. */
function testWith(programs: readonly 'python3'[]): Promise<{ code: number; output: string }> {
  const bin = join(account.folder, `machine-with-${programs.join('-') || 'nothing'}`);
  mkdirSync(bin);
  for (const program of programs) {
    const path = execFileSync(program, ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();
    writeFileSync(join(bin, program), `#!/bin/sh\nexec ${path} "$@"\n`, { mode: 0o755 });
  }
  const { GREENGRASS_ITSM_ISOLATED: _, ...env } = process.env;
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ['--import', 'tsx', 'scripts/cloud/main.ts', 'test', 'cloud/testing/'],
      { env: { ...env, PATH: bin } },
      (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, output: stdout + stderr }),
    );
  });
}

describe('a machine on which something is missing', () => {
  it('fails without Python, and is told what to install', async () => {
    const { code, output } = await testWith([]);
    expect(output).toContain('apt-get install python3-venv');
    expect(code).toBe(1);
  });

  it('fails without a network namespace, and is told how to allow one', async () => {
    const { code, output } = await testWith(['python3']);
    expect(output).toContain('kernel.unprivileged_userns_clone');
    expect(code).toBe(1);
  });
});
