import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { createHttpServer } from '../operations/http-server.ts';
import { silentLogger } from '../platform/logger.ts';
import { isoUtc, manualTime } from '../platform/time.ts';
import { inProcessBus } from '../transport/in-process.ts';
import { topics } from '../transport/topics.ts';
import { createConsole } from './console.ts';
import { configurationInForce, deadLetters, deviceSeries, liveValues, overview } from './contract.ts';
import { startMs, testBreach, testConfig, testHandler } from './test-handler.ts';
import { consoleToken } from './token.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

interface Asked {
  method?: string;
  host?: string;
  origin?: string;
  token?: string;
  cookie?: string;
  body?: unknown;
}

async function setUp(change: Parameters<typeof testConfig>[0] = () => {}) {
  const config = testConfig((given) => {
    given.http.allowedHosts = ['console.example'];
    change(given);
  });
  const dataDir = mkdtempSync(join(tmpdir(), 'console-'));
  cleanUps.push(() => rmSync(dataDir, { recursive: true }));
  const time = manualTime(startMs);
  const handler = testHandler();
  const bus = inProcessBus();
  const of = (name: string) => bus.transport({ name, maxPayloadBytes: 64_000, logger: silentLogger });
  const [transport, device] = [of('handler'), of('monitor')];
  await transport.start();
  await device.start();
  const server = createHttpServer({
    ...{ host: '127.0.0.1', port: 0, allowedHosts: config.http.allowedHosts, logger: silentLogger },
    ...{ name: 'the console', portOption: 'http.handlerPort' },
  });
  const token = consoleToken(dataDir);
  const console = createConsole(server.app, {
    ...{ config, handler, transport, topics: topics(config.topics), dataDir, token, time, deliveryTime: time },
    configuration: {
      config,
      status: () => ({
        ...{ version: 'abc', sinceMs: 1_000, refused: { atMs: 2_000, reason: 'tempLimit: found "hot"' } },
        origin: (path) => (path === 'site' ? 'file' : 'default'),
      }),
    },
    ...{ software: 'greengrass-itsm/1.2.3', logger: silentLogger },
  });
  await console.start();
  await server.start();
  cleanUps.push(
    () => transport.stop(),
    () => device.stop(),
    console.stop,
    server.stop,
  );
  const url = server.url() ?? '';

  /** With headers that `fetch` does not let through. */
  function ask(path: string, { method = 'GET', host, origin, token: shown, cookie, body }: Asked = {}) {
    const headers = {
      ...(host === undefined ? {} : { host }),
      ...(origin === undefined ? {} : { origin }),
      ...(shown === undefined ? {} : { authorization: `Bearer ${shown}` }),
      ...(cookie === undefined ? {} : { cookie }),
    };
    return new Promise<{ status: number; text: string; cookies: string[] }>((resolve, reject) => {
      const request = httpRequest(`${url}${path}`, { method, headers, agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text, cookies: response.headers['set-cookie'] ?? [] }),
        );
      });
      request.on('error', reject);
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
  const json = async (path: string, asked?: Asked): Promise<unknown> => JSON.parse((await ask(path, asked)).text);

  /** Publishes, and waits until the console has it. */
  async function publish(topic: string, message: unknown): Promise<void> {
    await device.publish(topic, typeof message === 'string' ? message : JSON.stringify(message));
    await new Promise((resolve) => setImmediate(resolve));
  }
  const clock = () => ({ bootId: 'boot', monotonicMs: 1, clockSynchronised: true, clockSource: 'none' });
  let seq = 0;
  const read = (metrics: Record<string, number>, deviceId = 'pi') =>
    publish('IoTBlog/sensorData', {
      ...{ version: 1, site: 'home', deviceId, ts: isoUtc(time.wallMs()), seq: seq++, metrics, ...clock() },
    });
  const beat = (sensor: string, deviceId = 'pi') =>
    publish(`IoTBlog/status/${deviceId}`, {
      ...{ version: 1, kind: 'heartbeat', site: 'home', deviceId, at: isoUtc(time.wallMs()), ...clock() },
      ...{ installationId: 'c'.repeat(32), installationCreatedAt: isoUtc(0), lastReadingAt: null, sensor },
    });

  /** Follows the events; `next` waits for one of this name. */
  async function follow() {
    const abort = new AbortController();
    const response = await fetch(`${url}/api/events`, { signal: abort.signal });
    const reader = (response.body ?? new ReadableStream<Uint8Array>()).pipeThrough(new TextDecoderStream()).getReader();
    cleanUps.push(() => abort.abort());
    let rest = '';
    async function next(name: string): Promise<unknown> {
      for (;;) {
        const end = rest.indexOf('\n\n');
        if (end < 0) {
          const { done, value } = await reader.read();
          if (done) throw new Error(`the stream ended before ${name}`);
          rest += value;
          continue;
        }
        const [event = '', data = ''] = rest.slice(0, end).split('\n');
        rest = rest.slice(end + 2);
        if (event === `event: ${name}`) return JSON.parse(data.slice('data: '.length));
      }
    }
    return { status: response.status, next, close: () => abort.abort() };
  }
  return { config, dataDir, time, handler, token, url, ask, json, publish, read, beat, follow };
}

