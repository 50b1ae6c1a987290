import type { IClientOptions } from 'mqtt';
import type { Config } from '../config/schema.ts';
import { messageOf } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import type { Time, Timer } from '../platform/time.ts';
import { type MqttConnection, openConnection } from './mqtt/connection.ts';
import type { ConnectionFailure } from './mqtt/failure.ts';
import { connectionOptions } from './mqtt/options.ts';
import { reconnectDelayMs } from './mqtt/reconnect.ts';
import { createSubscriptions } from './subscriptions.ts';
import { topicProblem } from './topic-filter.ts';
import type { CountingTransport, LastWill, PublishResult, TransportState } from './transport.ts';

export interface MqttTransportDeps {
  /** No two clients of a broker may share one: the newer would push out the older. */
  clientId: string;
  logger: Logger;
  time: Time;
  /** Uniform in [0, 1); spreads reconnects. */
  random: () => number;
  will?: LastWill;
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
  | { name: 'opening'; connection?: MqttConnection; deadline?: Timer }
  | { name: 'connected'; connection: MqttConnection; sinceMs: number }
  | { name: 'waiting'; timer: Timer };

type PublishFailure = Extract<PublishResult, { ok: false }>;

/** A connection that lasted this long begins a new count of failures. */
const stableMs = 10_000;

/** MQTT 3.1.1 over TCP or TLS. State `connected` means that the subscriptions stand, too. */
export function createMqttTransport(
  { mqtt: config, maxPayloadBytes }: Pick<Config['transport'], 'mqtt' | 'maxPayloadBytes'>,
  { clientId, logger, time, random, will }: MqttTransportDeps,
): CountingTransport {
  const subscriptions = createSubscriptions({ logger, maxPayloadBytes });
  const listeners = new Set<(state: TransportState) => void>();
  const counts = { published: 0, publishFailed: 0 };
  let phase: Phase = { name: 'idle' };
  let state: TransportState = { state: 'disconnected', reason: 'not started' };
  let failures = 0;

  const readOptions = () => connectionOptions(config, { clientId, will });

  function become(next: TransportState): void {
    const changed = next.state !== state.state;
    const news = changed || (next.state === 'disconnected' && next.reason !== reasonOf(state));
    state = next;
    if (news && phase.name !== 'stopped') {
      if (next.state === 'connected') logger.info({ clientId }, 'mqtt connected');
      else logger.warn({ clientId, reason: next.reason }, 'mqtt disconnected');
    }
    if (!changed) return;
    for (const listener of listeners) listener(next);
  }

  /** The next attempt; its files are read first, unless they just were. */
  async function open(ready?: IClientOptions): Promise<void> {
    const opening: Extract<Phase, { name: 'opening' }> = { name: 'opening' };
    phase = opening;
    try {
      const options = ready ?? (await readOptions());
      if (phase === opening) connect(opening, options);
    } catch (error) {
      if (phase === opening) lost({ reason: messageOf(error), refused: true });
    }
  }

  function connect(opening: Extract<Phase, { name: 'opening' }>, options: IClientOptions): void {
    const connection = openConnection({
      client: options,
      time,
      publishTimeoutMs: config.publishTimeoutMs,
      events: {
        up: () => void restore(opening, connection),
        message: (topic, payload) => subscriptions.dispatch({ topic, payload }),
        down: lost,
      },
    });
    opening.connection = connection;
    opening.deadline = time.after(config.connectTimeoutMs, () => {
      const seconds = config.connectTimeoutMs / 1_000;
      connection.drop({
        reason: `${options.host}:${options.port} did not let us in within ${seconds} s`,
        refused: false,
      });
    });
  }

  async function restore(opening: Phase, connection: MqttConnection): Promise<void> {
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
    const delayMs = reconnectDelayMs({ failures, refused: failure.refused }, config, random);
    phase = { name: 'waiting', timer: time.after(delayMs, () => void open()) };
    const hint = pushedOut ? `, soon after it was made; does another client use the client id ${clientId}?` : '';
    become({ state: 'disconnected', reason: `${failure.reason}${hint}` });
  }

  function refusal(topic: string, bytes: number): PublishFailure | undefined {
    const problem = topicProblem(topic);
    if (problem !== undefined)
      return { ok: false, reason: 'failed', message: `topic "${topic.slice(0, 200)}": ${problem}` };
    if (bytes <= maxPayloadBytes) return undefined;
    const message = `message of ${bytes} bytes to ${topic}; at most ${maxPayloadBytes} are sent`;
    return { ok: false, reason: 'too-large', message };
  }

  function unreachable(): PublishFailure {
    if (phase.name === 'stopped') return { ok: false, reason: 'closed', message: 'the transport was stopped' };
    return { ok: false, reason: 'offline', message: reasonOf(state) };
  }

  function liveConnection(): MqttConnection | undefined {
    return phase.name === 'connected' || phase.name === 'opening' ? phase.connection : undefined;
  }

  return {
    kind: 'mqtt',
    async start() {
      if (phase.name !== 'idle') return;
      const options = await readOptions();
      if (phase.name !== 'idle') return;
      state = { state: 'disconnected', reason: `connecting to ${options.host}:${options.port}` };
      await open(options);
    },
    async stop() {
      const connection = liveConnection();
      if (phase.name === 'waiting') phase.timer.cancel();
      if (phase.name === 'opening') phase.deadline?.cancel();
      phase = { name: 'stopped' };
      become({ state: 'disconnected', reason: 'stopped' });
      await connection?.close();
    },
    publish(topic, payload, { qos = 1, timeoutMs = config.publishTimeoutMs } = {}) {
      return new Promise((resolve) => {
        const settle = (result: PublishResult) => {
          if (result.ok) counts.published += 1;
          else counts.publishFailed += 1;
          resolve(result);
        };
        const bytes = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length;
        const refused = refusal(topic, bytes);
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
