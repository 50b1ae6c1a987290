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

export interface TearOptions {
  random: () => number;
  /** No more than so many places, evenly spread; the short run has no time for all. */
  mostCuts: number;
}

/**
 * Opens a store with its last write cut at every byte: it must be whole, with all of that write or nothing of it.
 * `folder` holds `before.db`, `before.wal` and `after.wal`, as they were before the commit and after it.
 */
export async function tear(folder: string, { random, mostCuts }: TearOptions): Promise<Torn> {
  const [before, after] = [readFileSync(join(folder, 'before.wal')), readFileSync(join(folder, 'after.wal'))];
  const from = after.findIndex((byte, at) => byte !== before[at]);
  const changedFrom = from === -1 ? after.length : from;
  const last = after.findLastIndex((byte, at) => byte !== before[at]) + 1;
  const withBytes = (count: number) => Buffer.concat([after.subarray(0, count), before.subarray(count)]);

  const scratch = join(folder, 'scratch');
  const contentOf = (wal: Buffer) => contentWith(scratch, join(folder, 'before.db'), wal);
  const whole = [contentOf(before), contentOf(after)];
  const findings: Finding[] = [];
  const span = Math.max(0, last - changedFrom);
  const step = Math.max(1, Math.ceil((span + 1) / mostCuts));
  let cuts = 0;
  for (let count = changedFrom + Math.floor(random() * step); count <= last; count += step) {
    cuts += 1;
    // Others wait for their turn meanwhile: waves and instance are in this process.
    if (cuts % 8 === 0) await new Promise((resolve) => setImmediate(resolve));
    const content = contentOf(withBytes(count));
    if (whole.includes(content)) continue;
    findings.push({ invariant: 'a write is whole or not there', what: `cut after ${count} bytes: ${content}` });
    break;
  }
  rmSync(scratch, { recursive: true, force: true });
  return { findings, cuts, chosen: withBytes(changedFrom + Math.floor(random() * (span + 1))) };
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
    // A scratch copy needs no disk that keeps it.
    db.pragma('synchronous = OFF');
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
