import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isDiskFull, type Migration, openStore, type Store } from './sqlite.ts';

let folder: string;
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sqlite-'));
  const migrations = [{ version: 1_000, sql: 'CREATE TABLE one (id INTEGER PRIMARY KEY)' }];
  store = openStore({ path: join(folder, 'store.db'), migrations, synchronous: 'full' });
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

function refusalOf(sql: string): unknown {
  try {
    store.exec(sql);
    return undefined;
  } catch (error) {
    return error;
  }
}

test('a store that another process makes at the same moment is opened', () => {
  const path = join(folder, 'new.db');
  const create = { version: 1_000, sql: 'CREATE TABLE one (id INTEGER PRIMARY KEY)' };
  const open = (migrations: Migration[]) => openStore({ path, migrations, synchronous: 'full' }).close();
  let asked = 0;
  const raced = {
    sql: create.sql,
    get version() {
      asked += 1;
      // The file has no version yet, as has been found; before something is made of that, the other one makes it.
      if (asked === 2) open([create]);
      return create.version;
    },
  };
  expect(() => open([raced])).not.toThrow();
  expect(asked).toBeGreaterThan(1);
});

describe('a write that is refused', () => {
  test('by a disk that is full or read-only is refused by the disk', () => {
    store.pragma('max_page_count = 1');
    expect(isDiskFull(refusalOf('CREATE TABLE two (id)'))).toBe(true);
    store.pragma('query_only = ON');
    expect(isDiskFull(refusalOf('INSERT INTO one VALUES (1)'))).toBe(true);
  });

  test('for what it says is not', () => {
    expect(refusalOf('INSERT INTO one VALUES (1)')).toBeUndefined();
    const refusal = refusalOf('INSERT INTO one VALUES (1)');
    expect(refusal).toBeDefined();
    expect(isDiskFull(refusal)).toBe(false);
  });
});
