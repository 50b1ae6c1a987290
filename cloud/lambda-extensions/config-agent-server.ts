import { createServer, type Server } from 'node:http';
import type { ConfigurationCache } from './configuration-cache.ts';
import { configurationPath } from './contract.ts';

const route = /^\/applications\/([^/?]+)\/environments\/([^/?]+)\/configurations\/([^/?]+)$/;
const statuses = { 'not-found': 404, unavailable: 502, 'too-many': 429 } as const;

/** The HTTP side of the agent, as AWS's own has it: `GET /applications/A/environments/E/configurations/C`. Loopback only. */
export function serveConfigurations(cache: ConfigurationCache, port: number): Promise<Server> {
  const server = createServer({ requestTimeout: 5_000, maxHeaderSize: 8_192 }, (request, response) => {
    const answer = (status: number, body: string, headers: Record<string, string> = {}) =>
      response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(body);
    const refuse = (status: number, Message: string) => answer(status, JSON.stringify({ Message }));
    const [application = '', environment = '', profile = ''] = route.exec(request.url ?? '')?.slice(1) ?? [];
    const path = configurationPath.safeParse(`${application}/${environment}/${profile}`);
    if (request.method !== 'GET') return void refuse(405, 'Only GET is answered.');
    if (!path.success) return void refuse(400, 'Ask for /applications/A/environments/E/configurations/C.');
    void cache.get(path.data).then((found) => {
      if (!found.ok) return refuse(statuses[found.reason], `The configuration cannot be had: ${found.reason}.`);
      const { content, contentType, version } = found.configuration;
      return answer(200, content, {
        'Content-Type': contentType,
        ...(version === undefined ? {} : { 'Version-Label': version }),
      });
    });
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
