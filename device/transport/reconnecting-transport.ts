import { messageOf } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import type { Time, Timer } from '../platform/time.ts';
import type { Connection, ConnectionEvents, ConnectionFailure } from './connection.ts';
import { type ReconnectPolicy, reconnectDelayMs } from './reconnect.ts';
import { refusalOf } from './refusal.ts';
import { createSubscriptions } from './subscriptions.ts';
import type { CountingTransport, PublishResult, TransportState } from './transport.ts';

/** All that the next connection needs, read anew for each: a new password or certificate counts from then on. */
export interface Attempt {
  address: string;
  /** Why a connection is not worth trying now: what time or a new file will cure. */
  hindrance?: ConnectionFailure;
  connect(events: ConnectionEvents): Connection;
}

export interface ReconnectingTransportOptions extends ReconnectPolicy {
  kind: string;
  clientId: string;
  /** How long a connection may take until its subscriptions stand. */
  connectTimeoutMs: number;
  /** How long to wait for an acknowledgement, unless the caller says. */
  publishTimeoutMs: number;
  maxPayloadBytes: number;
  /** What the peer refuses of a topic that MQTT knows; undefined where it takes it. */
  topicProblem?: (topic: string) => string | undefined;
  /** Throws AppError for what no retry cures; `start` passes it on, a later attempt makes it the state's reason. */
  prepare(): Promise<Attempt>;
  logger: Logger;
  time: Time;
  /** Uniform in [0, 1); spreads reconnects. */
  random: () => number;
}

/**
 * | phase     | what is there                     | left by                                             |
 * |-----------|-----------------------------------|-----------------------------------------------------|
 * | idle      | nothing                           | start → opening                                     |
 * | opening   | files being read, then connection | subscriptions stand → connected; failure → waiting  |
 * | connected | connection                        | connection lost → waiting                           |
 * | waiting   | timer                             | timer → opening                                     |
 * | stopped   | nothing                           | never                                               |
 *
 * `stop` leads to stopped from each.
 */
type Phase =
  | { name: 'idle' | 'stopped' }
  | { name: 'opening'; connection?: Connection; deadline?: Timer }
  | { name: 'connected'; connection: Connection; sinceMs: number }
  | { name: 'waiting'; timer: Timer };

type PublishFailure = Extract<PublishResult, { ok: false }>;

/** A connection that lasted this long begins a new count of failures. */
const stableMs = 10_000;

/**
 * One connection at a time to a broker, and the next one after a pause; every subscription is made again on each, so
 * that nothing depends on a session that the broker keeps. State `connected` means that the subscriptions stand, too.
 */
