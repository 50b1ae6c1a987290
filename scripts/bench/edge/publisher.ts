import { once } from 'node:events';
import { createConnection } from 'node:net';
import { generate } from 'mqtt-packet';
import { access } from './access.ts';
import { nowMs } from './now.ts';

export interface Message {
  topic: string;
  payload: string;
}

/** Messages as they go over the wire, made before anything is timed. */
export interface Encoded {
  chunks: { bytes: Buffer; messages: number }[];
}

/** Publishes at QoS 1 over a bare socket, so that the load costs next to nothing beside what is measured. */
export interface Publisher {
  /** Resolves once the broker has acknowledged all. */
  publish(encoded: Encoded): Promise<void>;
  /** Sends one message now; answers the instant, see `nowMs`. */
  publishOne(message: Message): number;
  close(): void;
}

const chunkMessages = 256;
/** Far fewer than there are message ids. */
const mostUnacknowledged = 16_384;
const pubackBytes = 4;
let lastId = 0;

export function encode(messages: readonly Message[]): Encoded {
  const chunks: Encoded['chunks'] = [];
  for (let at = 0; at < messages.length; at += chunkMessages) {
    const part = messages.slice(at, at + chunkMessages);
    chunks.push({ bytes: Buffer.concat(part.map(packet)), messages: part.length });
  }
  return { chunks };
}

function packet({ topic, payload }: Message): Buffer {
  lastId = (lastId % 65_535) + 1;
  return generate({ cmd: 'publish', topic, payload, qos: 1, retain: false, dup: false, messageId: lastId });
}

/** @param port of a broker on loopback that lets `access` in */
export async function connectPublisher(port: number): Promise<Publisher> {
  const socket = createConnection({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  const client = { clientId: 'bench', clean: true, keepalive: 0, ...access, password: Buffer.from(access.password) };
  socket.write(generate({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, ...client }));
  await once(socket, 'data');
  let sent = 0;
  let acknowledged = 0;
  let wake = () => {};
  // A client that subscribes to nothing hears PUBACKs alone.
  socket.on('data', ({ length }) => {
    acknowledged += length / pubackBytes;
    wake();
  });
  const heard = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });

  return {
    async publish({ chunks }) {
      for (const { bytes, messages } of chunks) {
        while (sent - acknowledged > mostUnacknowledged) await heard();
        sent += messages;
        if (!socket.write(bytes)) await once(socket, 'drain');
      }
      while (sent > acknowledged) await heard();
    },
    publishOne(message) {
      const bytes = packet(message);
      sent += 1;
      const atMs = nowMs();
      socket.write(bytes);
      return atMs;
    },
    close: () => socket.destroy(),
  };
}
