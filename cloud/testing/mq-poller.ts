import { setTimeout as pause } from 'node:timers/promises';
import type { Client, Message } from 'stompit';
import { connectStomp, type StompAddress } from './activemq.ts';

/** A message as Lambda writes it into the event of an Amazon MQ mapping. */
interface EventMessage {
  messageID: string;
  messageType: 'jms/text-message' | 'jms/bytes-message';
  timestamp: number;
  deliveryMode: 1 | 2;
  correlationID: string | null;
  replyTo: string | null;
  destination: { physicalName: string };
  redelivered: boolean;
  type: string | null;
  expiration: number;
  priority: number;
  data: string;
  brokerInTime: number;
  brokerOutTime: number;
  properties: Record<string, string>;
}

export interface MqEvent {
  eventSource: 'aws:mq';
  eventSourceArn: string;
  messages: EventMessage[];
}

export interface MqPollerOptions {
  broker: StompAddress;
  queue: string;
  eventSourceArn: string;
  batchSize: number;
  /** How long a batch may wait to be filled. */
  windowMs?: number;
  /** Between deliveries of a batch that failed; Lambda's poller waits a second. */
  redeliveryDelayMs?: number;
  /** Calls the function. Rejects where it failed. */
  invoke(event: MqEvent): Promise<void>;
}

export interface MqPoller {
  /** Ends it after what it holds. */
  stop(): Promise<void>;
  /** Ends the connection as it stands: what is not acknowledged the broker gives to somebody else. */
  drop(): void;
  /** Why the broker ended it; undefined as long as it has not. */
  failure(): string | undefined;
}

/** ActiveMQ's default, which is also that of Lambda's poller. Source: "Troubleshoot Amazon MQ event source mapping errors", AWS Lambda Developer Guide. */
export const maximumRedeliveries = 6;

/**
 * Lambda's poller for one queue of an ActiveMQ broker, over STOMP. One batch at a time:
 *
 * | the function                  | the batch                                                                            |
 * |-------------------------------|--------------------------------------------------------------------------------------|
 * | answers                       | acknowledged, each message                                                           |
 * | fails                         | given again as a whole after a wait, `redelivered`, as a JMS client does by itself   |
 * | has failed on all deliveries  | refused, each message: the broker puts it to its dead letters                        |
 */
export async function startMqPoller(options: MqPollerOptions): Promise<MqPoller> {
  const { queue, eventSourceArn, batchSize, windowMs = 50, redeliveryDelayMs = 50, invoke } = options;
  const client = await connectStomp(options.broker);
  const held: Held[] = [];
  let isStopping = false;
  let isGone = false;
  let wake = () => {};
  let gone = () => {};
  const whenGone = new Promise<void>((resolve) => {
    gone = () => {
      isGone = true;
      wake();
      resolve();
    };
  });
  let failure: string | undefined;
  client.on('error', (error) => {
    failure = error.message;
    gone();
  });
  client.subscribe(
    {
      ...{ destination: `/queue/${queue}`, ack: 'client-individual' },
      'activemq.prefetchSize': String(batchSize),
    },
    (error, message) => {
      if (error !== null) return;
      void read(message).then((one) => {
        held.push(one);
        wake();
      });
    },
  );

  async function deliver(batch: readonly Held[]): Promise<void> {
    for (let delivery = 0; delivery <= maximumRedeliveries && !isGone; delivery += 1) {
      if (delivery > 0) await pause(redeliveryDelayMs);
      const messages = batch.map(({ event }) => ({ ...event, redelivered: event.redelivered || delivery > 0 }));
      const isDone = await invoke({ eventSource: 'aws:mq', eventSourceArn, messages }).then(
        () => true,
        () => false,
      );
      if (isDone && !isGone) return Promise.race([settle(client, 'ack', batch), whenGone]);
    }
    if (!isGone) await Promise.race([settle(client, 'nack', batch), whenGone]);
  }

  async function poll(): Promise<void> {
    while (!isGone) {
      if (held.length > 0) {
        if (held.length < batchSize) await pause(windowMs);
        await deliver(held.splice(0, batchSize));
      } else if (isStopping) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  const polling = poll();

  return {
    async stop() {
      isStopping = true;
      wake();
      await polling;
      if (!isGone) client.destroy();
    },
    drop() {
      gone();
      client.destroy();
    },
    failure: () => failure,
  };
}

interface Held {
  message: Message;
  event: EventMessage;
}

/** Headers of STOMP; all others are properties that the sender has set. */
const ownHeaders = [
  ...['ack', 'content-length', 'content-type', 'correlation-id', 'destination', 'expires', 'message-id', 'persistent'],
  ...['priority', 'receipt', 'redelivered', 'reply-to', 'subscription', 'timestamp', 'type'],
];

async function read(message: Message): Promise<Held> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(Buffer.from(chunk));
  const { headers } = message;
  const timestamp = Number(headers['timestamp'] ?? 0);
  return {
    message,
    event: {
      messageID: headers['message-id'] ?? '',
      // Of a text message ActiveMQ tells no length.
      messageType: headers['content-length'] === undefined ? 'jms/text-message' : 'jms/bytes-message',
      timestamp,
      deliveryMode: headers['persistent'] === 'true' ? 2 : 1,
      correlationID: headers['correlation-id'] ?? null,
      replyTo: headers['reply-to'] ?? null,
      destination: { physicalName: (headers['destination'] ?? '').replace('/queue/', '') },
      redelivered: headers['redelivered'] === 'true',
      type: headers['type'] ?? null,
      expiration: Number(headers['expires'] ?? 0),
      priority: Number(headers['priority'] ?? 4),
      data: Buffer.concat(chunks).toString('base64'),
      // The test's broker stamps what it takes; STOMP has no header for it.
      brokerInTime: timestamp,
      brokerOutTime: Date.now(),
      properties: Object.fromEntries(Object.entries(headers).filter(([name]) => !ownHeaders.includes(name))),
    },
  };
}

async function settle(client: Client, how: 'ack' | 'nack', batch: readonly Held[]): Promise<void> {
  await Promise.all(
    batch.map(({ message }) => new Promise<void>((onReceipt) => client[how](message, {}, { onReceipt }))),
  );
}

/**
 * Sends to a queue, and waits for the broker to have it: a string as a text message, bytes as a bytes message.
 * @param headers further ones of STOMP, and properties
 * @throws Error where the broker refuses it, which ends the connection
 */
export async function publish(
  client: Client,
  queue: string,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
): Promise<void> {
  const length = typeof body === 'string' ? {} : { 'content-length': String(body.length) };
  await new Promise<void>((onReceipt, reject) => {
    client.send({ destination: `/queue/${queue}`, ...length, ...headers }, { onReceipt, onError: reject }).end(body);
  });
}
