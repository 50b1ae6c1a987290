import type { DestinationFailure, DestinationResult, IncidentDestination } from '../incident/destination.ts';
import type { BackoffPolicy } from '../platform/backoff.ts';
import type { Logger } from '../platform/logger.ts';
import type { Time } from '../platform/time.ts';
import { createGate, type Gate } from './gate.ts';
import { createLogins } from './logins.ts';

/** Not sent: the destination was paused, or the request had aged, while it waited for its turn. */
export const notNow = { ok: false, kind: 'not-now' } as const;
export type Failure = DestinationFailure | typeof notNow;

/** The way to the destination: requests go within a cap, and not while the destination is left alone (see `gate.ts`). */
export interface Line extends Pick<Gate, 'reopensAtMs'> {
  /**
   * What waits for its turn is not sent once `untilMs` (real time) has passed or the gate has shut; what a failure means
   * for the destination is settled before the next request has its turn.
   */
  send<T>(
    request: () => Promise<DestinationResult<T>>,
    untilMs?: number,
  ): Promise<DestinationResult<T> | typeof notNow>;
  /** How many keys may be taken now. */
  admits(): ReturnType<Gate['admits']>;
  /** An answer could be believed, or a write went through. */
  succeeded(): void;
  pause(forMs: number, reason: string): void;
  /** Lets the next request through at once. */
  reopen(): void;
  describe(): ReturnType<Gate['describe']>;
}

export interface LineOptions extends BackoffPolicy {
  destination: IncidentDestination;
  /** Runs at most so many at a time. */
  limit: <T>(task: () => Promise<T>) => Promise<T>;
  breakerFailures: number;
  pauseMs: number;
  deliveryTime: Time;
  random: () => number;
  logger: Logger;
  isRunning: () => boolean;
}

export function createLine(options: LineOptions): Line {
  const { logger, deliveryTime, limit } = options;
  const gate = createGate({ ...options, failures: options.breakerFailures }, options.random);
  const logins = createLogins(options.destination);
  const now = () => deliveryTime.monotonicMs();

  function pause(forMs: number, reason: string): void {
    if (gate.pause(now(), forMs, reason) === 'new') logger.warn({ reason, forMs }, 'destination paused');
  }

  /** What a failure means for the whole destination. `login` is the one that the request was sent under. */
  async function refused(failure: DestinationFailure, login: number): Promise<void> {
    switch (failure.kind) {
      case 'throttled':
        return pause(failure.retryAfterMs, failure.message);
      case 'refused-destination':
        if (failure.cause === 'unauthenticated' && (await logins.isRenewed(login))) return;
        return pause(options.pauseMs, failure.message);
      case 'not-sent':
      case 'ambiguous':
        gate.failed(now(), failure.message);
        logger.debug({ reason: failure.message }, 'destination failed');
        return;
      case 'refused-record':
      case 'gone':
        return;
    }
  }

  return {
    send: (request, untilMs = Number.POSITIVE_INFINITY) =>
      limit(async () => {
        const isTooLate = now() > untilMs || gate.admits(now()) === 'none' || !options.isRunning();
        if (isTooLate) return notNow;
        const login = logins.current();
        const result = await request();
        if (!result.ok) await refused(result, login);
        return result;
      }),
    admits: () => gate.admits(now()),
    reopensAtMs: gate.reopensAtMs,
    succeeded() {
      logins.accepted();
      if (gate.succeeded() === 'recovered') logger.info('destination answers again');
    },
    pause,
    reopen: gate.reopen,
    describe: () => gate.describe(now()),
  };
}
