import { createServer } from 'node:http';
import { request } from 'node:https';
import { pipeline } from 'node:stream';

export interface KeySetProxy {
  url: string;
  stop(): Promise<void>;
}

/**
 * Authorisers of the account fetch the keys of its own user pools over plain HTTP, which the account does not speak, and
 * would refuse every token. As their HTTP proxy this fetches the keys over TLS, and nothing else.
 * @param port of loopback; 0 takes any
 * @param account https://127.0.0.1:4566
 * @param authority certificate authority of the account, PEM
 */
export async function startKeySetProxy(port: number, account: string, authority: Buffer): Promise<KeySetProxy> {
  const server = createServer((asked, answer) => {
    const { pathname } = new URL(asked.url ?? '/', account);
    if (asked.method !== 'GET' || !pathname.endsWith('/.well-known/jwks.json')) {
      answer.writeHead(403).end();
      return;
    }
    const fetched = request(new URL(pathname, account), { ca: authority, agent: false, timeout: 5_000 }, (keys) => {
      answer.writeHead(keys.statusCode ?? 502, { 'content-type': 'application/json' });
      pipeline(keys, answer, () => undefined);
    });
    fetched.once('timeout', () => fetched.destroy());
    fetched.once('error', () => answer.writeHead(502).end());
    fetched.end();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
