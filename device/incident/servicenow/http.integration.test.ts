import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type ManualTime, manualTime, systemTime } from '../../platform/time.ts';
import { createHttp, type Http, type HttpOptions } from './http.ts';

const open: { close: () => void }[] = [];
afterEach(() => {
  for (const one of open.splice(0).reverse()) one.close();
});

async function port(server: Server | TcpServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  open.push({
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  });
  const address: AddressInfo | string | null = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function client(change: Partial<HttpOptions> = {}): Http {
  const http = createHttp({ timeoutMs: 10_000, maxResponseBytes: 1_000, ca: undefined, time: systemTime, ...change });
  open.push(http);
  return http;
}

const get = (url: string) => ({ method: 'GET' as const, url, headers: { authorization: 'Basic canary' } });

/** A TCP server that does what the test says with each connection; `connections` counts them. */
async function tcp(onConnection: (socket: Socket) => void) {
  const state = { connections: 0, url: '' };
  const server = createTcpServer((socket) => {
    state.connections += 1;
    socket.on('error', () => {});
    onConnection(socket);
  });
  state.url = `http://127.0.0.1:${await port(server)}/`;
  return state;
}

/** Turns the clock once the server has seen the connection. */
async function timeOut(time: ManualTime, peer: { connections: number }): Promise<void> {
  await expect.poll(() => peer.connections).toBe(1);
  time.advance(10_000);
}

describe('exchanges', () => {
  test('answers of any status are given, without following redirects', async () => {
    const server = createServer((request, response) => {
      if (request.url === '/') response.writeHead(302, { location: '/else', 'retry-after': '3' }).end('moved');
      else response.writeHead(200).end('else');
    });
    const url = `http://127.0.0.1:${await port(server)}/`;
    expect(await client().send(get(url))).toMatchObject({
      kind: 'answered',
      status: 302,
      body: 'moved',
      retryAfter: '3',
    });
  });

  test('a proxy of the environment is not used', async () => {
    const server = createServer((_request, response) => response.end('direct'));
    const url = `http://127.0.0.1:${await port(server)}/`;
    process.env['http_proxy'] = 'http://127.0.0.1:9';
    try {
      expect(await client().send(get(url))).toMatchObject({ kind: 'answered', body: 'direct' });
    } finally {
      delete process.env['http_proxy'];
    }
  });

  test('connections are kept and used again', async () => {
    let connections = 0;
    const server = createServer((_request, response) => response.end('{}'));
    server.on('connection', () => {
      connections += 1;
    });
    const url = `http://127.0.0.1:${await port(server)}/`;
    const http = client();
    for (let i = 0; i < 3; i += 1) await http.send(get(url));
    expect(connections).toBe(1);
  });

  test('an answer that is too long is given up', async () => {
    const server = createServer((_request, response) => response.end('x'.repeat(5_000)));
    const url = `http://127.0.0.1:${await port(server)}/`;
    expect(await client().send(get(url))).toMatchObject({ kind: 'failed', connected: true });
  });

  test('what has no connection was not sent', async () => {
    const closed = createTcpServer();
    const free = await port(closed);
    await new Promise((resolve) => closed.close(resolve));
    expect(await client().send(get(`http://127.0.0.1:${free}/`))).toEqual({
      kind: 'failed',
      code: 'ECONNREFUSED',
      connected: false,
    });
  });

  test.each<[string, (socket: Socket) => void]>([
    ['before any answer', (socket) => socket.once('data', () => socket.destroy())],
    ['by a reset', (socket) => socket.once('data', () => socket.resetAndDestroy())],
    [
      'in the middle of the answer',
      (socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"result"')),
    ],
    ['by something that is no HTTP', (socket) => socket.once('data', () => socket.end('nonsense\r\n\r\n'))],
  ])('a connection cut %s leaves the end open', async (_, onConnection) => {
    const peer = await tcp(onConnection);
    expect(await client().send(get(peer.url))).toMatchObject({ kind: 'failed', connected: true });
  });

  test.each<[string, (socket: Socket) => void]>([
    ['no answer', () => {}],
    [
      'an answer that never ends',
      (socket) => socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{')),
    ],
  ])('the time-out covers %s', async (_, onConnection) => {
    const time = manualTime();
    const peer = await tcp(onConnection);
    const sending = client({ time }).send(get(peer.url));
    await timeOut(time, peer);
    expect(await sending).toEqual({ kind: 'failed', code: 'TIMEOUT', connected: true });
  });

  test('a connection that never comes to TLS sent nothing', async () => {
    const time = manualTime();
    const peer = await tcp(() => {});
    const sending = client({ time }).send(get(peer.url.replace('http:', 'https:')));
    await timeOut(time, peer);
    expect(await sending).toEqual({ kind: 'failed', code: 'TIMEOUT', connected: false });
  });

  test('closing ends what is under way, and what comes after', async () => {
    const peer = await tcp(() => {});
    const http = client();
    const sending = http.send(get(peer.url));
    await expect.poll(() => peer.connections).toBe(1);
    http.close();
    expect(await sending).toMatchObject({ kind: 'failed', code: 'CLOSED' });
    expect(await http.send(get(peer.url))).toEqual({ kind: 'failed', code: 'CLOSED', connected: false });
  });

  test('a request that cannot be made is a bug, told without its headers', async () => {
    const sending = client().send({ ...get('nonsense://x/'), headers: { authorization: 'Basic canary' } });
    await expect(sending).rejects.toThrow(/^GET cannot be sent: ERR_/);
  });
});

const hasOpenssl = (() => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

describe('TLS', () => {
  test('an address that speaks no TLS is told apart', async () => {
    const server = createServer((_request, response) => response.end('{}'));
    const outcome = await client().send(get(`https://127.0.0.1:${await port(server)}/`));
    expect(outcome).toMatchObject({
      kind: 'failed',
      connected: false,
      code: expect.stringMatching(/^(EPROTO|ERR_SSL_)/),
    });
  });

  test.skipIf(!hasOpenssl)('a certificate is trusted by its CA alone, and for its own names', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tls-'));
    open.push({ close: () => rmSync(folder, { recursive: true }) });
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-days',
        '2',
        '-subj',
        '/CN=test',
        '-addext',
        'subjectAltName=IP:127.0.0.1',
        '-keyout',
        key,
        '-out',
        cert,
      ],
      { stdio: 'ignore' },
    );
    let requests = 0;
    const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_request, response) => {
      requests += 1;
      response.end('{}');
    });
    const at = await port(server);
    const ca = readFileSync(cert, 'utf8');
    expect(await client({ ca }).send(get(`https://127.0.0.1:${at}/`))).toMatchObject({ kind: 'answered', status: 200 });
    expect(await client().send(get(`https://127.0.0.1:${at}/`))).toMatchObject({
      code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
      connected: false,
    });
    expect(await client({ ca }).send(get(`https://localhost:${at}/`))).toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
      connected: false,
    });
    expect(requests).toBe(1);
  });
});
