import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { summarySchema } from './summary.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'simulate-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Run {
  child: ChildProcessWithoutNullStreams;
  out(): string;
  err(): string;
  /** Exit code, and how long after the call it came. */
  end(signal?: NodeJS.Signals): Promise<{ code: number | null; afterMs: number }>;
}

function start(args: readonly string[]): Run {
  const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/simulate/main.ts', ...args], {
    env: { ...process.env, NODE_NO_WARNINGS: '1' },
  });
  const output = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    output.out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    output.err += chunk.toString();
  });
  const exited = once(child, 'exit');
  return {
    child,
    out: () => output.out,
    err: () => output.err,
    async end(signal) {
      const calledAt = performance.now();
      if (signal !== undefined) child.kill(signal);
      await exited;
      return { code: child.exitCode, afterMs: performance.now() - calledAt };
    },
  };
}

async function occupiedPort(): Promise<{ port: number; server: Server }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { port: address.port, server };
}

async function freePort(): Promise<number> {
  const { port, server } = await occupiedPort();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function filesBelow(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

async function summaryAt(file: string) {
  return summarySchema.parse(JSON.parse(await readFile(file, 'utf8')));
}

describe('npm start', () => {
  test('the scripted breach becomes an incident within 30 s, is resolved within 50 s, and is reopened by a second start', {
    timeout: 120_000,
  }, async () => {
    const dataDir = join(folder, 'breach');
    const summaryFile = join(folder, 'breach.json');
    const common = ['--data-dir', dataDir, '--servicenow-port', String(await freePort()), '--console-port', '0'];
    const startedAt = performance.now();
    const first = start([...common, '--exit-when-resolved', '--summary', summaryFile]);
    await expect.poll(first.out, { timeout: 30_000 }).toMatch(/created: INC0010001 .* http:\/\/127\.0\.0\.1:\d+\S+/);
    expect((await first.end()).code).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(50_000);
    expect(first.out()).toMatch(/note: INC0010001/);
    expect(first.out()).toMatch(/Audit: nothing lost, nothing twice/);
    expect(first.err()).toBe('');
    expect(first.out()).toMatch(/\nIncidents: http:\S+\nDevice console: http:\S+\/#token=[\w-]{43}\n$/);
    expect(await summaryAt(summaryFile)).toMatchObject({
      anomalies: [{ metric: 'humidity', rule: 'upper' }],
      incidents: [{ number: 'INC0010001', metric: 'humidity', rule: 'upper', state: 'Resolved' }],
      lost: 0,
      duplicates: 0,
    });

    const second = start([...common, '--summary', summaryFile]);
    await expect.poll(second.out, { timeout: 30_000 }).toMatch(/reopened INC0010001/);
    const { code, afterMs } = await second.end('SIGINT');
    expect(code).toBe(0);
    expect(afterMs).toBeLessThan(2_000);
    const { incidents, lost, duplicates } = await summaryAt(summaryFile);
    expect({ count: incidents.length, state: incidents[0]?.state }).toEqual({ count: 1, state: 'In Progress' });
    expect({ lost, duplicates }).toEqual({ lost: 0, duplicates: 0 });

    await expectSecretsKept(dataDir, {
      summary: await readFile(summaryFile, 'utf8'),
      stdout: first.out() + second.out(),
      stderr: first.err() + second.err(),
    });
  });

  test('a port in use is told in one sentence, and nothing is left running', async () => {
    const { port, server } = await occupiedPort();
    const run = start(['--data-dir', join(folder, 'port'), '--servicenow-port', String(port), '--console-port', '0']);
    expect((await run.end()).code).toBe(1);
    expect(run.err()).toMatch(/^[^\n]*Port \d+ on 127\.0\.0\.1 is in use[^\n]*--servicenow-port[^\n]*\n$/);
    const other = start(['--data-dir', join(folder, 'port'), '--servicenow-port', '0', '--console-port', String(port)]);
    expect((await other.end()).code).toBe(1);
    expect(other.err()).toMatch(/^[^\n]*Port \d+ on 127\.0\.0\.1 is in use[^\n]*--console-port[^\n]*\n$/);
    server.close();
  });

  test.each([
    ['an unknown option', ['--colour'], /unknown option '--colour'/],
    [
      'an unknown scenario',
      ['--scenario', 'storm-of-frogs'],
      /no scenario "storm-of-frogs"\. There are: .*humidity-breach/,
    ],
    ['a field that is none', ['--set', 'thresholds.humidity.uper=40'], /thresholds\.humidity\.uper/],
    ['a recording that is not there', ['--replay', 'nowhere.csv', '--speed', 'max'], /nowhere\.csv/],
    ['columns without a recording', ['--columns', 'timestamp=a'], /--columns belongs to --replay/],
    ['a scenario beside a recording', ['--scenario', 'calm', '--replay', 'x.csv'], /exclude each other/],
    ['another ServiceNow', ['--set', 'serviceNow.url=https://example.service-now.com'], /writes to no other/],
    ['a duration that is none', ['--duration', 'soon'], /90s, 5m or 2h/],
  ])('wrong use is told in a sentence: %s', async (_case, args, sentence) => {
    const run = start([
      '--data-dir',
      join(folder, 'wrong'),
      '--reset',
      '--servicenow-port',
      '0',
      '--console-port',
      '0',
      ...args,
    ]);
    expect((await run.end()).code).toBe(2);
    expect(run.err()).toMatch(sentence);
    expect(run.err()).not.toContain('    at ');
    expect(run.out()).toBe('');
  });

  test('a column that is not there is told, with those that are', async () => {
    const file = join(folder, 'short.csv');
    await writeFile(file, 'when,celsius\n2026-01-01 00:00:00,21.5\n');
    const run = start([
      '--data-dir',
      join(folder, 'wrong'),
      '--replay',
      file,
      '--columns',
      'timestamp=a,temperature=celsius',
    ]);
    expect((await run.end()).code).toBe(2);
    expect(run.err()).toMatch(/no column "a" .*It has: when, celsius/);
  });

  test.each([
    [
      'a folder that cannot be made',
      ['--data-dir', '/dev/null/data'],
      /^Cannot make the data folder [^\n]*--data-dir\.\n$/,
    ],
    [
      'a summary that cannot be written',
      ['--summary', '/dev/null/summary.json', '--duration', '60s'],
      /^Cannot write the summary [^\n]*--summary\.\n$/,
    ],
  ])('%s is told before anything runs, and exits with 1', async (_case, args, sentence) => {
    const run = start([
      ...['--data-dir', join(folder, 'early'), '--servicenow-port', '0', '--console-port', '0'],
      ...args,
    ]);
    expect((await run.end()).code).toBe(1);
    expect(run.err()).toMatch(sentence);
    expect(run.out()).toBe('');
  });

  test('a folder of somebody else is neither used nor emptied, and exits with 2', async () => {
    const theirs = join(folder, 'theirs');
    await mkdir(join(theirs, 'monitor'), { recursive: true });
    for (const args of [['--reset'], []]) {
      const run = start(['--data-dir', theirs, '--servicenow-port', '0', '--console-port', '0', ...args]);
      expect((await run.end()).code).toBe(2);
      expect(run.err()).toMatch(/^[^\n]*theirs is not empty and was not made by npm start[^\n]*--data-dir\.\n$/);
    }
    expect(await readdir(theirs)).toEqual(['monitor']);
  });

  test('the scenarios are listed', async () => {
    const run = start(['--list-scenarios']);
    expect((await run.end()).code).toBe(0);
    expect(run.out()).toMatch(/^humidity-breach {2,}\S/m);
  });

  test('a run that waits for incidents ends with a code of its own when the time is over', async () => {
    const run = start([
      ...['--data-dir', join(folder, 'late'), '--servicenow-port', '0', '--console-port', '0'],
      ...['--exit-when-resolved', '--duration', '2s', '--scenario', 'calm'],
    ]);
    expect((await run.end()).code).toBe(4);
  });
});

const recording = process.env['RECORDING_CSV'];
const columns = 'timestamp=timestamp_utc,temperature=temp_h_c,humidity=humidity_pct';

describe.skipIf(recording === undefined)('a replay of the recording that RECORDING_CSV names', () => {
  async function replayed(...more: string[]) {
    const summaryFile = join(folder, 'replay.json');
    const run = start([
      ...[
        '--replay',
        recording ?? '',
        '--columns',
        columns,
        '--speed',
        'max',
        '--data-dir',
        join(folder, 'replay'),
        '--reset',
      ],
      ...[
        '--servicenow-port',
        '0',
        '--console-port',
        '0',
        '--summary',
        summaryFile,
        '--set',
        'thresholds.temperature.upper=30',
        ...more,
      ],
    ]);
    expect({ code: (await run.end()).code, err: run.err() }).toEqual({ code: 0, err: '' });
    return summaryAt(summaryFile);
  }

  test('one temperature incident on 08-22, one no-data for the gap, one humidity breach throughout, all readings published', {
    timeout: 90_000,
  }, async () => {
    const summary = await replayed(
      ...['--set', 'thresholds.temperature.deadband=0.5', '--set', 'thresholds.temperature.onDelayMs=60000'],
    );
    expect(summary.readings).toEqual({ read: 24_604, published: 24_604, failed: 0 });
    expect(
      summary.incidents.map(({ metric, rule, state, startedAt, endedAt }) => [metric, rule, state, startedAt, endedAt]),
    ).toEqual([
      ['humidity', 'upper', 'New', '2015-08-20T23:58:30Z', null],
      ['*', 'no-data', 'Resolved', '2015-08-21T10:53:40Z', '2015-08-21T22:48:10Z'],
      ['temperature', 'upper', 'Resolved', '2015-08-22T10:11:50Z', '2015-08-22T19:28:00Z'],
    ]);
    expect(summary.anomalies).toHaveLength(3);
    expect({ lost: summary.lost, duplicates: summary.duplicates }).toEqual({ lost: 0, duplicates: 0 });
  });

  test('without deadband and delay, the five breaches of a bare threshold', { timeout: 90_000 }, async () => {
    const summary = await replayed(
      ...['--set', 'thresholds.temperature.deadband=0', '--set', 'thresholds.temperature.onDelayMs=0'],
    );
    const times = summary.anomalies
      .filter(({ metric, startedAt }) => metric === 'temperature' && startedAt.startsWith('2015-08-22'))
      .map(({ startedAt, endedAt }) => `${startedAt.slice(11, 19)}–${endedAt?.slice(11, 19)}`);
    expect(times).toEqual([
      '10:11:50–10:12:01',
      '10:12:10–10:12:20',
      '10:12:31–10:13:41',
      '10:13:50–10:14:10',
      '10:14:20–19:15:01',
    ]);
    expect({ lost: summary.lost, duplicates: summary.duplicates }).toEqual({ lost: 0, duplicates: 0 });
  });
});

const credentials = z.object({ password: z.string(), clientSecret: z.string().optional() });

/**
 * No secret stands anywhere but in the files that are made to hold it, and those are the owner's alone. The link to the
 * console carries its token, and stands on stdout for whoever runs it.
 */
async function expectSecretsKept(
  dataDir: string,
  { stdout, ...texts }: { summary: string; stdout: string; stderr: string },
): Promise<void> {
  const holders = [
    join(dataDir, 'handler', 'greengrass-snow-creds.json'),
    join(dataDir, 'servicenow', 'credentials.json'),
    join(dataDir, 'handler', 'mqtt-password'),
    join(dataDir, 'monitor', 'mqtt-password'),
    join(dataDir, 'handler', 'console-token'),
  ];
  const secrets: string[] = [];
  for (const file of holders) {
    expect((await stat(file)).mode & 0o077, file).toBe(0);
    const text = await readFile(file, 'utf8');
    if (file.endsWith('.json')) secrets.push(credentials.parse(JSON.parse(text)).password);
    else secrets.push(text.trim());
  }
  const written: Record<string, string> = { ...texts, stdout: stdout.replaceAll(/#token=[\w-]{43}/g, '') };
  for (const file of await filesBelow(dataDir)) {
    if (!holders.includes(file)) written[file] = await readFile(file, 'latin1');
  }
  expect(Object.keys(written)).toContain(join(dataDir, 'simulate.log'));
  for (const [where, content] of Object.entries(written)) {
    for (const secret of secrets) expect(content.includes(secret), `a secret in ${where}`).toBe(false);
  }
}
