import { makeSilence, type Silence, type SilenceRequest } from '../incident/silence.ts';
import { AppError, messageOf } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import type { Time, Timer } from '../platform/time.ts';
import type { HandlerStore } from './store.ts';

/**
 * Silences over the time of the handler: each takes hold when it is set and lets go when it ends, whether its time is up,
 * a person ends it, here or in another process, or it ended while the handler was away.
 */
export interface Silences {
  list(): Silence[];
  /** @throws AppError `bad-silence`, `store-unusable` */
  set(request: SilenceRequest): Silence;
  /** @throws AppError `store-unusable` */
  end(id: string): boolean;
  /** Brings what fires in line with the silences in the store: at a start, and when another process wrote to it. */
  apply(): void;
  /** Applies them where a clock that was set has ended one, or they could not be applied before. */
  recheck(): void;
  stop(): void;
}

export interface SilencesOptions {
  store: HandlerStore;
  /** One transaction. */
  take: <T>(work: () => T) => T;
  /** Brings what fires in line; inside the transaction. */
  apply: () => void;
  /** Called after a transaction that was rolled back. */
  onFailed: () => void;
  onApplied: () => void;
  time: Time;
  newId: () => string;
  logger: Logger;
}

export function createSilences(options: SilencesOptions): Silences {
  const { store, take, time, logger } = options;
  let timer: Timer | undefined;
  let nextEndMs = Number.POSITIVE_INFINITY;
  let isFailing = false;
  let isStopped = false;

  /** Changes what is silenced, and lets the change take hold, in one transaction. */
  function change<T>(work: () => T): T {
    try {
      const result = take(() => {
        const done = work();
        options.apply();
        return done;
      });
      isFailing = false;
      schedule();
      options.onApplied();
      return result;
    } catch (error) {
      options.onFailed();
      throw error;
    }
  }

  function byPerson<T>(work: () => T): T {
    try {
      return change(work);
    } catch (error) {
      if (error instanceof AppError) throw error;
      const message = `The silence was not stored: ${messageOf(error)}. Make room on the disk, and try again.`;
      throw new AppError('store-unusable', message, { cause: error });
    }
  }

  function apply(): void {
    try {
      change(() => undefined);
    } catch (error) {
      if (!isFailing) logger.error({ err: error }, 'silences could not be applied, tried again');
      isFailing = true;
    }
  }

  function schedule(): void {
    timer?.cancel();
    timer = undefined;
    nextEndMs = store.silences()[0]?.endsAtMs ?? Number.POSITIVE_INFINITY;
    if (isStopped || nextEndMs === Number.POSITIVE_INFINITY) return;
    timer = time.after(nextEndMs - time.wallMs(), apply);
  }

  return {
    list: () => lasting(store, time.wallMs()),
    set: (request) => byPerson(() => storeSilence(store, request, { id: options.newId(), nowMs: time.wallMs() })),
    end: (id) => byPerson(() => store.removeSilence(id)),
    apply,
    recheck() {
      if (isFailing || time.wallMs() >= nextEndMs) apply();
    },
    stop() {
      isStopped = true;
      timer?.cancel();
    },
  };
}

function lasting(store: HandlerStore, nowMs: number): Silence[] {
  return store.silences().filter((silence) => nowMs < silence.endsAtMs);
}

/**
 * Stores a silence, inside a transaction; a running handler applies it when it notices. `id` is 32 random hex digits.
 * @throws AppError `bad-silence`
 */
export function storeSilence(
  store: HandlerStore,
  request: SilenceRequest,
  { id, nowMs }: { id: string; nowMs: number },
): Silence {
  const count = lasting(store, nowMs).length;
  const made = makeSilence(request, { id: id.slice(-8), nowMs, count });
  if (!made.ok) throw new AppError('bad-silence', `This silence cannot be set: ${made.reason}.`);
  store.addSilence(made.silence);
  return made.silence;
}
