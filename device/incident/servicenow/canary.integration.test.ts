import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { configSchema } from '../../config/schema.ts';
import { systemTime } from '../../platform/time.ts';
import type { ServiceNowCredentials } from '../../secrets/secrets.ts';
import { createServiceNow } from './client.ts';

/** Answers every request as the test says, and may echo what it was sent: header and body. */
let server: Server;
let url = '';
let answer: (request: IncomingMessage, body: string, response: ServerResponse) => void = () => {};

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => answer(request, Buffer.concat(chunks).toString(), response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  url = typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : '';
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const password = 'canary-password"\\ü';
const clientSecret = 'canary-client-secret';
const token = 'canary-access-token';
const forbidden = ['canary', Buffer.from(`edge:${password}`).toString('base64')];

const echo = (request: IncomingMessage, body: string) =>
  JSON.stringify({ error: { message: `you sent ${request.headers.authorization}`, detail: body }, status: 'failure' });

const failures: [string, typeof answer][] = [
  ...[302, 400, 401, 403, 404, 413, 429, 500, 503].map((status): [string, typeof answer] => [
    `${status} that echoes`,
    (request, body, response) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(echo(request, body)),
  ]),
  [
    'a page that echoes',
    (request, body, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(echo(request, body)),
  ],
  [
    'a type that echoes',
    (request, _body, response) =>
      response.writeHead(200, { 'content-type': `text/x;a="${request.headers.authorization}"` }).end(),
  ],
  [
    'JSON of another shape',
    (request, body, response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(echo(request, body)),
  ],
  ['a cut connection', (request) => request.socket.destroy()],
  [
    'half an answer',
    (_request, _body, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '999' });
      response.write('{', () => response.destroy());
    },
  ],
  [
    'an answer that is too long',
    (_request, _body, response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end('x'.repeat(20_000)),
  ],
];

const secrets: [string, ServiceNowCredentials][] = [
  ['Basic', { username: 'edge', password }],
  ['OAuth', { username: 'edge', password, clientId: 'client', clientSecret }],
];
const login = (request: IncomingMessage) => request.url === '/oauth_token.do';

const cases = secrets.flatMap(([scheme, credentials]) =>
  failures.flatMap(([name, fail]) => [
    { name: `${scheme}: ${name}`, credentials, fail, failsAtLogin: false },
    ...(scheme === 'OAuth' ? [{ name: `${scheme}: login: ${name}`, credentials, fail, failsAtLogin: true }] : []),
  ]),
);

test.each(cases)('no secret in results, errors or log: $name', async ({ credentials, fail, failsAtLogin }) => {
  answer = (request, body, response) => {
    if (login(request) && !failsAtLogin) {
      const granted = { access_token: token, refresh_token: 'canary-refresh-token', expires_in: 1_799 };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(granted));
    } else fail(request, body, response);
  };
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  const config = { ...configSchema.parse({}).serviceNow, url, maxResponseBytes: 10_000 };
  const client = createServiceNow(config, {
    logger: pino({ level: 'trace' }, destination),
    time: systemTime,
    secrets: { kind: 'test', get: async () => ({ ok: true, credentials, version: 'v1' }) },
  });
  const sysId = '0'.repeat(32);
  const incident = {
    correlationId: 'a/b/c/upper',
    openedBy: sysId,
    shortDescription: 's',
    description: 'd',
    workNotes: 'n',
    severity: 'high' as const,
    site: 'a',
    deviceId: 'b',
    metric: 'c',
    rule: 'upper',
  };
  const written: unknown[] = [];
  const requests = [
    () => client.find({ correlationIds: ['a'], sysIds: [], limit: 1 }),
    () => client.findOpen({ prefix: 'a', sysIds: [], limit: 1 }),
    () => client.create(incident),
    () => client.update(sysId, { workNotes: 'n' }),
    () => client.attachmentNames(sysId),
    () => client.attach(sysId, { name: 'n', contentType: 'image/png', bytes: new Uint8Array(3) }),
  ];
  for (const request of requests) {
    written.push(await request());
    written.push(await client.reauthenticate());
  }
  await client.close();
  written.push(await client.create(incident));

  const everything = JSON.stringify(written) + lines.join('');
  expect(lines.length).toBeGreaterThanOrEqual(requests.length);
  expect(written.filter((result) => JSON.stringify(result).includes('"ok":false')).length).toBeGreaterThan(
    requests.length,
  );
  for (const text of forbidden) expect(everything).not.toContain(text);
});
