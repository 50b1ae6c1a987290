import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { Aedes } from 'aedes';

/** A broker that writes down who speaks about what. Clients are told apart by the last part of their id. */
export interface RecordingBroker {
  url: string;
  /** Topics and filters by program: `monitor`, `handler`. */
  published(program: string): string[];
  subscribed(program: string): string[];
  /** The messages of a topic so far. */
  messages(topic: string): string[];
  stop(): Promise<void>;
}

export async function startRecordingBroker(): Promise<RecordingBroker> {
  const publishes: { program: string; topic: string; payload: string }[] = [];
  const subscriptions: { program: string; filter: string }[] = [];
  const programOf = (client: { id: string } | null) => client?.id.split('-').at(-1) ?? '';
  const aedes = await Aedes.createBroker({
    authorizePublish(client, { topic, payload }, done) {
      publishes.push({ program: programOf(client), topic, payload: payload.toString() });
      done();
    },
    authorizeSubscribe(client, subscription, done) {
      subscriptions.push({ program: programOf(client), filter: subscription.topic });
      done(null, subscription);
    },
  });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    aedes.handle(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the broker has no port');
  const sorted = (values: readonly string[]) => [...new Set(values)].toSorted();
  return {
    url: `mqtt://127.0.0.1:${address.port}`,
    published: (program) => sorted(publishes.filter((one) => one.program === program).map(({ topic }) => topic)),
    subscribed: (program) => sorted(subscriptions.filter((one) => one.program === program).map(({ filter }) => filter)),
    messages: (topic) => publishes.filter((one) => one.topic === topic).map(({ payload }) => payload),
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await new Promise<void>((resolve) => aedes.close(resolve));
    },
  };
}
