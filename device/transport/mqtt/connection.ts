import { Socket } from 'node:net';
import { connect, type IClientOptions } from 'mqtt';
import type { Time } from '../../platform/time.ts';
import { createAskedFilters } from '../asked-filters.ts';
import type { Connection, ConnectionEvents, ConnectionFailure } from '../connection.ts';
import { createPendingPublishes, mostPending } from '../pending-publishes.ts';
import { connectionFailure } from './failure.ts';
import { packetGuard } from './packet-guard.ts';

export interface ConnectionOptions {
  client: IClientOptions;
  time: Time;
  /** Silence for this long after an unanswered publish ends the connection. */
  publishTimeoutMs: number;
  events: ConnectionEvents;
}

/**
 * A longer packet ends the connection before it fills the memory. Far above what a message may have: those that are only
 * too large are dropped without that.
 */
const longestPacketBytes = 16_777_216;

/** How long the broker may take to close the socket after DISCONNECT. */
const closeGraceMs = 1_000;

const qosOptions = { 0: { qos: 0 }, 1: { qos: 1 } } as const;

/** The life of one connection: a new MQTT.js client, which never connects a second time and keeps nothing. */
export function openConnection({ client: options, time, publishTimeoutMs, events }: ConnectionOptions): Connection {
  const address = `${options.host}:${options.port}`;
  const client = connect(options);
  const asked = createAskedFilters(ask, Number.POSITIVE_INFINITY);
  const pending = createPendingPublishes({ address, time, publishTimeoutMs, drop });
  let over = false;
  let isCorked = false;

  const withinBounds = packetGuard(longestPacketBytes);
  client.stream.on('data', (chunk: Buffer) => {
    writeTogether();
    if (withinBounds(chunk)) return;
    drop({ reason: `${address} sent a message of more than ${longestPacketBytes} bytes`, refused: false });
  });
  client.on('connect', () => {
    // Nagle's algorithm and delayed acknowledgements together cost 40 ms a message.
    if (client.stream instanceof Socket) client.stream.setNoDelay(true);
    // A publish of QoS 0 waits for room in the socket with a listener of its own.
    client.stream.setMaxListeners(mostPending.messages + 100);
    if (!over) events.up();
  });
  client.on('packetreceive', pending.heard);
  client.on('message', (topic, payload) => {
    if (!over) events.message(topic, payload);
  });
  client.on('error', (error) => drop(connectionFailure(error, address)));
  client.on('close', () => drop({ reason: `${address} ended the connection`, refused: false }));

  /** What is sent in this turn of the event loop goes out in one call of the system: acknowledgements come in crowds. */
  function writeTogether(): void {
    if (isCorked) return;
    isCorked = true;
    client.stream.cork();
    setImmediate(() => {
      isCorked = false;
      client.stream.uncork();
    });
  }

  function drop(failure: ConnectionFailure): void {
    if (over) return;
    over = true;
    pending.settleAll({ ok: false, reason: 'offline', message: `connection lost: ${failure.reason}` });
    client.end(true);
    events.down(failure);
  }

  function ask(filters: string[]): Promise<void> {
    return new Promise((resolve) => {
      const overdue = time.after(publishTimeoutMs, () =>
        drop({ reason: `${address} does not answer a subscription`, refused: false }),
      );
      client.subscribe(filters, { qos: 1 }, (error, _granted, suback) => {
        overdue.cancel();
        const refused = filters.filter((_, index) => Number(suback?.granted[index] ?? 0) >= 0x80);
        if (refused.length > 0) {
          const reason = `the broker refuses the subscription to ${refused.join(', ')}; check its access list`;
          drop({ reason, refused: true });
        } else if (error !== null) {
          drop(connectionFailure(error, address));
        }
        resolve();
      });
    });
  }

  return {
    publish({ topic, payload, qos, ...message }) {
      writeTogether();
      const ticket = pending.add(message);
      if (ticket === undefined) return;
      // The socket may keep it for a while, and the caller may use its own again.
      const body = typeof payload === 'string' ? payload : Buffer.from(payload);
      client.publish(topic, body, qosOptions[qos], (error) =>
        ticket.settle(error ? { ok: false, reason: 'failed', message: error.message } : { ok: true }),
      );
    },
    async subscribe(filters) {
      if (!over && client.connected) await asked.add(filters);
    },
    unsubscribe(filter) {
      if (over || !asked.delete(filter)) return Promise.resolve();
      return new Promise((resolve) => client.unsubscribe(filter, () => resolve()));
    },
    close() {
      if (over) return Promise.resolve();
      over = true;
      pending.settleAll({ ok: false, reason: 'closed', message: 'the transport was stopped' });
      for (const id of Object.keys(client.outgoing)) client.removeOutgoingMessage(Number(id));
      return new Promise((resolve) => {
        const timer = time.after(closeGraceMs, () => {
          client.stream.destroy();
          resolve();
        });
        client.end(!client.connected, () => {
          timer.cancel();
          resolve();
        });
      });
    },
    drop,
  };
}
