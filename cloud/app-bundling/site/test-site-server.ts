import { createServer } from 'node:http';

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css',
  png: 'image/png',
};

export interface SiteServer {
  url: string;
  stop(): Promise<void>;
}

export function contentTypeOf(path: string): string {
  return types[path.split('.').at(-1) ?? ''] ?? 'application/octet-stream';
}

/** Serves a site on loopback as its distribution does: `index.html` for the top, `404.html` for what is not there. */
export async function serveSite(read: (path: string) => Promise<Uint8Array | undefined>): Promise<SiteServer> {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const path = pathname === '/' ? 'index.html' : decodeURIComponent(pathname.slice(1));
    const content = await read(path);
    response.writeHead(content === undefined ? 404 : 200, {
      'content-type': content === undefined ? 'text/html; charset=utf-8' : contentTypeOf(path),
      'x-content-type-options': 'nosniff',
    });
    response.end(content ?? (await read('404.html')));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no address');
  return {
    url: `http://127.0.0.1:${address.port}`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
