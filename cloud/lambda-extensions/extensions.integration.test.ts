import { createServer, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import { askAgent } from './ask-agent.ts';
import { serveConfigurations } from './config-agent-server.ts';
import type { Answered } from './configuration-cache.ts';
import { createExtensionsApi } from './extensions-api.ts';
import { runExtension } from './run-extension.ts';

/** An Extensions API that hands out these events, and notes what it is asked. */
async function startApi(events: object[]) {
  const asked: string[] = [];
  const server = createServer(async (request: IncomingMessage, response) => {
    const body = await text(request);
    const type = request.headers['lambda-extension-function-error-type'];
    const who = request.headers['lambda-extension-identifier'];
    asked.push([request.url?.replace('/2020-01-01/extension/', ''), type ?? (body === '' ? who : body)].join(' '));
    if (request.url?.endsWith('register') === true) {
      const known = request.headers['lambda-extension-name'] === 'my-extension';
      response.writeHead(known ? 200 : 403, { 'Lambda-Extension-Identifier': 'id-1' }).end('{}');
    } else if (request.url?.endsWith('next') === true) {
      const event = events.shift();
      response.writeHead(event === undefined ? 500 : 200).end(JSON.stringify(event ?? {}));
    } else response.writeHead(202).end('{"status":"OK"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return { asked, at: `127.0.0.1:${typeof address === 'object' ? address?.port : ''}` };
}

const invoke = { eventType: 'INVOKE', deadlineMs: 1, requestId: 'r1', invokedFunctionArn: 'arn', tracing: {} };
const shutdown = { eventType: 'SHUTDOWN', deadlineMs: 2, shutdownReason: 'Spindown' };

describe('an extension', () => {
  test('is started, registers, works at each invocation, and ends at the end', async () => {
    const { asked, at } = await startApi([invoke, invoke, shutdown]);
    const done: string[] = [];
    const code = await runExtension(createExtensionsApi(at, 'my-extension'), {
      async init() {
        done.push(`init after ${asked.length} calls`);
        return { ok: true };
      },
      invoke: async ({ requestId }) => void done.push(requestId),
      shutdown: async ({ shutdownReason }) => void done.push(shutdownReason),
    });
    expect(code).toBe(0);
    expect(done).toEqual(['init after 0 calls', 'r1', 'r1', 'spindown']);
    expect(asked).toEqual([
      'register {"events":["INVOKE","SHUTDOWN"]}',
      ...['event/next id-1', 'event/next id-1', 'event/next id-1'],
    ]);
  });

  test('that cannot do its work says so instead of asking for an event', async () => {
    const { asked, at } = await startApi([]);
    const code = await runExtension(createExtensionsApi(at, 'my-extension'), {
      init: async () => ({ ok: false, errorType: 'Extension.SecretUnavailable', message: 'a' }),
      shutdown: async () => undefined,
    });
    expect(code).toBe(1);
    expect(asked).toEqual(['register {"events":["SHUTDOWN"]}', 'init/error Extension.SecretUnavailable']);
  });

  test.each([
    ['whose work throws', [invoke], 'exit/error Extension.Failed'],
    ['whose events are none', [{ eventType: 'OTHER' }], 'exit/error Extension.Failed'],
    ['whose API is gone', [], 'exit/error Extension.Failed'],
  ])('%s ends the environment', async (_, events, last) => {
    const { asked, at } = await startApi(events);
    const code = await runExtension(createExtensionsApi(at, 'my-extension'), {
      init: async () => ({ ok: true }),
      invoke: async () => {
        throw new Error('a bug');
      },
      shutdown: async () => undefined,
    });
    expect([code, asked.at(-1)]).toEqual([1, last]);
  });

  test('whose name is not that of its file is refused', async () => {
    const { at } = await startApi([]);
    await expect(createExtensionsApi(at, 'other').register(['SHUTDOWN'])).rejects.toThrow('register with 403');
  });
});

describe('the agent’s port', () => {
  async function start(answer: Answered): Promise<number> {
    const server = await serveConfigurations({ get: async () => answer }, 0);
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }
  const path = { application: 'a', environment: 'e', profile: 'p' };
  const found = (content: string): Answered => ({
    ok: true,
    configuration: { content, contentType: 'application/json', version: 'v1' },
  });

  test('a configuration is answered as AppConfig has it, and read by the function', async () => {
    const port = await start(found('{"loglevel":"normal"}'));
    const answer = await fetch(`http://127.0.0.1:${port}/applications/a/environments/e/configurations/p`);
    expect(answer.headers.get('version-label')).toBe('v1');
    expect(answer.headers.get('content-type')).toBe('application/json');
    await answer.body?.cancel();
    expect(await askAgent(path, port)).toEqual({ ok: true, text: '{"loglevel":"normal"}' });
  });

  test('what it lacks, what is too large and what is not there is a reason', async () => {
    expect(await askAgent(path, await start({ ok: false, reason: 'not-found' }))).toEqual({
      ...{ ok: false, reason: 'agent-answered-404' },
    });
    expect(await askAgent(path, await start(found('x'.repeat(70_000))))).toEqual({ ok: false, reason: 'too-large' });
    expect(await askAgent(path, 1)).toEqual({ ok: false, reason: 'no-agent' });
  });

  test('a connection that ended while the environment slept costs nothing', async () => {
    let connections = 0;
    const server = createServer((_, response) => response.end('{}'));
    server.on('connection', (socket) => {
      connections += 1;
      if (connections === 1) socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    expect(await askAgent(path, port)).toEqual({ ok: true, text: '{}' });
    expect(connections).toBe(2);
  });

  test.each([
    ['POST', '/applications/a/environments/e/configurations/p', 405],
    ['GET', '/applications/a', 400],
    ['GET', '/applications/a/environments/e/configurations/..%2Fp', 400],
  ])('%s %s is refused with %d', async (method, url, status) => {
    const port = await start(found('{}'));
    const answer = await fetch(`http://127.0.0.1:${port}${url}`, { method });
    await answer.body?.cancel();
    expect(answer.status).toBe(status);
  });
});
