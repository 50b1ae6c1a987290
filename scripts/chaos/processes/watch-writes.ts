import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import Database from 'libsql';
import { z } from 'zod';
import type { CrashPoint, Orders } from './orders.ts';

export interface WriteWatch {
  /**
   * Leaves in that folder what a power loss now may leave of the store: its files as they were at the last sync that was
   * done, and its log as each later commit left it. False where no sync was seen since this was ordered.
   */
  leave(folder: string): boolean;
}

/** A store for which it matters what a power loss leaves. */
const durable = /\/(monitor|handler)\.db$/;

/** A store's files at some moment. */
interface Files {
  store: string;
  file: Buffer;
  log: Buffer;
}

const located = z.object({ file: z.string() });

/**
 * Stands between a component and its stores. Every write of both is a transaction that `exec` begins and commits; the
 * commit syncs the log itself (`synchronous = FULL`), or leaves that to one `fdatasync` for many of them.
 */
export function watchWrites(orders: () => Orders, pass: (point: CrashPoint) => void): WriteWatch {
  /** As the store is on the disk for certain; undefined until a sync is seen. */
  let certain: Files | undefined;
  /** The log after each commit that no sync is known to cover; another list once SQLite has synced by itself. */
  let commits: Buffer[] = [];
  let seen: Buffer | undefined;
  const syncsItself = new WeakMap<Database.Database, boolean>();
  const isAsked = () => orders().crash?.tornIn !== undefined;

  /** A checkpoint syncs the log before it writes to the file, so that a file that has changed tells of a sync. */
  function committed(db: Database.Database): void {
    const { file: store } = located.parse(db.prepare('PRAGMA database_list').get());
    if (!durable.test(store)) return;
    const now = filesOf(store);
    if (syncsItself.get(db) === true || seen?.equals(now.file) === false) {
      certain = now;
      commits = [];
    } else commits.push(now.log);
    seen = now.file;
  }

  function forget(): void {
    certain = undefined;
    commits = [];
    seen = undefined;
  }

  const { exec } = Database.prototype;
  Database.prototype.exec = function (sql: string) {
    const [, level] = /^PRAGMA synchronous = (FULL|NORMAL)/.exec(sql) ?? [];
    if (level !== undefined) syncsItself.set(this, level === 'FULL');
    if (/^BEGIN IMMEDIATE/.test(sql)) refuse(orders().disk);
    if (!/^COMMIT/.test(sql)) return exec.call(this, sql);
    pass('before write');
    const result = exec.call(this, sql);
    if (isAsked()) committed(this);
    else forget();
    pass('after write');
    return result;
  };

  const logs = new Map<number, string>();
  const { openSync, fdatasync } = fs;
  fs.openSync = (path, ...rest) => {
    const file = openSync(path, ...rest);
    const [, store] = /^(.*)-wal$/.exec(String(path)) ?? [];
    if (store === undefined) logs.delete(file);
    else logs.set(file, store);
    return file;
  };
  const watched = (file: number, callback: (error: Error | null) => void) => {
    const store = logs.get(file);
    if (store === undefined) return fdatasync(file, callback);
    pass('before sync');
    const begun = isAsked() && durable.test(store) ? filesOf(store) : undefined;
    const [before, covered] = [commits, commits.length];
    if (begun !== undefined) seen = begun.file;
    fdatasync(file, (error) => {
      // A sync of SQLite's own has overtaken this one where the list is another.
      if (error === null && begun !== undefined && commits === before) {
        certain = begun;
        commits = before.slice(covered);
      }
      pass('after sync');
      callback(error);
    });
  };
  Object.assign(fs, { fdatasync: watched });
  syncBuiltinESMExports();

  return {
    leave(folder) {
      if (certain === undefined) return false;
      fs.writeFileSync(join(folder, 'store'), certain.store);
      fs.writeFileSync(join(folder, 'synced.db'), certain.file);
      for (const [index, log] of [certain.log, ...commits].entries())
        fs.writeFileSync(join(folder, `${index}.wal`), log);
      return true;
    },
  };
}

const stores = new Map<string, number>();

/** The store's file is never closed: that would drop the locks that SQLite has on it in this process. */
function filesOf(store: string) {
  const fd = stores.get(store) ?? fs.openSync(store, 'r');
  stores.set(store, fd);
  const file = Buffer.alloc(fs.fstatSync(fd).size);
  fs.readSync(fd, file, 0, file.length, 0);
  return { store, file, log: fs.readFileSync(`${store}-wal`) };
}

function refuse(disk: Orders['disk']): void {
  if (disk === 'well') return;
  const full = disk === 'full';
  const error = new Error(full ? 'database or disk is full' : 'attempt to write a readonly database');
  throw Object.assign(error, { code: full ? 'SQLITE_FULL' : 'SQLITE_READONLY' });
}
