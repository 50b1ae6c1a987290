import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { minuteMs, ready, recover, start } from '../../device/handler/story-harness.ts';

async function handler(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/handler/main.ts', ...args]);
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  await once(child, 'close');
  return { code: child.exitCode, out, err };
}

/** A handler that runs, with a dead letter and what waits behind it. */
async function withDeadLetter() {
  const h = await ready();
  h.destination.writeFaults.push({ ok: false, kind: 'refused-record', message: 'aborted by\u001b[2J Business Rule' });
  await recover(h, h.anomaly());
  h.send('IoTBlog/anomaly', 'no json');
  await h.settle();
  return h;
}

describe('npm run handler', () => {
  test('lists dead letters and redrives them while the handler runs', { timeout: 60_000 }, async () => {
    const h = await withDeadLetter();
    const at = ['--data-dir', h.dataDir];
    const listed = await handler(...at, 'dead-letters');
    expect(listed).toMatchObject({ code: 0, err: '' });
    expect(listed.out).toMatch(/^1 +open +- +home\/pi\/temperature\/upper +\S+Z +2 +aborted by \[2J Business Rule$/m);
    expect(listed.out).toContain('IoTBlog/anomaly  the message is not JSON');
    const asJson = JSON.parse((await handler(...at, '--json', 'dead-letters')).out);
    expect(asJson).toMatchObject({ deadLetters: [{ id: 1, waitingBehind: 2 }], rejected: [{ payload: 'no json' }] });

    expect(await handler(...at, 'redrive', '7')).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringMatching(/no dead letter 7/),
    });
    expect(await handler(...at, 'redrive', '1')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^1 dead letter waits/),
    });
    await h.pass(20_000);
    expect(h.destination.rows).toHaveLength(1);
    await h.pass(16 * minuteMs);
    expect(h.destination.rows[0]?.state).toBe('resolved');
    expect((await handler(...at, 'dead-letters')).out).not.toContain('Dead letters');
    expect(JSON.parse((await handler(...at, '--json', 'status')).out)).toMatchObject({
      instance: 'memory/incident',
      dead: 0,
      rejected: 1,
      knownIncidents: 1,
      devices: 1,
    });
  });

  test('believes a person that all known incidents were deleted', { timeout: 60_000 }, async () => {
    const h = await ready();
    h.anomaly();
    await h.settle();
    h.destination.delete('INC0010001');
    h.anomaly({ metric: 'humidity' });
    await h.settle();
    const said = await handler('--data-dir', h.dataDir, 'trust-empty');
    expect(said).toMatchObject({ code: 0, out: expect.stringMatching(/^1 known incident forgotten/) });
    await h.pass(20_000);
    expect(h.destination.rows).toHaveLength(1);
  });

  test('sets silences, lists them, and ends them, while the handler runs', { timeout: 60_000 }, async () => {
    const h = await ready();
    const at = ['--data-dir', h.dataDir];
    expect((await handler(...at, 'silences')).out).toBe('There are no silences.\n');
    const named = ['--metric', 'temperature', '--for', '2h', '--reason', 'filter change', '--author', 'Ann'];
    const set = await handler(...at, 'silence', ...named);
    expect(set).toMatchObject({ code: 0, err: '' });
    expect(set.out).toMatch(/^Silence [0-9a-f]{8} holds back what is told of metric temperature until 2\S+Z\./);
    const id = set.out.slice(8, 16);
    await h.pass(minuteMs);
    h.anomaly();
    h.anomaly({ metric: 'humidity' });
    await h.settle();
    expect(h.destination.rows.map((row) => row.correlationId)).toEqual(['home/pi/humidity/upper']);
    const listed = await handler(...at, 'silences');
    expect(listed.out).toMatch(new RegExp(`^${id}  2\\S+Z  metric temperature  Ann {5}filter change$`, 'm'));
    expect(listed.out).toContain('Breaches that last and are held back: 1\n');
    expect(JSON.parse((await handler(...at, '--json', 'silences')).out)).toMatchObject({
      silences: [{ id, metric: 'temperature', site: null, author: 'Ann', reason: 'filter change' }],
    });
    expect(await handler(...at, 'end-silence', 'none')).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringMatching(/^There is no silence none; it may have ended\./),
    });
    expect((await handler(...at, 'end-silence', id)).out).toMatch(new RegExp(`^Silence ${id} has ended`));
    await h.pass(minuteMs);
    expect(h.destination.rows).toHaveLength(2);
    const long = await handler(...at, 'silence', '--for', '32d', '--reason', 'forgotten');
    expect(long).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/longer than 31 days/) });
  });

  test('writes a copy that opens, for its owner alone, and overwrites nothing', { timeout: 60_000 }, async () => {
    const h = await withDeadLetter();
    const at = ['--data-dir', h.dataDir];
    const folder = join(h.dataDir, 'copies', 'handler');
    const copy = join(h.dataDir, 'copy.db');
    expect(await handler(...at, 'backup', copy)).toMatchObject({ code: 0, err: '' });
    expect(statSync(copy).mode & 0o777).toBe(0o600);
    expect(await handler(...at, 'backup', copy)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/exists and is not overwritten/),
    });
    const nowhere = join(folder, 'copy.db');
    expect(await handler(...at, 'backup', nowhere)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/Check that the folder exists/),
    });
    expect(existsSync(nowhere)).toBe(false);
  });

  test.each([
    ['no command', [], 2, 'Usage:'],
    ['a command that is none', ['resend'], 2, "unknown command 'resend'"],
    ['no dead letters named', ['redrive'], 2, 'name the dead letters, or give --all'],
    ['both named and all', ['redrive', '1', '--all'], 2, 'name the dead letters, or give --all'],
    ['an id that is none', ['redrive', 'x'], 2, 'Give numbers'],
    ['a silence without a reason', ['silence', '--for', '2h'], 2, "required option '--reason <text>'"],
    ['a silence without an end', ['silence', '--reason', 'x'], 2, "required option '--for <time>'"],
    ['a time that is none', ['silence', '--reason', 'x', '--for', 'soon'], 2, 'Give a time such as 90s'],
    ['a wrong field', ['--set', 'handler.quiet=1', 'status'], 2, 'handler.quiet'],
    [
      'a folder without a store',
      ['--data-dir', '/nowhere', 'status'],
      1,
      'no handler has run with this data directory',
    ],
  ])('says in a sentence what is wrong: %s', async (_name, args, code, sentence) => {
    const said = await handler(...args);
    expect(said).toMatchObject({ code, out: '', err: expect.stringContaining(sentence) });
    expect(said.err).not.toContain('    at ');
  });

  test('a file that is no store is told of and left alone', async () => {
    const h = await start();
    const file = join(h.dataDir, 'handler', 'handler.db');
    mkdirSync(dirname(file));
    writeFileSync(file, 'not a database, but long enough to have a header of one'.repeat(50));
    const before = readFileSync(file, 'utf8');
    const said = await handler('--data-dir', h.dataDir, 'status');
    expect(said).toMatchObject({ code: 1, out: '', err: expect.stringContaining(`Cannot open the store ${file}`) });
    expect(readFileSync(file, 'utf8')).toBe(before);
  });
});
