import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStore, type Store, transaction } from '../../../device/platform/sqlite.ts';
import { tear } from './torn-store.ts';

let folder: string;
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'torn-'));
  const migrations = [{ version: 1_000, sql: 'CREATE TABLE t (id INTEGER PRIMARY KEY)' }];
  store = openStore({ path: join(folder, 'store.db'), migrations, synchronous: 'full' });
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

function insert(id: number): void {
  transaction(store, () => store.exec(`INSERT INTO t VALUES (${id})`), 'grouped');
}

function leave(index: number): void {
  if (index === 0) copyFileSync(join(folder, 'store.db'), join(folder, 'synced.db'));
  copyFileSync(join(folder, 'store.db-wal'), join(folder, `${index}.wal`));
}

test('commits that were not synced are there as a whole or not at all, wherever their last bytes are cut', {
  timeout: 60_000,
}, async () => {
  leave(0);
  insert(1);
  leave(1);
  insert(2);
  leave(2);
  const { findings, cuts } = await tear(folder, { random: () => 0, mostCuts: 300 });
  expect(findings).toEqual([]);
  expect(cuts).toBeGreaterThan(200);
});

test('a store that holds what no commit left is told', { timeout: 60_000 }, async () => {
  leave(0);
  insert(1);
  insert(2);
  // As if both had been one commit: a cut between them leaves a half.
  leave(1);
  const { findings } = await tear(folder, { random: () => 0, mostCuts: 300 });
  expect(findings).toMatchObject([{ invariant: 'a write is whole or not there' }]);
});

test('where all is synced nothing is lost', async () => {
  insert(1);
  leave(0);
  const { cuts, chosen } = await tear(folder, { random: () => 0.9, mostCuts: 300 });
  expect(cuts).toBe(1);
  expect(chosen.equals(readFileSync(join(folder, '0.wal')))).toBe(true);
});
