import type { Logger } from '../platform/logger.ts';
import type { ReserveFile } from '../platform/reserve-file.ts';
import { type Durability, isDiskFull } from '../platform/sqlite.ts';
import type { Clock } from '../platform/time.ts';
import type { Journal } from './journal.ts';

/** What a write is for: `begun` finishes what the journal already knows of and may use the reserve for it. */
export type WriteKind = 'new' | 'begun';
export type WriteResult<T> = { ok: true; value: T } | { ok: false; reason: 'disk-full' };

export interface DiskGuardDeps {
  journal: Pick<Journal, 'write' | 'path'>;
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

  function attempt<T>(durability: Durability, work: () => T): WriteResult<T> | { ok: false; error: unknown } {
    try {
      return { ok: true, value: journal.write(durability, work) };
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      return { ok: false, error };
    }
  }

  return {
    write(kind, durability, work) {
      if (state.state === 'full' && kind === 'new') return refused;
      const first = attempt(durability, work);
      if (first.ok) return first;
      if (state.state === 'full') return refused;
      fill('error' in first ? first.error : undefined);
      if (kind === 'new') return refused;
      const second = attempt(durability, work);
      return second.ok ? second : refused;
    },
    retry(writeWaiting) {
      if (state.state === 'room') return 'room';
      if (clock.monotonicMs() < state.retryAtMs) return 'full';
      const written = reserve.restore() ? attempt('synced', writeWaiting) : refused;
      if (!written.ok) {
        fill('error' in written ? written.error : undefined);
        return 'full';
      }
      state = { state: 'room' };
      return 'recovered';
    },
    isFull: () => state.state === 'full',
  };
}
