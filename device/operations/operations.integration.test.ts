import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { type Config, configSchema } from '../config/schema.ts';
import { silentLogger } from '../platform/logger.ts';
import { manualTime } from '../platform/time.ts';
import { handlerOperations, monitorOperations } from './component-operations.ts';
import { createHttpServer, type HttpServer, type HttpServerOptions } from './http-server.ts';
import type { MonitorHealth } from './monitor-operations.ts';
import { goodHandler, goodMonitor } from './test-statuses.ts';

const servers: HttpServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function started(server: HttpServer): Promise<{ server: HttpServer; url: string }> {
  servers.push(server);
  await server.start();
  return { server, url: server.url() ?? '' };
}

const plain = (change: Partial<HttpServerOptions> = {}) =>
  createHttpServer({
    host: '127.0.0.1',
    port: 0,
    allowedHosts: ['console.example'],
    logger: silentLogger,
    name: 'the console',
    portOption: 'http.handlerPort',
    ...change,
  });

const transport = {
  state: () => ({ state: 'connected' as const }),
  stats: () => ({ published: 5, publishFailed: 1, received: 7, tooLarge: 2, handlerFailed: 0 }),
};

const config: Config = configSchema.parse({});
const refused = { atMs: 5_000, reason: 'tempLimit: found "hot", expected a number' };
const configuration = () => ({ version: 'abc', origin: () => 'default' as const, sinceMs: 4_000, refused });

function monitor(status: MonitorHealth = goodMonitor) {
  const context = { config, configuration, software: 'greengrass-itsm/1.2.3', transport, logger: silentLogger };
  return started(monitorOperations(context, { status: () => status }, manualTime(1_010_000)));
}

function handler() {
  const context = { config, configuration, software: 'greengrass-itsm/1.2.3', transport, logger: silentLogger };
  return started(handlerOperations(context, { status: () => goodHandler }));
}

