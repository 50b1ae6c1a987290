import { closeSync, fdatasync, fdatasyncSync, fsyncSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Logger } from './logger.ts';
import { systemTime, type Time, type Timer } from './time.ts';

/**
 * Makes what was committed to a store in WAL mode survive a power loss: off the event loop, and once for all commits
 * that are made while the disk is busy.
 *
 * | state   | what runs           | left by                                                   |
 * |---------|---------------------|-----------------------------------------------------------|
 * | synced  | nothing             | `mark` → marked                                           |
 * | marked  | nothing             | `after` → due                                              |
 * | due     | nothing             | end of this turn of the event loop → syncing               |
 * | syncing | fdatasync           | done → synced, or syncing again for who came meanwhile; failed → waiting |
 * | waiting | a timer             | timer → syncing, which then writes everything anew        |
 * | closed  | nothing             | never: who waits is not called back                       |
 */
export interface StoreSync {
  /** Something was committed that is to survive. */
  mark(): void;
  /** Calls back once all that was marked until now survives: at once where it does. */
  after(done: () => void): void;
  close(): void;
}

export interface StoreSyncOptions {
  /** The store's file. */
  path: string;
  /** Copies what is in the log into the file, both synced: what is left to do where the disk has refused a sync. */
  checkpoint: () => void;
  /** Real time. */
  time?: Time;
  /** At each attempt. */
  onFailure?: (error: unknown) => void;
  /** The disk takes a sync again. */
  onRecovered?: () => void;
}

export type CreateStoreSync = (options: StoreSyncOptions) => StoreSync;

const retryMs = 1_000;

export const createStoreSync: CreateStoreSync = ({ path, checkpoint, time = systemTime, onFailure, onRecovered }) => {
  let file: number | undefined;
  let state: 'synced' | 'marked' | 'due' | 'syncing' | 'waiting' | 'closed' = 'synced';
  let waiting: (() => void)[] = [];
  /** Marked while a sync was under way, which may not hold it. */
  let markedMeanwhile = false;
  let timer: Timer | undefined;

  function begin(): void {
    if (state === 'closed') return;
    state = 'syncing';
    markedMeanwhile = false;
    const served = waiting;
    waiting = [];
    try {
      // Kept open: SQLite keeps the log as long as the store is open.
      file ??= openLog(path);
    } catch (error) {
      failed(error, served);
      return;
    }
    fdatasync(file, (error) => {
      if (error === null) ended(served);
      else failed(error, served);
    });
  }

  function ended(served: readonly (() => void)[]): void {
    if (state === 'closed') {
      closeLog();
      return;
    }
    state = markedMeanwhile ? 'marked' : 'synced';
    const all = markedMeanwhile ? served : [...served, ...waiting];
    if (markedMeanwhile) {
      if (waiting.length > 0) schedule();
    } else waiting = [];
    for (const done of all) done();
  }

  /** After a failed sync the system may take for written what is not, so the next success of the same would prove nothing. */
  function failed(error: unknown, served: readonly (() => void)[]): void {
    if (state === 'closed') {
      closeLog();
      return;
    }
    onFailure?.(error);
    waiting = [...served, ...waiting];
    state = 'waiting';
    timer = time.after(retryMs, () => {
      try {
        checkpoint();
      } catch (again) {
        failed(again, []);
        return;
      }
      onRecovered?.();
      markedMeanwhile = false;
      ended([]);
    });
  }

  function schedule(): void {
    state = 'due';
    setImmediate(begin);
  }

  function closeLog(): void {
    if (file !== undefined) closeSync(file);
    file = undefined;
  }

  return {
    mark() {
      if (state === 'synced') state = 'marked';
      else if (state === 'syncing') markedMeanwhile = true;
    },
    after(done) {
      if (state === 'closed') return;
      // What is being synced may lack what was marked meanwhile; only where nothing was is it enough to wait for it.
      if (state === 'synced') done();
      else waiting.push(done);
      if (state === 'marked') schedule();
    },
    close() {
      const wasSyncing = state === 'syncing';
      state = 'closed';
      timer?.cancel();
      waiting = [];
      if (!wasSyncing) closeLog();
    },
  };
};

/** One that says in the log that the disk fails, once, and when it is over: until then nothing that is new is told. */
export function loggedStoreSync(logger: Logger): CreateStoreSync {
  return (options) => {
    let isFailing = false;
    return createStoreSync({
      ...options,
      onFailure(error) {
        if (!isFailing)
          logger.error({ err: error, store: options.path }, 'the disk does not sync: what is new waits until it does');
        isFailing = true;
      },
      onRecovered() {
        isFailing = false;
        logger.warn({ store: options.path }, 'the disk syncs again, what waited goes on');
      },
    });
  };
}

/** Syncs in the call, so that what follows a commit follows it in the same turn: for clocks that do not run by themselves. */
export const createInlineSync: CreateStoreSync = ({ path }) => {
  let file: number | undefined;
  let marked = false;
  return {
    mark() {
      marked = true;
    },
    after(done) {
      if (marked) {
        file ??= openLog(path);
        fdatasyncSync(file);
        marked = false;
      }
      done();
    },
    close() {
      if (file !== undefined) closeSync(file);
      file = undefined;
    },
  };
};

/** The log beside a store, with its name in the folder synced: SQLite does that at a sync of its own only. */
function openLog(path: string): number {
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
  return openSync(`${path}-wal`, 'r+');
}
