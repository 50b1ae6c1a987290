import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { Aedes, type AuthenticateError } from 'aedes';
import { listen } from '../platform/listen.ts';
import type { Logger } from '../platform/logger.ts';

export interface BrokerOptions {
  /** 0 takes any free port. */
  port: number;
  /** Passwords by user name, made for this run. Who is not in it is not let in. */
  users: Readonly<Record<string, string>>;
  logger: Logger;
  /** The option that chooses the port, for the sentence when it is taken. */
  portOption?: string;
  /** A client that sends more in one message is cut off. Default 1 MiB. */
  maxPayloadBytes?: number;
  maxConnections?: number;
  /** What becomes of a message on its way to a subscriber; without it, it is handed over at once. For brokers that err. */
  forward?: (topic: string) => Forwarding;
  /** Speak TLS. With `clientCa` a client needs a certificate of that CA, too. All PEM. */
  tls?: { cert: string; key: string; clientCa?: string };
}

/** Whether a message is handed over now, and whether it comes (again) later: lost, doubled, out of order. */
export interface Forwarding {
  now: boolean;
  againInMs?: number;
}

export interface Broker {
  url: string;
  port: number;
  /** Cuts every connection; idempotent. */
  stop(): Promise<void>;
}

const host = '127.0.0.1';

/**
 * MQTT 3.1.1 broker on loopback, for the simulated world. Nothing is kept on disk; a client that does not read for 10 s is
 * cut off, so that what waits for it is bounded.
 */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const { logger, users, maxPayloadBytes = 1_048_576 } = options;
  const passwords = new Map(Object.entries(users).map(([name, password]) => [name, digest(password)]));
  const { forward } = options;
  const aedes = await Aedes.createBroker({
    connectTimeout: 5_000,
    drainTimeout: 10_000,
    authenticate(_client, username, password, done) {
      const expected = username === undefined ? undefined : passwords.get(username);
      const known = expected !== undefined && password !== undefined && timingSafeEqual(expected, digest(password));
      done(known ? null : refusal(), known);
    },
    authorizePublish(_client, packet, done) {
      if (packet.topic.startsWith('$SYS/')) done(new Error('$SYS/ is the broker’s own'));
      else if (packet.payload.length > maxPayloadBytes) done(new Error(`more than ${maxPayloadBytes} bytes`));
      else done();
    },
    authorizeForward(client, packet) {
      const { now, againInMs } = forward?.(packet.topic) ?? { now: true };
      if (againInMs !== undefined) setTimeout(() => client.publish({ ...packet }, () => {}), againInMs).unref();
      return now ? packet : null;
    },
  });
  const clientFailed = (client: { id: string | null }, error: Error) =>
    logger.debug({ client: client.id, cause: error.message }, 'broker ended a connection');
  aedes.on('clientError', clientFailed);
  aedes.on('connectionError', clientFailed);

  const sockets = new Set<Socket>();
  const track = (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  };
  const serve = (socket: Socket) => {
    aedes.handle(socket);
  };
  const server = options.tls === undefined ? createServer({ noDelay: true }, serve) : tlsServer(options.tls, serve);
  server.on('connection', track);
  server.maxConnections = options.maxConnections ?? 100;

  const { port: wanted, portOption = 'another port' } = options;
  const port = await listen(server, { host, port: wanted, what: 'the MQTT broker', portOption }).catch(
    async (error: unknown) => {
      await new Promise<void>((resolve) => aedes.close(resolve));
      throw error;
    },
  );

  let stopping: Promise<void> | undefined;
  async function stopAll(): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await Promise.all([closed, new Promise<void>((resolve) => aedes.close(resolve))]);
  }
  return {
    url: `${options.tls === undefined ? 'mqtt' : 'mqtts'}://${host}:${port}`,
    port,
    stop() {
      stopping ??= stopAll();
      return stopping;
    },
  };
}

function tlsServer(
  { cert, key, clientCa }: NonNullable<BrokerOptions['tls']>,
  serve: (socket: Socket) => void,
): ReturnType<typeof createTlsServer> {
  const mutual = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true };
  return createTlsServer({ cert, key, noDelay: true, ...mutual }, serve);
}

function digest(password: string | Buffer): Buffer {
  return createHash('sha256').update(password).digest();
}

/** CONNACK code 4: bad user name or password. */
function refusal(): AuthenticateError {
  return Object.assign(new Error('bad user name or password'), { returnCode: 4 as const });
}