/** A request with headers that `fetch` does not let through. */
function ask(
  url: string,
  options: { method?: string; path?: string; headers?: Record<string, string>; body?: string },
) {
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const { method = 'GET', path = '/', headers = {}, body } = options;
    const request = httpRequest(`${url}${path}`, { method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

describe('health', () => {
  test('answers that it lives and is ready', async () => {
    const { url } = await monitor();
    const [live, ready] = await Promise.all([fetch(`${url}/healthz`), fetch(`${url}/readyz`)]);
    expect([live.status, ready.status]).toEqual([200, 200]);
    expect(await live.json()).toEqual({
      status: 'ok',
      component: 'sensor-monitor',
      software: 'greengrass-itsm/1.2.3',
    });
    expect(await ready.json()).toEqual({ status: 'ready', component: 'sensor-monitor', reasons: [] });
  });

  test('lives with a broken sensor, but is not ready and says why', async () => {
    const { url } = await monitor({ ...goodMonitor, sensorFault: 'no chip answers.' });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    const ready = await fetch(`${url}/readyz`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toEqual({
      status: 'not-ready',
      component: 'sensor-monitor',
      reasons: ['The sensor is faulty: no chip answers.'],
    });
  });
});

describe('metrics', () => {
  test('of the monitor are what its status says at the scrape', async () => {
    const { url } = await monitor();
    const answer = await fetch(`${url}/metrics`);
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const lines = (await answer.text()).split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        '# TYPE itsm_readings_total counter',
        'itsm_readings_total{result="read"} 120',
        'itsm_readings_total{result="published"} 118',
        'itsm_readings_total{result="failed"} 2',
        'itsm_readings_total{result="dropped"} 1',
        'itsm_readings_buffered 3',
        'itsm_last_reading_timestamp_seconds 1000',
        'itsm_sensor_up 1',
        'itsm_unanswered_messages 1',
        'itsm_unreported_breaches_total 4',
        'itsm_devices 1',
        'itsm_clock_synchronised 1',
        'itsm_transport_connected 1',
        'itsm_transport_sent_messages_total{result="failed"} 1',
        'itsm_transport_received_messages_total{result="too_large"} 2',
        'itsm_build_info{software="greengrass-itsm/1.2.3"} 1',
      ]),
    );
  });

  test('of the monitor tell of AWS IoT Core where that is a destination of its own, and else nothing', async () => {
    const messages = { waiting: 3, delivered: 7, lost: 1, refusal: 'no connection' };
    const readings = { published: 90, failed: 0, dropped: 20, buffered: 8 };
    const { url } = await monitor({ ...goodMonitor, cloud: { messages, readings } });
    expect((await (await fetch(`${url}/metrics`)).text()).split('\n')).toEqual(
      expect.arrayContaining([
        'itsm_cloud_waiting_messages 3',
        'itsm_cloud_messages_total{result="delivered"} 7',
        'itsm_cloud_messages_total{result="lost"} 1',
        'itsm_cloud_refused 1',
        'itsm_cloud_readings_total{result="dropped"} 20',
      ]),
    );
    const other = await monitor();
    expect(await (await fetch(`${other.url}/metrics`)).text()).not.toMatch(/^itsm_cloud/m);
  });

  test('leave out what is not known yet', async () => {
    const { url } = await monitor({ ...goodMonitor, lastReadingAtMs: undefined });
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(text).not.toMatch(/^itsm_last_reading_timestamp_seconds/m);
    expect(text).toMatch(/^itsm_sensor_up 0$/m);
  });

  test('of the handler tell its outbox, its instance and its incidents', async () => {
    const { url } = await handler();
    const text = await (await fetch(`${url}/metrics`)).text();
    const lines = text.split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        'itsm_handler_active 1',
        'itsm_incidents_total{kind="created"} 3',
        'itsm_incidents_total{kind="dead-letter"} 0',
        'itsm_outbox_entries 2',
        'itsm_outbox_settling_seconds 1.5',
        'itsm_dead_letters 0',
        'itsm_destination_up 1',
        'itsm_anomaly_messages_total{result="malformed"} 1',
        'itsm_devices 2',
        'itsm_device_unheard_seconds 90.5',
      ]),
    );
    expect(text).not.toContain('freezer-07');
  });

  test('scraped twice are not added up', async () => {
    const { url } = await handler();
    await fetch(`${url}/metrics`);
    expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/^itsm_incidents_total\{kind="created"\} 3$/m);
  });

  test.each([
    ['monitor', monitor],
    ['handler', handler],
  ])('of the %s are named as Prometheus’ conventions have it', async (_name, start) => {
    const { url } = await start();
    expect(lint(await (await fetch(`${url}/metrics`)).text())).toEqual([]);
  });

  test('the check of names sees a bad one', () => {
    const bad = '# HELP itsm_wait_ms How long\n# TYPE itsm_wait_ms counter\nitsm_wait_ms{device_id="a"} 1\nitsm_x 1\n';
    expect(lint(bad)).toEqual([
      'itsm_wait_ms: the help text is no sentence',
      'itsm_wait_ms: a counter ends with _total, and nothing else does',
      'itsm_wait_ms: not in base units',
      'itsm_wait_ms{device_id="a"} 1: label not of a closed set',
      'itsm_x 1: no HELP and TYPE',
    ]);
  });
});

/** The rules of `promtool check metrics` that can be broken here, and this project's own about labels. */
function lint(text: string): string[] {
  const problems: string[] = [];
  const types = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, help, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (help === 'HELP' && !/^[A-Z1].*[.…]$/.test(rest)) problems.push(`${name}: the help text is no sentence`);
    if (help === 'TYPE') {
      types.set(name, rest);
      if ((rest === 'counter') !== name.endsWith('_total')) {
        problems.push(`${name}: a counter ends with _total, and nothing else does`);
      }
      if (/_(ms|milliseconds|minutes|kilobytes|mb|percent|celsius_total)(_total)?$/.test(name)) {
        problems.push(`${name}: not in base units`);
      }
      if (!/^[a-z][a-z0-9_]*$/.test(name)) problems.push(`${name}: not in snake case`);
    }
    if (line === '' || line.startsWith('#')) continue;
    const [, sample = '', labels = ''] = /^([a-z0-9_]+)(?:\{([^}]*)\})? -?[0-9.e+-]+$/.exec(line) ?? [];
    if (!types.has(sample)) problems.push(`${line}: no HELP and TYPE`);
    if (labels !== '' && !/^(result|kind|software)="[^"]*"$/.test(labels)) {
      problems.push(`${line}: label not of a closed set`);
    }
  }
  return problems;
}

