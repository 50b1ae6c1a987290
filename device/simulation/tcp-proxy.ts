import { connect, createServer, type Socket } from 'node:net';

/** A wire with a hand on it. */
export interface TcpProxy {
  port: number;
  /** Ends what is connected, without a word and with what is under way, and lets nobody in until `restore`. */
  cut(): void;
  /** Keeps what is connected and lets nobody's bytes through, until `cut`. */
  silence(): void;
  /** Lets connections in again; what was silenced stays so. */
  restore(): void;
  /** Connections that were let in so far. */
  connections(): number;
  stop(): Promise<void>;
}

/** TCP on loopback, from any free port to `targetPort`, for tests of what a network does. */
export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const pairs = new Set<{ near: Socket; far: Socket }>();
  let open = true;
  let connections = 0;

  // Half open, so that who was silenced is not even told that the other side has gone.
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
    near.on('error', () => {});
    if (!open) {
      near.destroy();
      return;
    }
    connections += 1;
    const far = connect({ port: targetPort, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    far.on('error', () => {});
    const pair = { near, far };
    pairs.add(pair);
    near.pipe(far).pipe(near);
    near.on('close', () => {
      pairs.delete(pair);
      far.destroy();
    });
    far.on('close', (failed) => (failed ? near.destroy() : near.end()));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();

  function cut(): void {
    open = false;
    for (const { near, far } of pairs) {
      near.destroy();
      far.destroy();
    }
  }

  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    cut,
    silence() {
      for (const { near, far } of pairs) {
        near.unpipe(far).resume();
        far.unpipe(near).resume();
      }
    },
    restore() {
      open = true;
    },
    connections: () => connections,
    stop() {
      cut();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