const change = { method: 'POST', body: { ids: 'all' } };
const redrivePath = '/api/dead-letters/redrive';

describe('what the console tells', () => {
  test('a device by its readings, heartbeat, limits and rules', async () => {
    const { read, beat, json } = await setUp();
    await read({ temperature: 21.5, humidity: 55 });
    await beat('ok');
    const told = overview.parse(await json('/api/overview'));
    expect(told.devices).toMatchObject([
      {
        ...{ site: 'home', deviceId: 'pi', sensor: 'ok', clockSynchronised: true, lastReadingAtMs: startMs },
        metrics: [
          { metric: 'temperature', unit: '°C', value: 21.5, upper: 30, deadband: 0.5, rules: [{ state: 'ok' }] },
          { metric: 'humidity', unit: '%RH', value: 55, upper: 50, deadband: 2, rules: [{ state: 'pending' }] },
        ],
      },
    ]);
    expect(told.outbox).toMatchObject({ waiting: 2, oldestAgeMs: 90_000, deadLetters: 0 });
  });

  test('a breach with its incident', async () => {
    const { handler, json } = await setUp();
    const breach = testBreach();
    handler.occurrences.push(breach);
    const told = overview.parse(await json('/api/overview'));
    expect(told.breaches).toMatchObject([
      { id: breach.id, incident: { number: 'INC0010001', url: `http://127.0.0.1:8088/incident/${'a'.repeat(32)}` } },
    ]);
  });

  test('curves with as many points as were asked for', async () => {
    const { read, json, time } = await setUp();
    for (let index = 0; index < 100; index += 1) {
      await read({ temperature: index === 50 ? 99 : 20 });
      time.advance(1_000);
    }
    const path = `/api/series?site=home&device=pi&from=${startMs}&to=${startMs + 100_000}&points=10`;
    const [curve] = deviceSeries.parse(await json(path)).series;
    expect(curve?.points.length).toBeLessThanOrEqual(11);
    expect(Math.max(...(curve?.points ?? []).map(([, , max]) => max))).toBe(99);
  });

  test('dead letters with their breaches', async () => {
    const { handler, json } = await setUp();
    const breach = testBreach();
    handler.occurrences.push(breach);
    handler.letters.push({
      ...{ id: 7, correlationId: breach.correlationId, occurrenceId: breach.id, kind: 'open', state: 'dead' },
      ...{ dueAtMs: null, attempts: 3, error: 'caller is mandatory' },
    });
    expect(deadLetters.parse(await json('/api/dead-letters'))).toMatchObject([
      { id: 7, kind: 'open', attempts: 3, error: 'caller is mandatory', breach: { id: breach.id } },
    ]);
  });

  test('each field of the configuration with its layer, and no password of a URL', async () => {
    const { json } = await setUp((config) => {
      config.transport.mqtt.url = 'mqtts://user:hunter2@broker.example:8883';
    });
    const { fields, version, ...when } = configurationInForce.parse(await json('/api/configuration'));
    expect(when).toEqual({ sinceMs: 1_000, refused: { atMs: 2_000, reason: 'tempLimit: found "hot"' } });
    const of = (path: string) => fields.find((field) => field.path === path);
    expect(version).toBe('abc');
    expect(of('site')).toMatchObject({ value: 'home', layer: 'file' });
    expect(of('thresholds.humidity.upper')).toMatchObject({ value: '50', layer: 'default' });
    expect(of('transport.mqtt.url')?.value).toBe('mqtts://…@broker.example:8883');
    expect(JSON.stringify(fields)).not.toContain('hunter2');
  });

  test('nothing of what does not fit: hostile payloads, devices that are not served', async () => {
    const { read, publish, json } = await setUp((config) => {
      config.handler.devices = ['pi'];
    });
    await read({ temperature: 1 }, 'stranger');
    await publish('IoTBlog/sensorData', '{"version":1');
    await publish('IoTBlog/sensorData', { version: 1, site: 'home', deviceId: 'pi' });
    await publish('IoTBlog/sensorData', ' '.repeat(9_000));
    await publish('IoTBlog/status/pi', { version: 1, kind: 'heartbeat' });
    expect(overview.parse(await json('/api/overview')).devices).toEqual([]);
  });

  test.each([
    ['a device that is not there', 'site=home&device=nobody&from=1&to=2', 404],
    ['a stretch that ends before it begins', 'site=home&device=pi&from=2&to=1', 400],
    ['an instant that is none', 'site=home&device=pi&from=x&to=2', 400],
    ['too many points', 'site=home&device=pi&from=1&to=2&points=100000', 400],
  ])('a sentence about %s', async (_case, query, status) => {
    const { ask } = await setUp();
    const answer = await ask(`/api/series?${query}`);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text)).toEqual({ error: expect.stringMatching(/\.$/) });
  });
});