describe('the HTTP server', () => {
  test('answers no host name but its own', async () => {
    const { url } = await monitor();
    const status = async (host: string) => (await ask(url, { path: '/healthz', headers: { host } })).status;
    expect([await status('evil.example'), await status('localhost:1'), await status('127.0.0.1')]).toEqual([
      421, 200, 200,
    ]);
    const { url: other } = await started(plain());
    expect((await ask(other, { headers: { host: 'console.example' } })).status).toBe(404);
  });

  test('lets no page of another origin write', async () => {
    const server = plain();
    server.app.post('/redrive', (c) => c.text('done'));
    const { url } = await started(server);
    const post = async (origin: string) =>
      (await ask(url, { method: 'POST', path: '/redrive', headers: { origin } })).status;
    expect([await post(url), await post('https://console.example')]).toEqual([200, 200]);
    expect([await post('http://127.0.0.1:1'), await post('https://evil.example'), await post('null')]).toEqual([
      403, 403, 403,
    ]);
  });

  test('gives every answer headers that keep browsers from doing harm, unless a route has its own', async () => {
    const server = plain();
    server.app.get('/page', (c) => c.html('<p>', 200, { 'Content-Security-Policy': "default-src 'self'" }));
    const { url } = await started(server);
    const [page, missing] = [await fetch(`${url}/page`), await fetch(`${url}/missing`)];
    expect(page.headers.get('content-security-policy')).toBe("default-src 'self'");
    expect(missing.status).toBe(404);
    expect(Object.fromEntries(missing.headers)).toMatchObject({
      'cache-control': 'no-store',
      'content-security-policy': expect.stringContaining("default-src 'none'"),
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
    });
  });

  test.each([
    ['declared', {}],
    ['streamed', { 'transfer-encoding': 'chunked' }],
  ])('takes no body of more than 64 KiB, %s', async (_case, headers) => {
    const server = plain();
    server.app.post('/echo', async (c) => c.text(String((await c.req.text()).length)));
    const { url } = await started(server);
    const send = (size: number) => ask(url, { method: 'POST', path: '/echo', headers, body: 'x'.repeat(size) });
    expect(await send(65_536)).toEqual({ status: 200, text: '65536' });
    expect(await send(65_537)).toEqual({ status: 413, text: 'A request has at most 65536 bytes.\n' });
  });

  test('takes no headers of more than 16 KiB', async () => {
    const { url } = await monitor();
    expect((await ask(url, { path: '/healthz', headers: { 'x-long': 'x'.repeat(17_000) } })).status).toBe(431);
  });

  test('a route that fails says nothing of its inside', async () => {
    const server = plain();
    server.app.get('/fails', () => {
      throw new Error('secret detail');
    });
    const { url } = await started(server);
    expect(await ask(url, { path: '/fails' })).toEqual({
      status: 500,
      text: 'This request failed; the log says why.\n',
    });
  });

  test('a port in use is one sentence that names the option', async () => {
    const { url } = await started(plain());
    const port = Number(new URL(url).port);
    await expect(plain({ port }).start()).rejects.toMatchObject({
      reason: 'port-in-use',
      message: `Port ${port} on 127.0.0.1 is in use: stop what listens there, or choose another port for the console with http.handlerPort.`,
    });
  });

  test('port -1 is no server', async () => {
    const { server } = await started(plain({ port: -1 }));
    expect(server.url()).toBeUndefined();
  });

  test('stops twice, and ends connections that are open', async () => {
    const { server, url } = await started(plain());
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    await new Promise<void>((resolve) => socket.once('connect', resolve));
    const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    await Promise.all([server.stop(), server.stop()]);
    await ended;
    expect(server.url()).toBeUndefined();
    await expect(fetch(url)).rejects.toThrow();
  });
});
