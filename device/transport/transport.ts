/** A message as it came in: bytes are hostile until parsed by the subscriber. */
export interface InboundMessage {
  topic: string;
  payload: Uint8Array;
}

/**
 * Why a publish did not go through. `offline`, `timeout`, `busy` and `closed` can be retried; `too-large` and
 * `unauthorized` cannot until something else changes.
 */
export type PublishFailure = 'offline' | 'timeout' | 'busy' | 'closed' | 'too-large' | 'unauthorized' | 'failed';

/** `ok` means acknowledged by the peer (PUBACK, or the nucleus's OK) for QoS 1, written to the socket for QoS 0. */
export type PublishResult = { ok: true } | { ok: false; reason: PublishFailure; message: string };

export interface PublishOptions {
  /** Default 1. */
  qos?: 0 | 1;
  /** How long to wait for the acknowledgement; default is the adapter's. */
  timeoutMs?: number;
}

export type TransportState = { state: 'connected' } | { state: 'disconnected'; reason: string };

/** Sent by the peer in our name when the connection ends without `stop`. */
export interface LastWill {
  topic: string;
  payload: string;
}

/** Counted since the adapter was made; read at a scrape. */
export interface TransportStats {
  published: number;
  publishFailed: number;
  /** Messages that came in and were small enough to be handed on. */
  received: number;
  /** Messages that came in larger than `maxPayloadBytes`, and were dropped. */
  tooLarge: number;
  handlerFailed: number;
}

export interface Subscription {
  /** Idempotent. */
  unsubscribe(): Promise<void>;
}

/**
 * Publish and subscribe, as the contract suite (`transport-contract.ts`) has it:
 * - `start` returns once the first connection attempt is under way; being offline is a state, not an error. It throws
 *   AppError only for what no retry cures (bad options, unreadable certificate).
 * - Subscriptions may be made before the connection and are restored after every reconnect.
 * - While offline `publish` answers `offline` at once: keeping messages is the caller's journal, not the transport's.
 * - Handlers get messages of one topic in order; the promise of one is not awaited before the next message. A handler
 *   that throws or rejects is logged and does not stop the next message.
 * - Delivery is at least once: overlapping filters may bring a message twice on some brokers.
 * - `maxPayloadBytes` is refused before sending (`too-large`), and larger inbound messages are dropped and counted.
 * - `stop` is idempotent, ends within 2 s, and settles every pending publish with `closed`.
 */
export interface Transport {
  readonly kind: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  publish(topic: string, payload: string | Uint8Array, options?: PublishOptions): Promise<PublishResult>;
  /** `topicFilter` with MQTT wildcards. Resolves when the subscription is registered (acknowledged once connected). */
  subscribe(topicFilter: string, handler: (message: InboundMessage) => void | Promise<void>): Promise<Subscription>;
  state(): TransportState;
  /** Called at every change of state; returns its own removal. */
  onState(listener: (state: TransportState) => void): () => void;
  /**
   * AWS IoT Core, where it is a destination of its own beside the local subscribers (Greengrass). `ok` of QoS 1 means with
   * the nucleus, which spools it to disk, or acknowledged by AWS IoT Core (Nucleus Lite). Absent: `publish` reaches all
   * that there is. Its state is its own: what the local subscribers lack does not stop it.
   */
  readonly cloud?: Pick<Transport, 'publish' | 'state' | 'onState'>;
}

export interface CountingTransport extends Transport {
  stats(): TransportStats;
}
