import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

/** Credentials that the Canvas of the tests takes. */
export const credentials = { api_key: 'key-1', api_secret: 'secret-1' };

export interface TestFile {
  table: string;
  filename: string;
  /** Lines with tabs, or bytes that are no gzip. */
  content: string | Uint8Array;
}

export interface TestCanvas {
  endpoint: string;
  /** What its list and its schema have; may change at any time. */
  files: TestFile[];
  schema: Record<string, [name: string, type: string][]>;
  /** Answers of the next requests for this file or path, before it is given: a status, or the number of bytes to cut it to. */
  troubles: Map<string, ({ status: number; retryAfter?: number } | { bytes: number })[]>;
  /** Paths that were asked for. */
  requests: string[];
  stop(): Promise<void>;
}

/** A Canvas Data on loopback: it checks signatures, and gives each file an address that is signed anew with each list. */
export async function startCanvas(port = 0): Promise<TestCanvas> {
  const server = createServer((request, response) => answer(canvas, request, response));
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? portOf(address) : port;
  const canvas: TestCanvas = {
    endpoint: `http://127.0.0.1:${bound}`,
    ...{ files: [], schema: {}, troubles: new Map(), requests: [] },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return canvas;
}

const portOf = ({ port }: AddressInfo) => port;

function answer(canvas: TestCanvas, request: IncomingMessage, response: ServerResponse): void {
  const { pathname } = new URL(request.url ?? '/', canvas.endpoint);
  canvas.requests.push(pathname);
  const trouble = canvas.troubles.get(pathname.split('/').at(-1) ?? '')?.shift();
  if (trouble !== undefined && 'status' in trouble) {
    if (trouble.retryAfter !== undefined) response.setHeader('retry-after', String(trouble.retryAfter));
    response.writeHead(trouble.status).end();
    return;
  }
  const [, kind, filename] = pathname.split('/');
  if (kind === 'files') {
    const file = canvas.files.find((one) => one.filename === filename);
    const bytes = typeof file?.content === 'string' ? gzipSync(file.content) : (file?.content ?? Buffer.alloc(0));
    response.writeHead(file === undefined ? 404 : 200, { 'content-length': bytes.length });
    if (trouble === undefined) response.end(bytes);
    // The connection breaks in the middle.
    else response.write(bytes.subarray(0, trouble.bytes), () => response.destroy());
    return;
  }
  if (!isSigned(request, pathname)) {
    response.writeHead(401).end();
    return;
  }
  const body = pathname === '/api/schema/latest' ? schemaOf(canvas) : listOf(canvas);
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function listOf({ files, endpoint }: TestCanvas) {
  return {
    schemaVersion: '4.2.0',
    incomplete: false,
    files: files.map(({ table, filename }) => ({
      table,
      filename,
      partial: false,
      url: `${endpoint}/files/${filename}?s=1`,
    })),
  };
}

function schemaOf({ schema }: TestCanvas) {
  const tables = Object.entries(schema).map(([tableName, columns]) => [
    tableName,
    { tableName, columns: columns.map(([name, type]) => ({ name, type, description: 'x' })) },
  ]);
  return { version: '4.2.0', schema: Object.fromEntries(tables) };
}

function isSigned({ headers }: IncomingMessage, path: string): boolean {
  const { api_key, api_secret } = credentials;
  const text = `GET\n${headers.host}\napplication/json\n\n${path}\n\n${headers.date}\n${api_secret}`;
  const signature = createHmac('sha256', api_secret).update(text).digest('base64');
  return headers.authorization === `HMACAuth ${api_key}:${signature}`;
}
