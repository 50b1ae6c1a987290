import type { Time, Timer } from '../platform/time.ts';

export interface EventStreamsOptions {
  time: Time;
  /** Browsers that may listen at a time, default 32. */
  mostClients?: number;
  /** Between two heartbeats, by which a page sees that its stream is alive. Default 15 s. */
  heartbeatMs?: number;
}

/**
 * Server-sent events to a bounded number of pages.
 *
 * A client is open → closed: by itself, by `stop`, or because it does not read (more than `mostUnreadChunks` wait).
 * Nothing is replayed: a page that comes back reads its data anew.
 */
export interface EventStreams {
  /**
   * A stream that begins with `first`; 503 where too many are open.
   * @param isWelcome asked at each heartbeat; a client that is not welcome any more (its session has ended) is closed
   */
  open(first: readonly ServerEvent[], isWelcome?: () => boolean): Response;
  /** To all that are open. */
  send(event: ServerEvent): void;
  clients(): number;
  /** Ends every stream; later ones are refused. Idempotent. */
  stop(): void;
}

export interface ServerEvent {
  /** `heartbeat` is taken. */
  name: string;
  /** Sent as JSON. */
  data: unknown;
}

interface Client {
  write(chunk: Uint8Array): void;
  close(): void;
  isWelcome: () => boolean;
}

const mostUnreadChunks = 256;
const encoder = new TextEncoder();
const encoded = ({ name, data }: ServerEvent) => encoder.encode(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);

export function createEventStreams(options: EventStreamsOptions): EventStreams {
  const { time, mostClients = 32, heartbeatMs = 15_000 } = options;
  const clients = new Set<Client>();
  let timer: Timer | undefined;
  let stopped = false;

  const writeAll = (chunk: Uint8Array) => {
    for (const client of [...clients]) client.write(chunk);
  };

  /** Runs while somebody listens. */
  function keepBeating(): void {
    timer ??= time.after(heartbeatMs, () => {
      timer = undefined;
      for (const client of [...clients]) if (!client.isWelcome()) client.close();
      if (clients.size === 0) return;
      writeAll(encoded({ name: 'heartbeat', data: null }));
      keepBeating();
    });
  }

  return {
    open(first, isWelcome = () => true) {
      if (stopped || clients.size >= mostClients) {
        return new Response(`At most ${mostClients} pages can follow this server at a time; close some of them.\n`, {
          status: 503,
          headers: { 'Content-Type': 'text/plain; charset=utf-8', 'Retry-After': '30' },
        });
      }
      let client: Client | undefined;
      const body = new ReadableStream<Uint8Array>(
        {
          start(controller) {
            const close = () => {
              if (client === undefined || !clients.delete(client)) return;
              controller.close();
            };
            client = {
              isWelcome,
              close,
              write(chunk) {
                if ((controller.desiredSize ?? 0) <= 0) close();
                else controller.enqueue(chunk);
              },
            };
            clients.add(client);
            for (const event of first) client.write(encoded(event));
            keepBeating();
          },
          cancel() {
            if (client !== undefined) clients.delete(client);
          },
        },
        { highWaterMark: mostUnreadChunks },
      );
      return new Response(body, {
        headers: {
          'Content-Type': 'text/event-stream; charset=utf-8',
          'Cache-Control': 'no-store',
          'X-Accel-Buffering': 'no',
          'X-Content-Type-Options': 'nosniff',
        },
      });
    },
    send: (event) => writeAll(encoded(event)),
    clients: () => clients.size,
    stop() {
      stopped = true;
      timer?.cancel();
      for (const client of [...clients]) client.close();
    },
  };
}
