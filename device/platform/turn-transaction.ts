import { isDiskFull, type Store, setSynchronous } from './sqlite.ts';

/** Whoever wrote in a transaction that was then lost. */
export interface Writer {
  /** What memory took for written is not. */
  undo(error: unknown): void;
  /** Called once all have undone. */
  redo(): void;
}

/**
 * One transaction for all that is written in a turn of the event loop: a crowd of messages comes in one, and each commit
 * writes whole pages.
 *
 * | state  | what is there                         | left by                                                          |
 * |--------|---------------------------------------|------------------------------------------------------------------|
 * | closed | nothing                               | `run` → open                                                     |
 * | open   | a transaction, which only this connection sees | `end`, at latest at the end of the turn → closed; a write that fails → closed, the writers undo |
 */
export interface TurnTransaction {
  /** Writes now; what the disk refuses later is undone by `writer`, last come first. @throws as `work`, and SQLite */
  run<T>(work: () => T, writer: Writer): T;
  /** Commits what is open. @throws what SQLite says, but for a disk that refuses */
  end(): void;
}

export function createTurnTransaction(db: Store, onCommitted: () => void): TurnTransaction {
  let writers: Writer[] = [];
  let isOpen = false;

  function rollBack(error: unknown): void {
    // A full disk may have ended it already; the first error is the one to tell.
    try {
      db.exec('ROLLBACK');
    } catch {}
    isOpen = false;
    const lost = writers;
    writers = [];
    for (const writer of lost.toReversed()) writer.undo(error);
    for (const writer of lost) writer.redo();
  }

  function end(): void {
    if (!isOpen) return;
    try {
      db.exec('COMMIT');
    } catch (error) {
      rollBack(error);
      if (!isDiskFull(error)) throw error;
      return;
    }
    isOpen = false;
    writers = [];
    onCommitted();
  }

  function begin(): void {
    setSynchronous(db, 'NORMAL');
    db.exec('BEGIN IMMEDIATE');
    isOpen = true;
    setImmediate(end);
  }

  return {
    end,
    run(work, writer) {
      if (!isOpen) begin();
      try {
        const result = work();
        writers.push(writer);
        return result;
      } catch (error) {
        rollBack(error);
        throw error;
      }
    },
  };
}