describe('who may', () => {
  test('read: this machine by a loopback name, and nobody who comes under another name', async () => {
    const { ask } = await setUp();
    const from = async (host: string) => (await ask('/api/overview', { host })).status;
    expect(await from('127.0.0.1:8089')).toBe(200);
    expect(await from('localhost')).toBe(200);
    expect(await from('rebound.example')).toBe(421);
    expect(await from('console.example')).toBe(401);
  });

  test('read from elsewhere: with the token, and then with the cookie that it gave', async () => {
    const { ask, token } = await setUp();
    const host = 'console.example';
    expect((await ask('/api/overview', { host, token })).status).toBe(200);
    const { cookies } = await ask('/api/session', { method: 'POST', host, token });
    const [cookie = ''] = (cookies[0] ?? '').split(';');
    expect(cookies[0]).toMatch(/; HttpOnly; SameSite=Strict/);
    expect(cookie).not.toContain(token);
    expect((await ask('/api/overview', { host, cookie })).status).toBe(200);
    expect((await ask('/api/overview', { host, cookie: `${cookie}x` })).status).toBe(401);
  });

  test('change: who shows the token, on loopback too; the reader’s cookie does not', async () => {
    const { ask, token, handler } = await setUp();
    const { cookies } = await ask('/api/session', { method: 'POST', token });
    const cookie = cookies[0]?.split(';')[0] ?? '';
    for (const shown of [{}, { token: '' }, { token: `${token}x` }, { token: token.slice(1) }, { cookie }]) {
      const refused = await ask(redrivePath, { ...change, ...shown });
      expect(refused.status).toBe(401);
      expect(refused.text).toContain('console-token');
    }
    expect(handler.redriven).toEqual([]);
    expect((await ask(redrivePath, { ...change, token })).status).toBe(200);
    expect(handler.redriven).toEqual(['all']);
  });

  test('change: no page of another origin, even with the token', async () => {
    const { ask, token, handler, url } = await setUp();
    const from = async (origin: string) => (await ask(redrivePath, { ...change, token, origin })).status;
    expect(await from('https://evil.example')).toBe(403);
    expect(await from('http://127.0.0.1:1')).toBe(403);
    expect(handler.redriven).toEqual([]);
    expect(await from(url)).toBe(200);
  });

  test.each([
    ['an empty list', { ids: [] }],
    ['what are no ids', { ids: ['1; drop'] }],
    ['nothing', undefined],
  ])('redrive refuses %s', async (_case, body) => {
    const { ask, token } = await setUp();
    expect((await ask(redrivePath, { method: 'POST', token, body })).status).toBe(400);
  });
});

