import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { openStore, type Store } from './sqlite.ts';
import { createTurnTransaction } from './turn-transaction.ts';

const opened: { folder: string; stores: Store[] }[] = [];
afterEach(() => {
  vi.restoreAllMocks();
  for (const { folder, stores } of opened.splice(0)) {
    for (const store of stores) store.close();
    rmSync(folder, { recursive: true });
  }
});

/** One store, seen through two connections. */
function stage() {
  const folder = mkdtempSync(join(tmpdir(), 'turn-'));
  const path = join(folder, 'turn.db');
  const migrations = [{ version: 1_000, sql: 'CREATE TABLE t (v TEXT)' }];
  const [db, reader] = [0, 1].map(() => openStore({ path, migrations, synchronous: 'full' })) as [Store, Store];
  opened.push({ folder, stores: [db, reader] });
  const log: string[] = [];
  const turn = createTurnTransaction(db, () => log.push('committed'));
  return {
    ...{ db, turn, log },
    insert: (name: string) =>
      turn.run(() => db.prepare('INSERT INTO t VALUES (?)').run(name).changes, {
        undo: () => log.push(`undo ${name}`),
        redo: () => log.push(`redo ${name}`),
      }),
    committed: () => reader.prepare('SELECT v FROM t ORDER BY rowid').pluck().all(),
  };
}
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));
const diskFull = Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });

/** The next COMMIT throws. */
function refuseCommit(db: Store, error: Error): void {
  const exec = db.exec.bind(db);
  let isRefused = false;
  vi.spyOn(db, 'exec').mockImplementation((sql) => {
    if (sql !== 'COMMIT' || isRefused) return exec(sql);
    isRefused = true;
    throw error;
  });
}

test('what is written in a turn is committed once, at its end', async () => {
  const { turn, insert, committed, log } = stage();
  expect(insert('a') + insert('b')).toBe(2);
  expect(committed()).toEqual([]);
  await nextTurn();
  expect(committed()).toEqual(['a', 'b']);
  expect(log).toEqual(['committed']);
  insert('c');
  turn.end();
  expect(committed()).toEqual(['a', 'b', 'c']);
  turn.end();
  await nextTurn();
  expect(log).toEqual(['committed', 'committed']);
});

test('a disk that refuses the commit takes all of it back: the writers undo, the last first, and then redo', async () => {
  const { db, insert, committed, log } = stage();
  refuseCommit(db, diskFull);
  insert('a');
  insert('b');
  await nextTurn();
  expect(log).toEqual(['undo b', 'undo a', 'redo a', 'redo b']);
  expect(committed()).toEqual([]);
  insert('c');
  await nextTurn();
  expect(committed()).toEqual(['c']);
});

test('a write that fails takes the turn with it, but is not told of it twice', async () => {
  const { turn, insert, committed, log } = stage();
  insert('a');
  const failing = () =>
    turn.run(
      () => {
        throw diskFull;
      },
      { undo: () => log.push('undo failing'), redo: () => log.push('redo failing') },
    );
  expect(failing).toThrow(diskFull);
  expect(log).toEqual(['undo a', 'redo a']);
  await nextTurn();
  expect(committed()).toEqual([]);
});

test('what is no refusal of the disk is thrown', () => {
  const { db, turn, insert } = stage();
  refuseCommit(db, new Error('a bug'));
  insert('a');
  expect(() => turn.end()).toThrow('a bug');
});
