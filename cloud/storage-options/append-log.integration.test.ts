import { appendFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { createAppendLog, readDay } from './append-log.ts';

const day = '2026-03-04';

describe('a log that many writers share', () => {
  let folder: string;
  let nowMs: number;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'greengrass-itsm-log-'));
    nowMs = Date.parse(`${day}T10:00:00Z`);
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
  });

  const logOf = (writer: string, partBytes = 10_000) =>
    createAppendLog({ folder, writer, partBytes, keptDays: 2, now: () => (nowMs += 1) });
  const entry = (id: string) => ({ id, text: `text of ${id}` });
  const idsOf = async (of = day, limit = 1_000) => (await readDay(folder, of, { limit })).entries.map(({ id }) => id);

  test('has what each of them appended, in order of time', async () => {
    const [a, b] = [logOf('a'), logOf('b')];
    await a.append([entry('1'), entry('2')]);
    await b.append([entry('3')]);
    await a.append([entry('4')]);
    expect(await readDay(folder, day, { limit: 3 })).toMatchObject({
      more: true,
      unreadable: 0,
      entries: [{ id: '1' }, { id: '2' }, { id: '3' }],
    });
    expect(await idsOf()).toEqual(['1', '2', '3', '4']);
    expect(await idsOf('2026-03-05')).toEqual([]);
  });

  test('answers no more than Lambda gives, and the rest after it', async () => {
    const log = logOf('a', 100_000_000);
    // Each character is two bytes, and six where it is escaped.
    const large = (at: number) => ({ id: `${at}`, text: 'ü'.repeat(5_000) + '\u0001'.repeat(5_000) });
    for (let at = 0; at < 200; at += 100) {
      await log.append(Array.from({ length: 100 }, (_, index) => large(at + index)));
    }
    const ids: string[] = [];
    for (let more = true; more; ) {
      const answer = await readDay(folder, day, { limit: 1_000, after: ids.length });
      expect(Buffer.byteLength(JSON.stringify(answer))).toBeLessThan(6_000_000);
      ids.push(...answer.entries.map(({ id }) => id));
      more = answer.more;
    }
    expect(ids).toEqual(Array.from({ length: 200 }, (_, at) => `${at}`));
  });

  test('shows an entry once that was appended again, by any writer', async () => {
    await logOf('a').append([entry('1')]);
    await logOf('b').append([entry('1'), entry('2')]);
    expect(await idsOf()).toEqual(['1', '2']);
  });

  test('goes on behind a line that was cut, and counts it', async () => {
    await logOf('a').append([entry('1')]);
    await appendFile(join(folder, day, 'a-0.ndjson'), '{"id":"2","te');
    await logOf('b').append([entry('2')]);
    expect(await readDay(folder, day, { limit: 10 })).toMatchObject({
      unreadable: 1,
      entries: [{ id: '1' }, { id: '2' }],
    });
  });

  test('after an append that failed goes on in another file', async () => {
    const log = logOf('a');
    await log.append([entry('1')]);
    await rm(join(folder, day), { recursive: true });
    await expect(log.append([entry('2')])).rejects.toThrow('ENOENT');
    await mkdir(join(folder, day));
    await log.append([entry('2')]);
    expect(await idsOf()).toEqual(['2']);
  });

  test('begins another file when one is full, and keeps the days that it is told', async () => {
    const log = logOf('a', 10);
    await mkdir(join(folder, 'of-somebody-else'));
    for (const id of ['1', '2']) await log.append([entry(id)]);
    expect(await readdir(join(folder, day))).toEqual(['a-0.ndjson', 'a-1.ndjson']);
    await writeFile(join(folder, day, 'no-part'), 'x');
    nowMs += 2 * 86_400_000;
    await log.append([entry('3')]);
    expect(await readdir(folder)).toEqual([day, '2026-03-06', 'of-somebody-else']);
    expect(await idsOf()).toEqual(['1', '2']);
    nowMs += 86_400_000;
    await log.append([entry('4')]);
    expect(await readdir(folder)).toEqual(['2026-03-06', '2026-03-07', 'of-somebody-else']);
  });

  test('whatever is appended by whom, each id is there once, with a text that was given', async () => {
    const calls = fc.array(
      fc.record({
        writer: fc.constantFrom('a', 'b', 'c'),
        entries: fc.array(fc.record({ id: fc.constantFrom(...'123456'), text: fc.string() }), {
          minLength: 1,
          maxLength: 4,
        }),
      }),
      { maxLength: 8 },
    );
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(calls, async (all) => {
        runs += 1;
        const own = join(folder, `${runs}`);
        const logs = new Map(
          ['a', 'b', 'c'].map((writer) => [
            writer,
            createAppendLog({ folder: own, writer, partBytes: 60, keptDays: 2, now: () => (nowMs += 1) }),
          ]),
        );
        for (const { writer, entries } of all) await logs.get(writer)?.append(entries);
        const { entries, unreadable } = await readDay(own, day, { limit: 1_000 });
        const given = all.flatMap((call) => call.entries);
        expect(unreadable).toBe(0);
        expect(entries.map(({ id }) => id).toSorted()).toEqual([...new Set(given.map(({ id }) => id))].toSorted());
        for (const { id, text } of entries) expect(given).toContainEqual({ id, text });
      }),
      { numRuns: 25 },
    );
  });
});
