import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { testAuthority } from '../../device/simulation/test-certificates.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'servicenow-'));
});
afterAll(() => rm(folder, { recursive: true }));

function run(args: string[], environment: Record<string, string> = {}) {
  const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/servicenow/main.ts', ...args], {
    env: { ...process.env, ...environment },
  });
  const output = { out: '', err: '' };
  child.stdout.on('data', (chunk) => {
    output.out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output.err += chunk;
  });
  return { child, output };
}

async function end(child: ChildProcessWithoutNullStreams): Promise<number | null> {
  if (child.exitCode === null) await once(child, 'exit');
  return child.exitCode;
}

const stored = z.object({ password: z.string().optional(), adminToken: z.string() });

describe('npm run servicenow', () => {
  test('makes a password, answers, ends at SIGTERM and keeps its data', async () => {
    const list = async () => {
      const { child, output } = run(['--port', '0', '--data-dir', folder]);
      await expect
        .poll(() => output.out, { timeout: 15_000 })
        .toMatch(/^ServiceNow at http:\S+, user admin, password in \S+\n$/);
      const url = /http:[^\s,]+/.exec(output.out)?.[0] ?? '';
      const { password } = stored.parse(JSON.parse(await readFile(join(folder, 'credentials.json'), 'utf8')));
      const headers = { authorization: `Basic ${Buffer.from(`admin:${password}`).toString('base64')}` };
      const before = await (await fetch(`${url}/api/now/table/incident?sysparm_fields=number`, { headers })).json();
      await fetch(`${url}/api/now/table/incident`, { method: 'POST', headers });
      child.kill('SIGTERM');
      expect(await end(child)).toBe(0);
      return before;
    };
    expect(await list()).toEqual({ result: [] });
    expect(await list()).toEqual({ result: [{ number: 'INC0010001' }] });
  });

  test('lays a scenario over the instance, over HTTPS, and tells its seed', async () => {
    const authority = await testAuthority();
    const { cert, key } = await authority.server();
    const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem'), faults: join(folder, 'faults.yaml') };
    await writeFile(files.cert, cert);
    await writeFile(files.key, key);
    await writeFile(files.faults, 'seed: 3\nfaults:\n  - kind: status\n    status: 503\n    count: 1\n');
    const { child, output } = run(
      ['--port', '0', '--data-dir', join(folder, 'tls'), '--tls-cert', files.cert, '--tls-key', files.key].concat(
        '--faults',
        files.faults,
      ),
      { SERVICENOW_PASSWORD: 'p' },
    );
    await expect.poll(() => output.out, { timeout: 15_000 }).toMatch(/ServiceNow at https:/);
    expect(output.out).toMatch(/^Faults in force: 1, seed 3 \(--fault-seed repeats them\)\n/);
    const url = /https:[^\s,]+/.exec(output.out)?.[0] ?? '';
    const status = () =>
      new Promise<number | undefined>((resolve, reject) => {
        const options = { ca: authority.cert, auth: 'admin:p', agent: false as const };
        get(`${url}/api/now/table/incident`, options, (response) => {
          response.resume();
          resolve(response.statusCode);
        }).on('error', reject);
      });
    expect([await status(), await status()]).toEqual([503, 200]);
    child.kill('SIGTERM');
    expect(await end(child)).toBe(0);
  });

  test.each([
    ['a port that is none', ['--port', 'abc'], 2, 'Give a number from 0 to 65535.'],
    ['a seed that is none', ['--fault-seed', '-1'], 2, 'Give a whole number from 0 to 4294967295.'],
    ['a scenario that is not there', ['--faults', '/nowhere.yaml'], 1, 'does not exist; check the path'],
    ['half of a certificate', ['--tls-cert', 'x'], 1, 'Give both --tls-cert and --tls-key, or neither.'],
    ['an unknown option', ['--colour'], 2, "unknown option '--colour'"],
    ['a folder that cannot be', ['--data-dir', '/dev/null/x'], 1, 'Choose another folder.'],
  ])('says in a sentence what is wrong: %s', async (_case, args, code, sentence) => {
    const { child, output } = run(args);
    expect(await end(child)).toBe(code);
    expect(output.err).toContain(sentence);
    expect(output.err).not.toContain('    at ');
    expect(output.out).toBe('');
  });
});
