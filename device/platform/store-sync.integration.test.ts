import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkpoint, openStore, type Store, transaction } from './sqlite.ts';
import {
  createInlineSync,
  createStoreSync,
  loggedStoreSync,
  type StoreSync,
  type StoreSyncOptions,
} from './store-sync.ts';
import { manualTime } from './time.ts';

let folder: string;
let path: string;
let db: Store;
let open: StoreSync[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sync-'));
  path = join(folder, 'a.db');
  db = openStore({ path, migrations: [{ version: 1_000, sql: 'CREATE TABLE t (n INTEGER)' }], synchronous: 'full' });
});
afterEach(() => {
  for (const sync of open) sync.close();
  open = [];
  db.close();
  rmSync(folder, { recursive: true, force: true });
});

function syncOf(change: Partial<StoreSyncOptions> = {}): StoreSync {
  const sync = createStoreSync({ path, checkpoint: () => checkpoint(db), ...change });
  open.push(sync);
  return sync;
}

function commit(n: number): void {
  transaction(db, () => db.prepare('INSERT INTO t VALUES (?)').run(n), 'grouped');
}

const after = (sync: StoreSync) => new Promise<void>((resolve) => sync.after(resolve));

test('what is not marked is called back at once, what is marked once it is synced', async () => {
  const sync = syncOf();
  const told: string[] = [];
  sync.after(() => told.push('nothing to sync'));
  expect(told).toEqual(['nothing to sync']);
  commit(1);
  sync.mark();
  const synced = after(sync).then(() => told.push('synced'));
  expect(told).toHaveLength(1);
  await synced;
  sync.after(() => told.push('at once'));
  expect(told).toEqual(['nothing to sync', 'synced', 'at once']);
});

test('all who come in one turn are called back together, in order; who comes during a sync is, too', async () => {
  const sync = syncOf();
  const told: number[] = [];
  const all: Promise<void>[] = [];
  for (let n = 0; n < 100; n += 1) {
    commit(n);
    sync.mark();
    all.push(after(sync).then(() => void told.push(n)));
    if (n % 30 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(all);
  expect(told).toEqual(Array.from({ length: 100 }, (_, n) => n));
});

test('a sync that fails calls nobody back until the store was written anew', async () => {
  const time = manualTime();
  const failures: unknown[] = [];
  let recovered = 0;
  let refused = 1;
  let failed = () => {};
  const hasFailed = new Promise<void>((resolve) => {
    failed = resolve;
  });
  const sync = syncOf({
    path: join(folder, 'none.db'),
    time,
    onFailure(error) {
      failures.push(error);
      failed();
    },
    onRecovered() {
      recovered += 1;
    },
    checkpoint() {
      refused -= 1;
      if (refused >= 0) throw new Error('disk I/O error');
      checkpoint(db);
    },
  });
  let calls = 0;
  sync.mark();
  sync.after(() => {
    calls += 1;
  });
  await hasFailed;
  commit(1);
  sync.mark();
  sync.after(() => {
    calls += 1;
  });
  time.advance(1_000);
  expect([calls, failures.length, recovered]).toEqual([0, 2, 0]);
  time.advance(1_000);
  expect([calls, failures.length, recovered]).toEqual([2, 2, 1]);
});

test('a disk that does not sync is told of in the log, once, and so is its end', async () => {
  const time = manualTime();
  const lines: string[] = [];
  let logged = () => {};
  const isLogged = new Promise<void>((resolve) => {
    logged = resolve;
  });
  const logger = pino(
    {},
    {
      write(line: string) {
        lines.push(JSON.parse(line).msg);
        logged();
      },
    },
  );
  let refused = 2;
  const sync = loggedStoreSync(logger)({
    path: join(folder, 'none.db'),
    time,
    checkpoint() {
      refused -= 1;
      if (refused >= 0) throw new Error('disk I/O error');
    },
  });
  open.push(sync);
  sync.mark();
  sync.after(() => {});
  await isLogged;
  time.advance(2_000);
  const failing = 'the disk does not sync: what is new waits until it does';
  expect(lines).toEqual([failing]);
  time.advance(1_000);
  expect(lines).toEqual([failing, 'the disk syncs again, what waited goes on']);
});

test('nobody is called back after the close', async () => {
  const sync = syncOf();
  commit(1);
  sync.mark();
  sync.after(() => expect.unreachable());
  sync.close();
  sync.after(() => expect.unreachable());
  await new Promise((resolve) => setImmediate(resolve));
});

test('the inline one syncs in the call', () => {
  const sync = createInlineSync({ path, checkpoint: () => {} });
  open.push(sync);
  commit(1);
  sync.mark();
  let calls = 0;
  sync.after(() => {
    calls += 1;
  });
  expect(calls).toBe(1);
});

test('only a transaction that asks for less is less durable than its store', () => {
  const pragma = () => db.prepare('PRAGMA synchronous').get();
  commit(1);
  expect(pragma()).toMatchObject({ synchronous: 1 });
  transaction(db, () => {}, 'synced');
  expect(pragma()).toMatchObject({ synchronous: 2 });
});
