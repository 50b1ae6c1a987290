import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLogger } from '../../device/platform/logger.ts';
import { startServiceNow } from '../../device/simulation/servicenow/start-servicenow.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'audit-'));
  await mkdir(join(folder, 'servicenow'));
  const local = await startServiceNow({ port: 0, dataDir: join(folder, 'servicenow'), logger: silentLogger });
  await local.stop();
  const line = (atMs: number, temperature: number) =>
    `${JSON.stringify({ site: 'home', deviceId: 'pi', atMs, metrics: { temperature } })}\n`;
  await writeFile(join(folder, 'readings.ndjson'), `${line(0, 20)}${line(1_000, 31)}${line(2_000, 20)}{"site":"ho`);
});
afterAll(() => rm(folder, { recursive: true }));

async function run(...args: string[]) {
  const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/audit/main.ts', ...args]);
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  await once(child, 'close');
  return { code: child.exitCode, out, err };
}

test('npm run audit says what is lost, and by its exit code that something is', async () => {
  const settings = { rules: [{ rule: 'upper', metric: 'temperature', limit: 30, deadband: 0.5 }] };
  await writeFile(join(folder, 'audit-settings.json'), JSON.stringify(settings));
  const lost = await run('--data-dir', folder);
  expect(lost).toMatchObject({ code: 1, err: '' });
  expect(lost.out).toContain('BAD  lost breaches        1\n       home/pi/temperature/upper  1970-01-01T00:00:01.000Z');

  await writeFile(join(folder, 'audit-settings.json'), JSON.stringify({ ...settings, settledUntilMs: 500 }));
  const underway = await run('--data-dir', folder);
  expect(underway).toMatchObject({ code: 0, out: expect.stringContaining('1 breach, 1 still under way, 0 incidents') });

  await writeFile(join(folder, 'audit-settings.json'), JSON.stringify({ rules: [] }));
  const well = await run('--data-dir', folder, '--json');
  expect(well.code).toBe(0);
  expect(JSON.parse(well.out)).toMatchObject({ ok: true, lost: [] });
});

test.each([
  ['no instance', ['--readings', 'x'], 'say which instance'],
  ['no readings', ['--servicenow', 'http://127.0.0.1:1', '--credentials', 'x'], 'say what was measured'],
  ['a folder without data', ['--data-dir', '/dev/null', '--readings', '/dev/null'], 'holds no local ServiceNow'],
  ['a file that is not there', ['--data-dir', '/dev/null'], 'Cannot read /dev/null/readings.ndjson'],
])('npm run audit says in a sentence what is wrong: %s', async (_what, args, sentence) => {
  const { code, err, out } = await run(...args);
  expect(code).toBe(2);
  expect(err).toContain(sentence);
  expect(err).not.toContain('    at ');
  expect(out).toBe('');
});
