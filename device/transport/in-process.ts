import type { Logger } from '../platform/logger.ts';
import { createSubscriptions } from './subscriptions.ts';
import { topicProblem } from './topic-filter.ts';
import type { CountingTransport, InboundMessage, LastWill, PublishResult, TransportState } from './transport.ts';

export interface InProcessOptions {
  /** Who this is, for `disconnect` and in sentences. */
  name: string;
  maxPayloadBytes: number;
  logger: Logger;
  /** Sent to the others when this client alone is cut off. */
  will?: LastWill;
}

export interface InProcessBus {
  transport(options: InProcessOptions): CountingTransport;
  /** Takes one client off the bus, or the bus from all. What was not yet delivered to them is lost, as on a wire. */
  disconnect(name?: string): void;
  /** Undoes `disconnect`. */
  connect(name?: string): void;
}

interface Client {
  name: string;
  receive(message: InboundMessage): void;
  wants(topic: string): boolean;
  /** Looks whether the bus can be reached now. */
  update(): void;
  sendWill(): void;
}

/**
 * MQTT's publish and subscribe within one process, for simulations and tests. A message is delivered in a microtask:
 * never within the call of `publish`, and in the order in which the bus took them.
 */
export function inProcessBus(): InProcessBus {
  const clients = new Set<Client>();
  const cutOff = new Set<string>();
  let busCut = false;

  const reachable = (name: string) => !busCut && !cutOff.has(name);

  function broadcast(message: InboundMessage): void {
    for (const client of clients) {
      if (reachable(client.name) && client.wants(message.topic)) client.receive(message);
    }
  }

  function updateAll(): void {
    for (const client of clients) client.update();
  }

  return {
    transport: (options) => inProcessTransport(options, { clients, broadcast, reachable }),
    disconnect(name) {
      if (name === undefined) {
        busCut = true;
      } else if (!cutOff.has(name)) {
        const gone = [...clients].filter((client) => client.name === name && reachable(name));
        cutOff.add(name);
        for (const client of gone) client.sendWill();
      }
      updateAll();
    },
    connect(name) {
      if (name === undefined) busCut = false;
      else cutOff.delete(name);
      updateAll();
    },
  };
}

interface Bus {
  clients: Set<Client>;
  broadcast(message: InboundMessage): void;
  reachable(name: string): boolean;
}

function inProcessTransport(options: InProcessOptions, bus: Bus): CountingTransport {
  const { name, maxPayloadBytes, logger, will } = options;
  const subscriptions = createSubscriptions({ logger, maxPayloadBytes });
  const listeners = new Set<(state: TransportState) => void>();
  const counts = { published: 0, publishFailed: 0 };
  let state: TransportState = { state: 'disconnected', reason: 'not started' };
  let stopped = false;
  let inbox: InboundMessage[] = [];
  let delivering = false;

  function become(next: TransportState): void {
    const changed = next.state !== state.state;
    state = next;
    if (!changed) return;
    inbox = [];
    for (const listener of listeners) listener(next);
  }

  function deliver(): void {
    while (inbox.length > 0) {
      const batch = inbox;
      inbox = [];
      for (const message of batch) {
        if (state.state === 'connected') subscriptions.dispatch(message);
      }
    }
    delivering = false;
  }

  const client: Client = {
    name,
    wants: subscriptions.matches,
    receive(message) {
      inbox.push(message);
      if (delivering) return;
      delivering = true;
      queueMicrotask(deliver);
    },
    update() {
      become(bus.reachable(name) ? { state: 'connected' } : { state: 'disconnected', reason: 'taken off the bus' });
    },
    sendWill() {
      if (will !== undefined) bus.broadcast({ topic: will.topic, payload: Buffer.from(will.payload) });
    },
  };

  function send(topic: string, payload: string | Uint8Array): PublishResult {
    if (stopped) return { ok: false, reason: 'closed', message: `${name} has been stopped` };
    const problem = topicProblem(topic);
    if (problem !== undefined)
      return { ok: false, reason: 'failed', message: `Topic "${topic.slice(0, 200)}": ${problem}` };
    const bytes = Buffer.from(payload);
    if (bytes.length > maxPayloadBytes) {
      const message = `Message of ${bytes.length} bytes to ${topic}; at most ${maxPayloadBytes} are sent`;
      return { ok: false, reason: 'too-large', message };
    }
    if (state.state === 'disconnected') return { ok: false, reason: 'offline', message: `${name} is ${state.reason}` };
    bus.broadcast({ topic, payload: bytes });
    return { ok: true };
  }

  return {
    kind: 'in-process',
    async start() {
      if (stopped) return;
      bus.clients.add(client);
      client.update();
    },
    async stop() {
      if (stopped) return;
      stopped = true;
      bus.clients.delete(client);
      become({ state: 'disconnected', reason: 'stopped' });
    },
    async publish(topic, payload) {
      const result = send(topic, payload);
      if (result.ok) counts.published += 1;
      else counts.publishFailed += 1;
      return result;
    },
    async subscribe(topicFilter, handler) {
      const subscriber = subscriptions.add(topicFilter, handler);
      return { unsubscribe: async () => subscriptions.remove(subscriber) };
    },
    state: () => state,
    onState(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stats: () => ({ ...counts, ...subscriptions.counts() }),
  };
}
