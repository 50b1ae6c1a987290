import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'libsql';
import { z } from 'zod';
import type { Finding } from './round.ts';

export interface Torn {
  findings: Finding[];
  /** In how many ways the last write was cut. */
  cuts: number;
  /** The write-ahead log as one of them left it. */
  chosen: Buffer;
}

/**
 * Opens a store with its last write cut at every byte: it must be whole, with all of that write or nothing of it.
 * `folder` holds `before.db`, `before.wal` and `after.wal`, as they were before the commit and after it.
 */
export async function tear(folder: string, random: () => number): Promise<Torn> {
  const [before, after] = [readFileSync(join(folder, 'before.wal')), readFileSync(join(folder, 'after.wal'))];
  const from = after.findIndex((byte, at) => byte !== before[at]);
  const changedFrom = from === -1 ? after.length : from;
  const last = after.findLastIndex((byte, at) => byte !== before[at]) + 1;
  const withBytes = (count: number) => Buffer.concat([after.subarray(0, count), before.subarray(count)]);

  const scratch = join(folder, 'scratch');
  const contentOf = (wal: Buffer) => contentWith(scratch, join(folder, 'before.db'), wal);
  const whole = [contentOf(before), contentOf(after)];
  const findings: Finding[] = [];
  for (let count = changedFrom; count <= last; count += 1) {
    // Others wait for their turn meanwhile: waves, broker and instance are in this process.
    if (count % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
    const content = contentOf(withBytes(count));
    if (whole.includes(content)) continue;
    findings.push({ invariant: 'a write is whole or not there', what: `cut after ${count} bytes: ${content}` });
    break;
  }
  rmSync(scratch, { recursive: true, force: true });
  const span = Math.max(0, last - changedFrom);
  return { findings, cuts: span + 1, chosen: withBytes(changedFrom + Math.floor(random() * (span + 1))) };
}

const named = z.object({ name: z.string() });

/** All that the store holds, as text; or why it cannot be opened. */
function contentWith(scratch: string, store: string, wal: Buffer): string {
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch);
  const path = join(scratch, 'store.db');
  copyFileSync(store, path);
  writeFileSync(`${path}-wal`, wal);
  let db: Database.Database | undefined;
  try {
    db = new Database(path);
    const flaws = JSON.stringify(db.prepare('PRAGMA quick_check').all());
    const tables = db.prepare(`SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name`).all();
    const rows = tables.map((table) => db?.prepare(`SELECT * FROM "${named.parse(table).name}"`).all());
    return flaws + JSON.stringify(rows);
  } catch (error) {
    return String(error);
  } finally {
    db?.close();
  }
}
