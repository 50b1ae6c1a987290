import { createServer } from 'node:http';
import { Agent, request } from 'node:https';

export interface CountingProxy {
  /** `http://127.0.0.1:<port>`: what stands in front of the account. */
  url: string;
  /** Requests so far, by operation. */
  counts(): Readonly<Record<string, number>>;
  stop(): Promise<void>;
}

/** Passes requests on to the account as they came, and counts them, those that are tried again each time. */
export async function startCountingProxy(target: { host: string; port: number }): Promise<CountingProxy> {
  const counts: Record<string, number> = {};
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const server = createServer((asked, answer) => {
    const operation =
      asked.headers['x-amz-target']?.toString().split('.')[1] ??
      /\/operation\/(\w+)$/.exec(asked.url ?? '')?.[1] ??
      `${asked.method} ${serviceOf(asked.headers.authorization)}`;
    counts[operation] = (counts[operation] ?? 0) + 1;
    const passed = request(
      { ...target, agent, method: asked.method, path: asked.url, headers: asked.headers },
      (came) => {
        answer.writeHead(came.statusCode ?? 502, came.headers);
        came.pipe(answer);
      },
    );
    passed.once('error', () => answer.destroy());
    asked.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    counts: () => ({ ...counts }),
    stop: () =>
      new Promise((resolve) => {
        agent.destroy();
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** The service of a signed request, from the scope of its credentials. */
function serviceOf(authorization: string | undefined): string {
  return /Credential=[^/]+\/\d+\/[^/]+\/([^/]+)\//.exec(authorization ?? '')?.[1] ?? 'unsigned';
}

/** What was counted between two moments, by operation. */
export function countedBetween(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): Record<string, number> {
  const counted = Object.entries(after).map(([name, count]): [string, number] => [name, count - (before[name] ?? 0)]);
  return Object.fromEntries(counted.filter(([, count]) => count > 0));
}

export function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