describe('silences', () => {
  const wanted = { site: 'home', deviceId: 'pi', metric: 'humidity', rule: 'upper' };
  const request = { ...wanted, author: 'Ann', reason: 'window open', durationMs: 3_600_000 };

  test('are set with author, reason and end, listed, and ended', async () => {
    const { ask, json, token } = await setUp();
    const set = await ask('/api/silences', { method: 'POST', token, body: request });
    expect(set.status).toBe(201);
    const silence = { ...wanted, author: 'Ann', reason: 'window open', endsAtMs: startMs + 3_600_000 };
    expect(overview.parse(await json('/api/overview')).silences).toMatchObject([silence]);
    const end = () => ask('/api/silences/0badf00d', { method: 'DELETE', token });
    expect([(await end()).status, (await end()).status]).toEqual([200, 404]);
    expect(overview.parse(await json('/api/overview')).silences).toEqual([]);
  });

  test.each([
    ['no author', { author: ' ' }, /author/],
    ['no reason', { reason: '' }, /reason/],
    ['no rule of ours', { rule: 'frogs' }, /rule/],
    ['for ever', { durationMs: 1e12 }, /31 days/],
    ['control characters', { reason: 'a\u0000b' }, /control characters/],
  ])('are refused with a sentence: %s', async (_case, wrong, sentence) => {
    const { ask, token } = await setUp();
    const refused = await ask('/api/silences', { method: 'POST', token, body: { ...request, ...wrong } });
    expect(refused.status).toBe(400);
    expect(refused.text).toMatch(sentence);
  });
});

describe('events', () => {
  test('begin with all there is, and bring what comes in at most twice a second, extremes with it', async () => {
    const { follow, read, time } = await setUp();
    const events = await follow();
    expect(overview.parse(await events.next('overview')).devices).toEqual([]);
    for (const temperature of [20, 35, 10, 21]) {
      await read({ temperature });
      time.advance(100);
    }
    time.advance(100);
    const { devices } = liveValues.parse(await events.next('values'));
    expect(devices).toEqual([
      {
        ...{ site: 'home', deviceId: 'pi' },
        metrics: [{ metric: 'temperature', atMs: startMs + 300, value: 21, min: 10, max: 35 }],
      },
    ]);
  });

  test('tell a new breach within a second', async () => {
    const { follow, handler, time } = await setUp();
    const events = await follow();
    await events.next('overview');
    time.advance(1_000);
    await events.next('overview');
    const breach = testBreach();
    handler.occurrences.push(breach);
    time.advance(1_000);
    expect(overview.parse(await events.next('overview')).breaches).toMatchObject([{ id: breach.id }]);
  });

  test('say nothing while nothing changes but a heartbeat, and stop when nobody listens', async () => {
    const { follow, time } = await setUp();
    const events = await follow();
    await events.next('overview');
    time.advance(15_000);
    await events.next('heartbeat');
    events.close();
    await expect
      .poll(() => {
        time.advance(30_000);
        const next = time.nextTimerAt() ?? Infinity;
        // What is left is the writing of readings.
        return next - time.monotonicMs() > 1_000;
      })
      .toBe(true);
  });

  test('are for sixteen pages at a time', async () => {
    const { follow, ask } = await setUp();
    for (let page = 0; page < 16; page += 1) expect((await follow()).status).toBe(200);
    expect((await ask('/api/events')).status).toBe(503);
  });
});

describe('the page', () => {
  test('comes with its parts, under a policy that runs nothing else', async () => {
    const { ask, url } = await setUp();
    const response = await fetch(url);
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toMatch(/script-src 'self'/);
    expect(policy).not.toMatch(/unsafe/);
    const parts = [...(await response.text()).matchAll(/"(\/assets\/[^"]+)"/g)].map(([, path = '']) => path);
    expect(parts.length).toBeGreaterThanOrEqual(3);
    for (const part of parts) expect((await ask(part)).status).toBe(200);
    expect((await ask('/assets/../token.ts')).status).toBe(404);
  });
});

describe('the token', () => {
  const folder = () => {
    const path = mkdtempSync(join(tmpdir(), 'console-token-'));
    cleanUps.push(() => rmSync(path, { recursive: true }));
    return path;
  };

  test('is made once for a data directory, for its owner alone', () => {
    const dataDir = folder();
    const token = consoleToken(dataDir);
    expect(token).toMatch(/^[\w-]{43}$/);
    expect(consoleToken(dataDir)).toBe(token);
    expect(statSync(join(dataDir, 'console-token')).mode & 0o777).toBe(0o600);
    expect(consoleToken(folder())).not.toBe(token);
    expect(readFileSync(join(dataDir, 'console-token'), 'utf8').trim()).toBe(token);
  });

  test('is not guessed from a file that holds none', () => {
    const dataDir = folder();
    writeFileSync(join(dataDir, 'console-token'), 'admin\n');
    expect(() => consoleToken(dataDir)).toThrow(/holds no token of the console\. Remove it/);
  });
});
