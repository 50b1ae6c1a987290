import { existsSync } from 'node:fs';
import { z } from 'zod';
import { AppError } from '../platform/errors.ts';
import { checkpoint, type Durability, openStore, type Store, transaction } from '../platform/sqlite.ts';
import { type CreateStoreSync, createStoreSync } from '../platform/store-sync.ts';
import type { Clock } from '../platform/time.ts';
import { devicesOf } from './store/devices.ts';
import { entriesOf } from './store/entries.ts';
import { knownRowsOf } from './store/known-rows.ts';
import { occurrencesOf } from './store/occurrences.ts';
import { rejectedOf } from './store/rejected.ts';
import { migrations } from './store/schema.ts';
import { silencesOf } from './store/silences.ts';

export type HandlerStore = ReturnType<typeof openHandlerStore>;

/** Name of the handler's file in its data directory. */
export const handlerStoreName = 'handler.db';

/**
 * Opens `<path>` for one instance: rows of other instances are left alone. `clock` is real time. See `store/schema.ts` for what is in it.
 * @throws AppError as `openStore`.
 */
export function openHandlerStore(
  path: string,
  instance: string,
  clock?: Pick<Clock, 'wallMs'>,
  createSync: CreateStoreSync = createStoreSync,
) {
  const db = openStore({ path, migrations, synchronous: 'full' });
  return { path, instance, ...storeOf(db, { path, instance, createSync }, clock) };
}

/**
 * Opens the file of a handler that runs, or has run, for the instance that it served last.
 * @throws AppError `store-missing` where there is none, `store-unused` where it served none yet, and as `openStore`.
 */
export function openServedStore(path: string): HandlerStore {
  if (!existsSync(path)) {
    throw new AppError(
      'store-missing',
      `There is no ${path}: no handler has run with this data directory. Name its folder with --data-dir.`,
    );
  }
  const db = openStore({ path, migrations, synchronous: 'full' });
  const instance = metaOf(db).get('served instance');
  if (instance === undefined) {
    db.close();
    throw new AppError('store-unused', `The handler of ${path} has not served an instance yet. Start it once.`);
  }
  return { path, instance, ...storeOf(db, { path, instance, createSync: createStoreSync }) };
}

const dataVersionRow = z.object({ data_version: z.number() });
const valueRow = z.object({ value: z.string() }).optional();

function storeOf(
  db: Store,
  { path, instance, createSync }: { path: string; instance: string; createSync: CreateStoreSync },
  clock?: Pick<Clock, 'wallMs'>,
) {
  const meta = metaOf(db);
  const sync = createSync({ path, checkpoint: () => checkpoint(db) });
  // An earlier process may have ended between a commit and its sync.
  sync.mark();
  const entries = entriesOf(db, instance, clock);
  const occurrences = occurrencesOf(db, instance);
  const rejected = rejectedOf(db);
  const silences = silencesOf(db);
  const dataVersion = db.prepare('PRAGMA data_version');
  /** It is stored that something was written to this instance. */
  let isMarked = false;

  return {
    ...devicesOf(db),
    ...occurrences,
    ...entries,
    ...knownRowsOf(db, instance),
    ...rejected,
    ...silences,
    /** Runs `work` in one transaction, by default a durable one; one that is `grouped` is so once `afterSync` calls back. */
    transaction<T>(work: () => T, durability: Durability = 'synced'): T {
      const wasMarked = isMarked;
      try {
        const result = transaction(db, work, durability);
        if (durability === 'grouped') sync.mark();
        return result;
      } catch (error) {
        isMarked = wasMarked;
        throw error;
      }
    },
    /** Calls back once all that was committed `grouped` until now survives a power loss. */
    afterSync: sync.after,
    /** Changes when another process has written to the file. */
    dataVersion: (): number => dataVersionRow.parse(dataVersion.get()).data_version,

    /** The handler's own installation, once it has one. */
    ownInstallation(): { id: string; createdAt: string } | undefined {
      const [id, createdAt] = meta.get('installation')?.split(' ') ?? [];
      return id === undefined || createdAt === undefined ? undefined : { id, createdAt };
    },
    setOwnInstallation(own: { id: string; createdAt: string }): void {
      meta.set('installation', `${own.id} ${own.createdAt}`);
    },
    /** Whether anything was ever written to this instance from this store: an empty store may be a lost one. */
    hasWritten: () => meta.get(`written ${instance}`) !== undefined,
    markWritten(): void {
      if (!isMarked) meta.set(`written ${instance}`, '1');
      isMarked = true;
    },
    /** The instance that was served last. */
    servedInstance: () => meta.get('served instance'),
    setServedInstance: () => meta.set('served instance', instance),
    /** Breaches that fire on another instance. */
    firingOn: (other: string) => occurrencesOf(db, other).allFiring(),

    counts: () => ({
      ...entries.countEntries(),
      rejected: rejected.countRejected(),
      firing: occurrences.countFiring(),
      silenced: occurrences.countSilenced(),
      silences: silences.countSilences(),
    }),
    /** Writes a consistent copy to `target`, which must not exist. */
    backup(target: string): void {
      db.prepare('VACUUM INTO ?').run(target);
    },
    close(): void {
      sync.close();
      db.close();
    },
  };
}

function metaOf(db: Store) {
  const get = db.prepare('SELECT value FROM meta WHERE name = ?');
  const set = db.prepare(
    'INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
  );
  return {
    get: (name: string): string | undefined => valueRow.parse(get.get(name))?.value,
    set(name: string, value: string): void {
      set.run(name, value);
    },
  };
}
