import type { Logger } from '../platform/logger.ts';
import type { ReserveFile } from '../platform/reserve-file.ts';
import { type Durability, isDiskFull } from '../platform/sqlite.ts';

/**
 * The handler's transactions on a disk that may be full. New messages are then refused (nothing is answered, so their
 * monitors keep them); what was begun is finished on the reserve.
 *
 * | state   | `take`            | `finish`              | becomes                                             |
 * |---------|-------------------|-----------------------|-----------------------------------------------------|
 * | room    | stored            | stored                | full, when the disk refuses                         |
 * | full    | refused           | stored on the reserve | probing, when `recheck` could make the reserve again |
 * | probing | stored            | stored                | room on success, full when the disk refuses          |
 */
export interface Space {
  /** A transaction about something new. Rethrows what the store throws. */
  take<T>(work: () => T, durability?: Durability): T;
  /** A transaction about something that was begun. */
  finish<T>(work: () => T, durability?: Durability): T;
  /** Looks whether there is room again; to be called now and then. */
  recheck(): void;
  isFull(): boolean;
}

export interface SpaceOptions {
  transaction: <T>(work: () => T, durability?: Durability) => T;
  reserve: ReserveFile;
  logger: Logger;
}

export function createSpace({ transaction, reserve, logger }: SpaceOptions): Space {
  let state: 'room' | 'full' | 'probing' = 'room';

  function attempt<T>(work: () => T, durability?: Durability): T {
    try {
      const result = transaction(work, durability);
      if (state === 'probing') {
        state = 'room';
        logger.info('store writable again');
      }
      return result;
    } catch (error) {
      if (isDiskFull(error)) {
        if (state === 'room') logger.error({ err: error }, 'disk full: new messages are not stored and not answered');
        state = 'full';
      }
      throw error;
    }
  }

  return {
    take: attempt,
    finish(work, durability) {
      try {
        return attempt(work, durability);
      } catch (error) {
        if (!isDiskFull(error) || !reserve.release()) throw error;
        logger.warn('reserve of the store given up to finish what was begun');
        return transaction(work, durability);
      }
    },
    recheck() {
      if (reserve.restore() && state === 'full') state = 'probing';
    },
    isFull: () => state === 'full',
  };
}
