import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'libsql';
import { z } from 'zod';
import type { Finding } from './round.ts';

export interface Torn {
  findings: Finding[];
  /** In how many ways what came after the last sync was cut. */
  cuts: number;
  /** The write-ahead log as one of them left it. */
  chosen: Buffer;
}

export interface TearOptions {
  random: () => number;
  /** No more than so many places, evenly spread; the short run has no time for all. */
  mostCuts: number;
}

/** The last commit is cut at every byte, those before it since the sync at every so many: a prime, so that no place in a page is left out. */
const earlierStep = 97;

/**
 * Opens a store after a power loss: of what came after the last sync, the first bytes are on the disk and the others are
 * not. It must be whole, with all of each commit or nothing of it, and none without those before it.
 * `folder` holds what a watch of the writes left.
 */
export async function tear(folder: string, { random, mostCuts }: TearOptions): Promise<Torn> {
  const logs = logsIn(folder);
  const [synced = Buffer.alloc(0)] = logs;
  const after = logs.at(-1) ?? synced;
  const withBytes = (count: number) => Buffer.concat([after.subarray(0, count), synced.subarray(count)]);
  const from = firstDifference(synced, after);
  const lastFrom = firstDifference(logs.at(-2) ?? synced, after);
  const to = after.findLastIndex((byte, at) => byte !== synced[at]) + 1;
  const places: number[] = [];
  for (let at = from; at < lastFrom; at += earlierStep) places.push(at);
  for (let at = lastFrom; at <= Math.max(lastFrom, to); at += 1) places.push(at);

  const scratch = join(folder, 'scratch');
  const contentOf = (log: Buffer) => contentWith(scratch, join(folder, 'synced.db'), log);
  const whole = new Set(logs.map(contentOf));
  const findings: Finding[] = [];
  const step = Math.max(1, Math.ceil(places.length / mostCuts));
  let cuts = 0;
  for (let at = Math.floor(random() * step); at < places.length; at += step) {
    const count = places[at] ?? to;
    cuts += 1;
    // Others wait for their turn meanwhile: waves and instance are in this process.
    if (cuts % 8 === 0) await new Promise((resolve) => setImmediate(resolve));
    const content = contentOf(withBytes(count));
    if (whole.has(content)) continue;
    findings.push({ invariant: 'a write is whole or not there', what: `cut after ${count} bytes: ${content}` });
    break;
  }
  rmSync(scratch, { recursive: true, force: true });
  const isAllLost = random() < 0.5;
  return { findings, cuts, chosen: withBytes(isAllLost ? from : from + Math.floor(random() * (to - from + 1))) };
}

/** The log as the last sync left it, and as each commit since did. */
function logsIn(folder: string): Buffer[] {
  const logs: Buffer[] = [];
  while (existsSync(join(folder, `${logs.length}.wal`))) logs.push(readFileSync(join(folder, `${logs.length}.wal`)));
  return logs;
}

function firstDifference(before: Buffer, after: Buffer): number {
  const at = after.findIndex((byte, index) => byte !== before[index]);
  return at === -1 ? after.length : at;
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
