import type { Logger } from '../platform/logger.ts';
import type { ReserveFile } from '../platform/reserve-file.ts';
import { type Durability, isDiskFull } from '../platform/sqlite.ts';
import type { Clock } from '../platform/time.ts';
import type { Writer } from '../platform/turn-transaction.ts';
import type { Journal } from './journal.ts';

/** What a write is for: `begun` finishes what the journal already knows of and may use the reserve for it. */
export type WriteKind = 'new' | 'begun';
export type WriteResult<T> = { ok: true; value: T } | { ok: false; reason: 'disk-full' };

export interface DiskGuardDeps {
  journal: Pick<Journal, 'write' | 'writeInTurn' | 'path'>;
  reserve: ReserveFile;
  clock: Pick<Clock, 'monotonicMs'>;
  logger: Logger;
}

/**
 * Writes to the journal, and what becomes of them on a full disk.
 *
 * | state | new            | begun                    | left by                                               |
 * |-------|----------------|--------------------------|-------------------------------------------------------|
 * | room  | written        | written                  | a write that the disk refuses → full, reserve freed   |
 * | full  | refused        | tried, on the reserve    | `retry`: the reserve can be made again, and so a write → room |
 */
export interface DiskGuard {
  write<T>(kind: WriteKind, durability: Durability, work: () => T): WriteResult<T>;
  /** With what else is written in this turn of the event loop, while there is room; `writer` hears of one refused later. */
  writeInTurn<T>(kind: WriteKind, work: () => T, writer: Pick<Writer, 'redo'> & { undo: () => void }): WriteResult<T>;
  /** Cheap; tries at most every few seconds whether there is room again, by writing what had to wait. */
  retry(writeWaiting: () => void): 'room' | 'full' | 'recovered';
  isFull(): boolean;
}

const retryMs = 5_000;
const retryCapMs = 60_000;
const refused = { ok: false, reason: 'disk-full' } as const;

export function createDiskGuard({ journal, reserve, clock, logger }: DiskGuardDeps): DiskGuard {
  let state: { state: 'room' } | { state: 'full'; retryAtMs: number; pauseMs: number } = { state: 'room' };

  function fill(error: unknown): void {
    const pauseMs = state.state === 'full' ? Math.min(retryCapMs, state.pauseMs * 2) : retryMs;
    if (state.state === 'room') {
      logger.error(
        { err: error, journal: journal.path },
        'disk full: new breaches are kept in memory until there is room',
      );
    }
    reserve.release();
    state = { state: 'full', retryAtMs: clock.monotonicMs() + pauseMs, pauseMs };
  }

  const isFull = () => state.state === 'full';

  type Attempt<T> = { ok: true; value: T } | { ok: false; error: unknown };

  function attempt<T>(write: () => T): Attempt<T> {
    try {
      return { ok: true, value: write() };
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      return { ok: false, error };
    }
  }

  /** `again` is the attempt on the reserve. */
  function writeBy<T>(kind: WriteKind, write: () => T, again: () => T): WriteResult<T> {
    const wasFull = isFull();
    if (wasFull && kind === 'new') return refused;
    const first = attempt(write);
    if (first.ok) return first;
    if (wasFull) return refused;
    // Who wrote in the same turn may have freed the reserve already.
    if (!isFull()) fill(first.error);
    if (kind === 'new') return refused;
    const second = attempt(again);
    return second.ok ? second : refused;
  }

  return {
    write(kind, durability, work) {
      const write = () => journal.write(durability, work);
      return writeBy(kind, write, write);
    },
    writeInTurn(kind, work, { undo, redo }) {
      const alone = () => journal.write('grouped', work);
      if (isFull()) return writeBy(kind, alone, alone);
      const inTurn = () =>
        journal.writeInTurn(work, {
          undo(error) {
            if (!isFull() && isDiskFull(error)) fill(error);
            undo();
          },
          redo,
        });
      return writeBy(kind, inTurn, alone);
    },
    retry(writeWaiting) {
      if (state.state === 'room') return 'room';
      if (clock.monotonicMs() < state.retryAtMs) return 'full';
      const written = reserve.restore() ? attempt(() => journal.write('synced', writeWaiting)) : refused;
      if (!written.ok) {
        fill('error' in written ? written.error : undefined);
        return 'full';
      }
      state = { state: 'room' };
      return 'recovered';
    },
    isFull,
  };
}