export function createReconnectingTransport(options: ReconnectingTransportOptions): CountingTransport {
  const { kind, clientId, connectTimeoutMs, publishTimeoutMs, maxPayloadBytes, prepare, logger, time, random } =
    options;
  const subscriptions = createSubscriptions({ logger, maxPayloadBytes });
  const listeners = new Set<(state: TransportState) => void>();
  const counts = { published: 0, publishFailed: 0 };
  let phase: Phase = { name: 'idle' };
  let state: TransportState = { state: 'disconnected', reason: 'not started' };
  let failures = 0;

  function become(next: TransportState): void {
    const changed = next.state !== state.state;
    const news = changed || (next.state === 'disconnected' && next.reason !== reasonOf(state));
    state = next;
    if (news && phase.name !== 'stopped') {
      if (next.state === 'connected') logger.info({ kind, clientId }, 'transport connected');
      else logger.warn({ kind, clientId, reason: next.reason }, 'transport disconnected');
    }
    if (!changed) return;
    for (const listener of listeners) listener(next);
  }

  /** The next attempt; its files are read first, unless they just were. */
  async function open(ready?: Attempt): Promise<void> {
    const opening: Extract<Phase, { name: 'opening' }> = { name: 'opening' };
    phase = opening;
    try {
      const attempt = ready ?? (await prepare());
      if (phase !== opening) return;
      if (attempt.hindrance === undefined) connect(opening, attempt);
      else lost(attempt.hindrance);
    } catch (error) {
      if (phase === opening) lost({ reason: messageOf(error), refused: true });
    }
  }

  function connect(opening: Extract<Phase, { name: 'opening' }>, attempt: Attempt): void {
    const connection = attempt.connect({
      up: () => void restore(opening, connection),
      message: (topic, payload) => subscriptions.dispatch({ topic, payload }),
      down: lost,
    });
    opening.connection = connection;
    opening.deadline = time.after(connectTimeoutMs, () => {
      const seconds = connectTimeoutMs / 1_000;
      connection.drop({ reason: `${attempt.address} did not let us in within ${seconds} s`, refused: false });
    });
  }

  async function restore(opening: Phase, connection: Connection): Promise<void> {
    await connection.subscribe(subscriptions.filters());
    if (phase !== opening || phase.name !== 'opening') return;
    phase.deadline?.cancel();
    phase = { name: 'connected', connection, sinceMs: time.monotonicMs() };
    become({ state: 'connected' });
  }

  function lost(failure: ConnectionFailure): void {
    if (phase.name === 'opening') phase.deadline?.cancel();
    const stable = phase.name === 'connected' && time.monotonicMs() - phase.sinceMs >= stableMs;
    failures = stable ? 1 : failures + 1;
    const pushedOut = phase.name === 'connected' && failures > 1 && !failure.refused;
    const delayMs = reconnectDelayMs({ failures, refused: failure.refused }, options, random);
    phase = { name: 'waiting', timer: time.after(delayMs, () => void open()) };
    const hint = pushedOut ? `, soon after it was made; does another client use the client id ${clientId}?` : '';
    become({ state: 'disconnected', reason: `${failure.reason}${hint}` });
  }

  function unreachable(): PublishFailure {
    if (phase.name === 'stopped') return { ok: false, reason: 'closed', message: 'the transport was stopped' };
    return { ok: false, reason: 'offline', message: reasonOf(state) };
  }

  function liveConnection(): Connection | undefined {
    return phase.name === 'connected' || phase.name === 'opening' ? phase.connection : undefined;
  }

  return {
    kind,
    async start() {
      if (phase.name !== 'idle') return;
      const attempt = await prepare();
      if (phase.name !== 'idle') return;
      state = { state: 'disconnected', reason: `connecting to ${attempt.address}` };
      await open(attempt);
    },
    async stop() {
      const connection = liveConnection();
      if (phase.name === 'waiting') phase.timer.cancel();
      if (phase.name === 'opening') phase.deadline?.cancel();
      phase = { name: 'stopped' };
      become({ state: 'disconnected', reason: 'stopped' });
      await connection?.close();
    },
    publish(topic, payload, { qos = 1, timeoutMs = publishTimeoutMs } = {}) {
      return new Promise((resolve) => {
        const settle = (result: PublishResult) => {
          if (result.ok) counts.published += 1;
          else counts.publishFailed += 1;
          resolve(result);
        };
        const bytes = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length;
        const refused = refusalOf({ topic, bytes }, maxPayloadBytes, options.topicProblem);
        if (refused !== undefined) settle(refused);
        else if (phase.name !== 'connected') settle(unreachable());
        else phase.connection.publish({ topic, payload, bytes, qos, timeoutMs, settle });
      });
    },
    async subscribe(topicFilter, handler) {
      const subscriber = subscriptions.add(topicFilter, handler);
      await liveConnection()?.subscribe([topicFilter]);
      return {
        async unsubscribe() {
          subscriptions.remove(subscriber);
          if (!subscriptions.has(topicFilter)) await liveConnection()?.unsubscribe(topicFilter);
        },
      };
    },
    state: () => state,
    onState(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stats: () => ({ ...counts, ...subscriptions.counts() }),
  };
}

function reasonOf(state: TransportState): string {
  return state.state === 'connected' ? '' : state.reason;
}
