import type { PublishResult } from './transport.ts';

export interface ConnectionFailure {
  /** A clause for people: what happened, and what to do where that is known. */
  reason: string;
  /** Not cured by trying at once again, so the next try comes late. */
  refused: boolean;
}

export interface ConnectionEvents {
  /** The broker has let us in. */
  up(): void;
  message(topic: string, payload: Uint8Array): void;
  /** The connection is over, or never came about; nothing follows. Not called after `close`. */
  down(failure: ConnectionFailure): void;
}

/** The life of one connection to a broker, which is never made a second time and keeps nothing. */
export interface Connection {
  publish(message: {
    topic: string;
    payload: string | Uint8Array;
    bytes: number;
    qos: 0 | 1;
    timeoutMs: number;
    settle: (result: PublishResult) => void;
  }): void;
  /** Asks for what was not asked for yet, once `up`; resolves with the answers or with the end of the connection. */
  subscribe(filters: string[]): Promise<void>;
  unsubscribe(filter: string): Promise<void>;
  /** Ends it with DISCONNECT, so that no last will is sent; settles publishes with `closed`. */
  close(): Promise<void>;
  /** Ends it without a word. */
  drop(failure: ConnectionFailure): void;
}
