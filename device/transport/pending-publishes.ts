import type { Time } from '../platform/time.ts';
import type { Connection, ConnectionFailure } from './connection.ts';
import { createInFlight, type Ticket } from './in-flight.ts';
import type { PublishResult } from './transport.ts';

/** Unacknowledged publishes of a connection at a time; one more is `busy`. */
export const mostPending = { messages: 2_000, bytes: 16_000_000 };

/** With no room left, a publish without an answer for this many time-outs will not get one: the connection ends. */
const stuckAfterTimeouts = 3;

export interface PendingPublishesOptions {
  address: string;
  time: Time;
  /** Silence for this long after an unanswered publish ends the connection. */
  publishTimeoutMs: number;
  /** Ends the connection. */
  drop(failure: ConnectionFailure): void;
}

/** Publishes of one connection that wait for their acknowledgement, and what their silence says of the connection. */
export interface PendingPublishes {
  /** The peer has sent something. */
  heard(): void;
  /** Takes a publish that is about to be sent; undefined when there is no room: it was answered `busy`. */
  add(message: Pick<Parameters<Connection['publish']>[0], 'bytes' | 'timeoutMs' | 'settle'>): Ticket | undefined;
  /** Settles all of them with the end of the connection. */
  settleAll(result: PublishResult): void;
}

export function createPendingPublishes(options: PendingPublishesOptions): PendingPublishes {
  const { address, time, publishTimeoutMs, drop } = options;
  const inFlight = createInFlight({ time, limits: mostPending, onOverdue });
  let heardAtMs = time.monotonicMs();

  function onOverdue(waitedMs: number): void {
    const silentMs = time.monotonicMs() - heardAtMs;
    if (Math.min(waitedMs, silentMs) < publishTimeoutMs) return;
    drop({ reason: `${address} has not answered for ${Math.round(silentMs / 1_000)} s`, refused: false });
  }

  return {
    heard() {
      heardAtMs = time.monotonicMs();
    },
    add({ bytes, timeoutMs, settle }) {
      const ticket = inFlight.add(bytes, timeoutMs, settle);
      if (ticket !== undefined) return ticket;
      settle({ ok: false, reason: 'busy', message: 'too many publishes wait for their acknowledgement' });
      if (inFlight.oldestMs() >= stuckAfterTimeouts * publishTimeoutMs) {
        drop({ reason: `${address} leaves publishes without an acknowledgement`, refused: false });
      }
      return undefined;
    },
    settleAll: inFlight.settleAll,
  };
}
