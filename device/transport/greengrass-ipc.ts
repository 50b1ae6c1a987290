import { setMaxListeners } from 'node:events';
import type { CallResult, Ipc, IpcFailure, IpcFailureReason, Stream } from '../greengrass/ipc.ts';
import type { Logger } from '../platform/logger.ts';
import { refusalOf } from './refusal.ts';
import { createSubscriptions } from './subscriptions.ts';
import type { CountingTransport, PublishFailure, PublishOptions, PublishResult, TransportState } from './transport.ts';

export interface GreengrassTransportDeps {
  /** Shared with whoever else asks the nucleus; stopped by its owner. */
  ipc: Ipc;
  logger: Logger;
}

/** One stream of the nucleus for a filter, whoever listens. */
interface Filter {
  stream: Promise<Stream>;
  /** Why the nucleus does not let us listen. */
  refusal: IpcFailure | undefined;
}

type LocalOrCloud = 'PublishToTopic' | 'PublishToIoTCore';

const failures: Readonly<Record<IpcFailureReason, PublishFailure>> = {
  ...{ offline: 'offline', timeout: 'timeout', closed: 'closed', busy: 'busy', 'too-large': 'too-large' },
  ...{ unauthorized: 'unauthorized', 'not-found': 'failed', unsupported: 'failed', failed: 'failed' },
};

/**
 * Local publish and subscribe of a Greengrass nucleus, and AWS IoT Core as a destination of its own (`cloud`), which is
 * `connected` with the nucleus. The transport itself is once its subscriptions stand, too. The nucleus knows no last will: a silent device is noticed by its
 * heartbeat.
 */
export function createGreengrassTransport(
  { maxPayloadBytes }: { maxPayloadBytes: number },
  { ipc, logger }: GreengrassTransportDeps,
): CountingTransport {
  const subscriptions = createSubscriptions({ logger, maxPayloadBytes });
  const filters = new Map<string, Filter>();
  const counts = { published: 0, publishFailed: 0 };
  const stopping = new AbortController();
  // Each publish under way listens to it.
  setMaxListeners(0, stopping.signal);
  const stopped = new Promise((resolve) => stopping.signal.addEventListener('abort', resolve, { once: true }));
  let phase: 'idle' | 'started' | 'stopped' = 'idle';
  const local = watched(localState);
  const cloud = watched(cloudState);
  let forgetIpc: (() => void) | undefined;

  function update(): void {
    local.update();
    cloud.update();
  }

  function cloudState(): TransportState {
    if (phase === 'started') return ipc.state();
    return { state: 'disconnected', reason: phase === 'idle' ? 'not started' : 'stopped' };
  }

  function localState(): TransportState {
    const [refused] = [...filters.values()].flatMap(({ refusal }) => refusal ?? []);
    if (phase !== 'started' || refused === undefined) return cloudState();
    return { state: 'disconnected', reason: refused.message };
  }

  function listen(filter: string): Filter {
    const entry: Filter = { refusal: undefined, stream: Promise.resolve({ close: async () => {} }) };
    filters.set(filter, entry);
    entry.stream = ipc.open(
      'SubscribeToTopic',
      { topic: filter },
      {
        event(message) {
          if (filters.get(filter) === entry) subscriptions.dispatch(message, filter);
        },
        opened() {
          entry.refusal = undefined;
          update();
        },
        refused(refusal) {
          entry.refusal = refusal;
          logger.error({ filter, reason: refusal.reason, detail: refusal.message }, 'a subscription was refused');
          update();
        },
      },
    );
    return entry;
  }

  /** Waits for an answer of the nucleus, but not beyond the stop. */
  function untilStopped(answer: Promise<unknown>): Promise<unknown> {
    return Promise.race([answer, stopped]);
  }

  /** Closes a stream, when the nucleus has answered it at the latest. */
  function close(stream: Promise<Stream>): Promise<unknown> {
    return untilStopped(stream.then((answered) => answered.close()));
  }

  async function send(
    operation: LocalOrCloud,
    topic: string,
    payload: string | Uint8Array,
    { qos = 1, timeoutMs }: PublishOptions = {},
  ): Promise<PublishResult> {
    // The caller may use its buffer again.
    const bytes = Buffer.from(payload);
    const refused = refusalOf({ topic, bytes: bytes.length }, maxPayloadBytes);
    if (refused !== undefined) return refused;
    if (phase === 'stopped') return { ok: false, reason: 'closed', message: 'the transport was stopped' };
    const state = (operation === 'PublishToTopic' ? local : cloud).state();
    if (state.state === 'disconnected') return { ok: false, reason: 'offline', message: state.reason };
    const options = { signal: stopping.signal, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
    const request = { topic, payload: bytes, qos };
    return resultOf(await ipc.call(operation, request, options));
  }

  async function counted(sending: Promise<PublishResult>): Promise<PublishResult> {
    const result = await sending;
    if (result.ok) counts.published += 1;
    else counts.publishFailed += 1;
    return result;
  }

  return {
    kind: 'greengrass-ipc',
    async start() {
      if (phase !== 'idle') return;
      await ipc.start();
      if (phase !== 'idle') return;
      phase = 'started';
      forgetIpc = ipc.onState(update);
      update();
    },
    async stop() {
      if (phase === 'stopped') return;
      phase = 'stopped';
      forgetIpc?.();
      stopping.abort();
      update();
      const open = [...filters.values()];
      filters.clear();
      await Promise.all(open.map(({ stream }) => close(stream)));
    },
    publish: (topic, payload, options) => counted(send('PublishToTopic', topic, payload, options)),
    cloud: {
      publish: (topic, payload, options) => send('PublishToIoTCore', topic, payload, options),
      state: cloud.state,
      onState: cloud.onState,
    },
    async subscribe(topicFilter, handler) {
      const subscriber = subscriptions.add(topicFilter, handler);
      if (phase !== 'stopped') await untilStopped((filters.get(topicFilter) ?? listen(topicFilter)).stream);
      return {
        async unsubscribe() {
          subscriptions.remove(subscriber);
          const entry = filters.get(topicFilter);
          if (entry === undefined || subscriptions.has(topicFilter)) return;
          filters.delete(topicFilter);
          update();
          await close(entry.stream);
        },
      };
    },
    state: local.state,
    onState: local.onState,
    stats: () => ({ ...counts, ...subscriptions.counts() }),
  };
}

/** A state that is told when it changes; `update` looks. */
function watched(current: () => TransportState) {
  const listeners = new Set<(state: TransportState) => void>();
  let state = current();
  return {
    state: () => state,
    onState(listener: (state: TransportState) => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    update() {
      const next = current();
      const changed = next.state !== state.state;
      state = next;
      if (!changed) return;
      for (const listener of listeners) listener(next);
    },
  };
}

function resultOf(result: CallResult<LocalOrCloud>): PublishResult {
  return result.ok ? { ok: true } : { ok: false, reason: failures[result.reason], message: result.message };
}
