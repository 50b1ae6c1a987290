import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CreateStoreSync } from '../../../device/platform/store-sync.ts';

/** What a data directory comes back as after a crash. */
export type Survival = 'committed' | 'synced' | 'backup' | 'nothing';

/**
 * The data directories of one component: each life has one of its own, made of the bytes that its predecessor left at the
 * moment of its crash. SQLite recovers from them as after a power loss: what no commit closed is gone.
 */
export interface Disk {
  folder(): string;
  isFull: boolean;
  /** To be called before each commit: what is not synced may be gone after a power loss. */
  willCommit(durability: 'synced' | 'unsynced'): void;
  /** Moves on to a folder for the next life. */
  leave(survival: Survival): void;
  /** Copies the store away, as a backup does. */
  backUp(): void;
  hasBackup(): boolean;
  /** Bytes of the store. */
  bytes(): number;
  remove(): void;
}

/** Empty stores by file name: making the tables of one takes as long as a hundred commits. */
const blanks = new Map<string, Uint8Array>();

/**
 * The bytes of an empty store, made once. A first start finds it in its data directory, as if the very first had been
 * before.
 */
export function blankStore(store: string, make: (path: string) => { close(): void }): Uint8Array {
  const known = blanks.get(store);
  if (known !== undefined) return known;
  const folder = mkdtempSync(join(quickFolder(), 'chaos-'));
  make(join(folder, store)).close();
  const bytes = readFileSync(join(folder, store));
  rmSync(folder, { recursive: true, force: true });
  blanks.set(store, bytes);
  return bytes;
}

/**
 * @param store name of the SQLite file
 * @param blank what it is at first, and after a loss
 * @param losesPower whether what is not synced may be lost: keeping track of that costs copies
 */
export function createDisk(store: string, blank: Uint8Array, losesPower: boolean): Disk {
  const root = mkdtempSync(join(quickFolder(), 'chaos-'));
  const files = [store, `${store}-wal`];
  let life = 0;
  let current = made('0');
  let isSynced = true;
  writeFileSync(join(current, store), blank);

  function made(name: string): string {
    const folder = join(root, name);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  function copy(from: string, to: string): void {
    for (const file of files) {
      rmSync(join(to, file), { force: true });
      if (existsSync(join(from, file))) copyFileSync(join(from, file), join(to, file));
    }
  }

  const disk: Disk = {
    folder: () => current,
    isFull: false,
    willCommit(durability) {
      if (!losesPower) return;
      if (durability === 'unsynced' && isSynced) copy(current, made('synced'));
      isSynced = durability === 'synced';
    },
    leave(survival) {
      const left = current;
      life += 1;
      current = made(String(life));
      if (survival === 'committed' || (survival === 'synced' && isSynced)) copy(left, current);
      else if (survival === 'synced') copy(join(root, 'synced'), current);
      else if (survival === 'backup') copy(join(root, 'backup'), current);
      else writeFileSync(join(current, store), blank);
      isSynced = true;
    },
    backUp: () => copy(current, made('backup')),
    hasBackup: () => existsSync(join(root, 'backup', store)),
    bytes: () =>
      files.reduce((sum, file) => sum + (statSync(join(current, file), { throwIfNoEntry: false })?.size ?? 0), 0),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
  return disk;
}

/** Syncs take no time in this world: what is grouped is synced with its commit. */
export const instantSync: CreateStoreSync = () => ({ mark() {}, after: (done) => done(), close() {} });

/** In memory a sync costs nothing. */
function quickFolder(): string {
  return existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
}

/** What SQLite says of a full disk. */
export function diskFull(): Error {
  return Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
}
