import { readFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { basename, extname, join } from 'node:path';

export interface TestSite {
  /** `127.0.0.1:8187` */
  host: string;
  origin: string;
  /** Paths that were asked for. */
  requests: string[];
  /** What is at a path instead of a file of `testdata/`. */
  pages: Map<string, RequestListener>;
  stop(): Promise<void>;
}

const types: Record<string, string> = { '.xml': 'application/xml; charset=utf-8', '.html': 'text/html; charset=utf-8' };

/** A site on loopback with the files of `testdata/`, in which `{{site}}` is its own address. */
export async function startSite(port = 0): Promise<TestSite> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', site.origin);
    site.requests.push(pathname);
    const page = site.pages.get(pathname);
    if (page !== undefined) {
      page(request, response);
      return;
    }
    readFile(join(import.meta.dirname, 'testdata', basename(pathname)), 'utf8').then(
      (text) => {
        const type = types[extname(pathname)] ?? 'text/plain';
        response.writeHead(200, { 'content-type': type }).end(text.replaceAll('{{site}}', site.origin));
      },
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address();
  const host = `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : port}`;
  const site: TestSite = {
    ...{ host, origin: `http://${host}`, requests: [], pages: new Map() },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return site;
}
