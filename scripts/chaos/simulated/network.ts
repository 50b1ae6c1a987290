import type { ManualTime } from '../../../device/platform/time.ts';
import { topicMatcher } from '../../../device/transport/topic-filter.ts';
import type { InboundMessage, PublishResult, Transport, TransportState } from '../../../device/transport/transport.ts';
import type { Life } from './life.ts';

/** How the broker treats messages: probabilities, and how far they may overtake each other. */
export interface NetworkWeather {
  loss: number;
  duplicates: number;
  /** The acknowledgement of a publish is lost, though the message may have arrived. */
  ackLoss: number;
  longestDelayMs: number;
}

export const fairWeather: NetworkWeather = { loss: 0, duplicates: 0, ackLoss: 0, longestDelayMs: 20 };

const publishTimeoutMs = 10_000;
const leastDelayMs = 2;

interface Client {
  subscriptions: Set<{ matches: (topic: string) => boolean; handle: (message: InboundMessage) => void }>;
  setConnected(isConnected: boolean): void;
}

/** A broker and the way to it, which loses, doubles and delays, each message by chance. */
export interface Network {
  weather: NetworkWeather;
  transport(name: string, life: Life): Transport;
  /** Cuts one client off, or all. */
  setOnline(name: string, isOnline: boolean): void;
  /** Messages that went astray or came twice. */
  faults(): number;
}

export function createNetwork(time: ManualTime, random: () => number): Network {
  const clients = new Map<string, Client>();
  const offline = new Set<string>();
  let faults = 0;

  const happens = (probability: number) => {
    const does = probability > 0 && random() < probability;
    if (does) faults += 1;
    return does;
  };
  const delayMs = () => leastDelayMs + Math.floor(random() * network.weather.longestDelayMs);

  function deliver(topic: string, payload: Uint8Array): void {
    for (const [name, client] of clients) {
      for (const subscription of client.subscriptions) {
        if (!subscription.matches(topic)) continue;
        const copies = happens(network.weather.loss) ? 0 : happens(network.weather.duplicates) ? 2 : 1;
        for (let copy = 0; copy < copies; copy += 1) {
          time.after(delayMs(), () => {
            if (!offline.has(name) && client.subscriptions.has(subscription)) subscription.handle({ topic, payload });
          });
        }
      }
    }
  }

  function acknowledged(): Promise<PublishResult> {
    const isLost = happens(network.weather.ackLoss);
    const result: PublishResult = isLost ? { ok: false, reason: 'timeout', message: 'no PUBACK' } : { ok: true };
    return new Promise((resolve) => {
      time.after(isLost ? publishTimeoutMs : delayMs(), () => resolve(result));
    });
  }

  const network: Network = {
    weather: fairWeather,
    faults: () => faults,
    setOnline(name, isOnline) {
      // Who was connected all along hears nothing: what a reconnection makes good is not made good by it.
      if (isOnline !== offline.has(name)) return;
      if (isOnline) offline.delete(name);
      else offline.add(name);
      clients.get(name)?.setConnected(isOnline);
    },
    transport(name, life) {
      const subscriptions: Client['subscriptions'] = new Set();
      const listeners = new Set<(state: TransportState) => void>();
      const stateNow = (): TransportState =>
        offline.has(name) ? { state: 'disconnected', reason: 'cut off' } : { state: 'connected' };
      clients.set(name, {
        subscriptions,
        setConnected() {
          for (const listener of listeners) listener(stateNow());
        },
      });

      return {
        kind: 'simulated',
        start: async () => {},
        stop: async () => {},
        state: stateNow,
        onState(listener) {
          const heard = life.hear(listener);
          listeners.add(heard);
          return () => listeners.delete(heard);
        },
        async publish(topic, payload) {
          life.cross({ port: 'publish', when: 'before' });
          if (life.isOver()) return life.answer(Promise.resolve({ ok: true }));
          if (offline.has(name)) return { ok: false, reason: 'offline', message: 'cut off' };
          // A reading that nobody hears costs the world nothing.
          const isHeard = [...clients.values()].some((client) =>
            [...client.subscriptions].some((subscription) => subscription.matches(topic)),
          );
          if (!isHeard) return { ok: true };
          deliver(topic, Buffer.from(payload));
          life.cross({ port: 'publish', when: 'after' });
          return life.answer(acknowledged());
        },
        async subscribe(filter, handler) {
          const subscription = { matches: topicMatcher(filter), handle: life.hear(handler) };
          subscriptions.add(subscription);
          return { unsubscribe: async () => void subscriptions.delete(subscription) };
        },
      };
    },
  };
  return network;
}
