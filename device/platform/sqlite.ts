import Database from 'libsql';
import { AppError, codeOf, messageOf } from './errors.ts';

/**
 * An open SQLite file. A statement is read one way, by `get` or by `all`: with libsql a `get` that follows an `all` of the
 * same statement still has the values of that one.
 */
export type Store = Database.Database;

/**
 * A step of a store's schema. Within a major version steps only add (tables, nullable or defaulted columns), so that the
 * previous release opens the file after a rolled-back deployment.
 */
export interface Migration {
  /** `major * 1000 + minor`, ascending. */
  version: number;
  sql: string;
}

export interface StoreOptions {
  path: string;
  migrations: readonly Migration[];
  /** `full` syncs at every commit (what was acknowledged survives power loss); `normal` leaves it to checkpoints. */
  synchronous: 'full' | 'normal';
}

/**
 * Opens a SQLite file in WAL mode and migrates it forward in one transaction.
 * @throws AppError `store-newer` for a file of a newer major version (left untouched), `store-unusable` for a file that
 *   cannot be opened or is damaged.
 */
export function openStore(options: StoreOptions): Store {
  const newest = options.migrations.at(-1)?.version ?? 0;
  let db: Store | undefined;
  try {
    db = new Database(options.path);
    db.pragma('busy_timeout = 5000');
    const found = userVersion(db);
    if (Math.floor(found / 1000) > Math.floor(newest / 1000)) {
      throw new AppError(
        'store-newer',
        `${options.path} was written by a newer release (store version ${found}, this one knows ${newest}). ` +
          'Install that release again, or start with another data directory; the file is left as it is.',
      );
    }
    db.pragma('journal_mode = WAL');
    setSynchronous(db, options.synchronous === 'full' ? 'FULL' : 'NORMAL');
    // KiB at most: with the default of 2,000 a store of some thousand open breaches is read from the disk again and again.
    db.pragma('cache_size = -8192');
    db.pragma('foreign_keys = ON');
    migrate(db, found, options.migrations);
    return db;
  } catch (error) {
    db?.close();
    if (error instanceof AppError) throw error;
    throw new AppError(
      'store-unusable',
      `Cannot open the store ${options.path}: ${messageOf(error)}. Check that the folder exists, is writable and has ` +
        'space; a damaged file can be replaced by a backup or moved away.',
      { cause: error },
    );
  }
}

function userVersion(db: Store): number {
  const row: unknown = db.prepare('PRAGMA user_version').get();
  return typeof row === 'object' && row !== null && 'user_version' in row ? Number(row.user_version) : 0;
}

function migrate(db: Store, found: number, migrations: readonly Migration[]): void {
  const dueSince = (version: number) => migrations.filter((migration) => migration.version > version);
  if (dueSince(found).length === 0) return;
  transaction(db, () => {
    // Another process may have come first.
    for (const { version, sql } of dueSince(userVersion(db))) {
      db.exec(sql);
      db.exec(`PRAGMA user_version = ${version}`);
    }
  });
}

/** What of a commit survives a power loss: it, once the call returns; it, once the store's sync says so; perhaps it. */
export type Durability = 'synced' | 'grouped' | 'unsynced';

/**
 * Runs `work` in one immediate transaction; rolls back and rethrows when it throws. Whatever the durability, a commit
 * survives the process, and none is ever torn or overtakes an earlier one.
 * @param durability default what the store was opened with; it stays that of all that follows without one
 */
export function transaction<T>(db: Store, work: () => T, durability?: Durability): T {
  if (durability !== undefined) setSynchronous(db, durability === 'synced' ? 'FULL' : 'NORMAL');
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    // A full disk may have ended the transaction already; the first error is the one to tell.
    try {
      db.exec('ROLLBACK');
    } catch {}
    throw error;
  }
}

/** How each store syncs now: asking it, or telling it again, takes as long as a statement. */
const synchronous = new WeakMap<Store, 'FULL' | 'NORMAL'>();

/** @param wanted what commits without a durability of their own are from now on */
export function setSynchronous(db: Store, wanted: 'FULL' | 'NORMAL'): void {
  if (synchronous.get(db) === wanted) return;
  db.exec(`PRAGMA synchronous = ${wanted}`);
  synchronous.set(db, wanted);
}

/** Copies the log into the file, with syncs. @throws what SQLite says, and where a reader holds it up */
export function checkpoint(db: Store): void {
  setSynchronous(db, 'FULL');
  const row: unknown = db.prepare('PRAGMA wal_checkpoint(FULL)').get();
  if (typeof row === 'object' && row !== null && 'busy' in row && row.busy === 0) return;
  throw new Error('the log of the store is in use');
}

/** True for the errors with which SQLite says that the disk, not the data, refuses a write: full, failing, or read-only. */
export function isDiskFull(error: unknown): boolean {
  const code = codeOf(error) ?? '';
  return (
    code.startsWith('SQLITE_FULL') ||
    code.startsWith('SQLITE_IOERR') ||
    code.startsWith('SQLITE_READONLY') ||
    code === 'ENOSPC' ||
    code === 'EROFS' ||
    /disk (is )?full|disk I\/O error|readonly database/i.test(messageOf(error))
  );
}
