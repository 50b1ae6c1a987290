import { join } from 'node:path';
import Database from 'libsql';
import { AppError, codeOf, messageOf } from './errors.ts';

/**
 * Keeps a second process out of a data directory. The lock is SQLite's on an empty file, so the operating system frees
 * it when its process ends, however that ends.
 * @throws AppError `data-dir-in-use` while another one holds it, `store-unusable` where the file cannot be made.
 */
export function lockDataDir(dataDir: string, name: string): { release(): void } {
  const path = join(dataDir, `${name}.lock`);
  let db: Database.Database | undefined;
  try {
    db = new Database(path);
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db?.close();
    if (codeOf(error)?.startsWith('SQLITE_BUSY') === true) {
      throw new AppError(
        'data-dir-in-use',
        `Another ${name} runs with the data directory ${dataDir}. Stop it, or give this one another directory (store.dataDir).`,
        { cause: error },
      );
    }
    throw new AppError(
      'store-unusable',
      `Cannot lock the data directory ${dataDir}: ${messageOf(error)}. Check that it exists and is writable.`,
      { cause: error },
    );
  }
  const held = db;
  return { release: () => void held.close() };
}
