import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { createServer, type Server, Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { silentLogger } from '../platform/logger.ts';
import { manualTime } from '../platform/time.ts';
import { type Broker, startBroker } from '../simulation/broker.ts';
import { startTcpProxy } from '../simulation/tcp-proxy.ts';
import { type MqttConfig, mqttConfig, mqttStage, mqttTransport, type TestFolder, testFolder } from './mqtt-stage.ts';
import type { CountingTransport } from './transport.ts';
import { capturedLog, transportContract, untilState } from './transport-contract.ts';

const password = `canary-${randomBytes(12).toString('hex')}`;
let folder: TestFolder;
let broker: Broker;
let access: Partial<MqttConfig>;

const open: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  folder = await testFolder();
  broker = await startBroker({ port: 0, users: { edge: password }, logger: silentLogger });
  access = { url: broker.url, username: 'edge', passwordFile: await folder.write('password', `${password}\n`) };
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const close of open.splice(0).reverse()) await close();
});
afterAll(async () => {
  await broker.stop();
  await folder.remove();
});

function transport(
  change: Partial<MqttConfig>,
  options: Partial<Parameters<typeof mqttTransport>[1]> = {},
  clientId?: string,
): CountingTransport {
  const made = mqttTransport(
    mqttConfig({ ...access, ...change }),
    { maxPayloadBytes: 64_000, logger: silentLogger, ...options },
    clientId,
  );
  open.push(() => made.stop());
  return made;
}

/** A server that answers what it gets as the test says, by the first byte of each chunk; -1 is the connection itself. */
async function peer(
  answer: (type: number, chunk: Buffer, socket: Socket) => void,
): Promise<{ url: string; server: Server }> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk) => answer(chunk[0] ?? 0, chunk, socket));
    answer(-1, Buffer.alloc(0), socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  return { url: `mqtt://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`, server };
}

const connack = Buffer.from([0x20, 2, 0, 0]);
const [connect, subscribe] = [0x10, 0x82];
const refusedSuback = (request: Buffer) => Buffer.from([0x90, 3, request[2] ?? 0, request[3] ?? 0, 0x80]);

const reason = (one: CountingTransport) => {
  const state = one.state();
  return state.state === 'connected' ? 'connected' : state.reason;
};

describe('mqtt transport and the embedded broker', () => {
  transportContract({
    lastWill: true,
    silence: true,
    badOptions: {
      'no URL': async () => transport({ url: 'nonsense' }),
      'another protocol': async () => transport({ url: 'http://127.0.0.1' }),
      'port 0': async () => transport({ url: 'mqtt://127.0.0.1:0' }),
      'a password in the URL': async () => transport({ url: 'mqtt://edge:canary@127.0.0.1' }),
      'a password without a user': async () => transport({ username: undefined }),
      'a password file that is missing': async () => transport({ passwordFile: `${folder.path}/missing` }),
      'a password file that others may read': async () =>
        transport({ passwordFile: await folder.write('exposed', password, 0o644) }),
      'a password file that is none': async () =>
        transport({ passwordFile: await folder.write('large', 'x'.repeat(2_000_000)) }),
      'a certificate for a connection without TLS': async () => transport({ caFile: await folder.write('ca', '') }),
    },
    open: async () => mqttStage({ port: broker.port, protocol: 'mqtt' }, access),
  });

  test('options that no retry cures are told without a secret', async () => {
    const inUrl = transport({ url: `mqtt://edge:${password}@127.0.0.1` });
    await expect(inUrl.start()).rejects.toThrow('must not hold a user or password: use username and passwordFile');
    await expect(inUrl.start()).rejects.not.toThrow(password);
    const exposed = transport({ passwordFile: await folder.write('open', password, 0o640) });
    await expect(exposed.start()).rejects.toThrow(/open is open to other users \(mode 0640\).*chmod 600/);
    await expect(exposed.start()).rejects.not.toThrow(password);
  });

  test('a wrong password is told in one sentence; the right one is used from the next connection on', async () => {
    const log = capturedLog();
    const passwordFile = await folder.write('changing', 'canary-wrong');
    const time = manualTime();
    const one = transport({ passwordFile }, { logger: log.logger, time });
    await one.start();
    await expect.poll(() => reason(one)).toContain('refuses');
    expect(reason(one)).toBe(
      'the broker refuses the user name or password; check transport.mqtt.username and passwordFile',
    );
    expect(await one.publish('x', 'm')).toMatchObject({ reason: 'offline', message: reason(one) });
    await folder.write('changing', password);
    time.advance(20);
    await untilState(one, 'connected');
    expect(log.text()).not.toContain('canary');
  });

  test('a password file that disappears is told as a state, and used again when it is back', async () => {
    const passwordFile = await folder.write('coming', password);
    const proxy = await startTcpProxy(broker.port);
    open.push(() => proxy.stop());
    const one = transport({ passwordFile, url: `mqtt://127.0.0.1:${proxy.port}` });
    await one.start();
    await untilState(one, 'connected');
    await rm(passwordFile);
    proxy.cut();
    proxy.restore();
    await expect.poll(() => reason(one)).toContain(`cannot read ${passwordFile}`);
    await folder.write('coming', password);
    await untilState(one, 'connected');
  });

  test('TCP_NODELAY is set at every connection', async () => {
    const undelayed: unknown[] = [];
    const setNoDelay = Socket.prototype.setNoDelay;
    vi.spyOn(Socket.prototype, 'setNoDelay').mockImplementation(function (this: Socket, on) {
      if (on === true) undelayed.push(this.remotePort);
      return setNoDelay.call(this, on);
    });
    const proxy = await startTcpProxy(broker.port);
    open.push(() => proxy.stop());
    const one = transport({ url: `mqtt://127.0.0.1:${proxy.port}` });
    await one.start();
    for (let connections = 1; connections <= 4; connections += 1) {
      await untilState(one, 'connected');
      expect(undelayed.filter((port) => port === proxy.port)).toHaveLength(connections);
      proxy.cut();
      await untilState(one, 'disconnected');
      proxy.restore();
    }
  });

  test('a broker that is not there is told, and found once it is', async () => {
    const gone = await startBroker({ port: 0, users: { edge: password }, logger: silentLogger });
    await gone.stop();
    const one = transport({ url: gone.url });
    await one.start();
    await expect.poll(() => reason(one)).toBe(`nothing listens on 127.0.0.1:${gone.port}`);
    const back = await startBroker({ port: gone.port, users: { edge: password }, logger: silentLogger });
    open.push(() => back.stop());
    await untilState(one, 'connected');
  });

  test('two clients with one client id push each other out, and the state says what to look for', async () => {
    const reasons: string[] = [];
    const one = transport({}, {}, 'the-same');
    one.onState((state) => reasons.push(state.state === 'connected' ? '' : state.reason));
    await one.start();
    await untilState(one, 'connected');
    const two = transport({ reconnectBaseMs: 40, reconnectCapMs: 40 }, {}, 'the-same');
    await two.start();
    await expect
      .poll(() => reasons.some((text) => text.includes('does another client use the client id the-same?')))
      .toBe(true);
    await two.stop();
  });
});

describe('mqtt transport and a message of 10 MB', () => {
  test('it is dropped and counted, and the connection stays', async () => {
    const lenient = await startBroker({
      port: 0,
      users: { edge: password },
      logger: silentLogger,
      maxPayloadBytes: 20_000_000,
    });
    open.push(() => lenient.stop());
    const sender = transport({ url: lenient.url }, { maxPayloadBytes: 20_000_000 });
    const receiver = transport({ url: lenient.url });
    const received: number[] = [];
    await receiver.subscribe('x', ({ payload }) => {
      received.push(payload.length);
    });
    for (const one of [sender, receiver]) {
      await one.start();
      await untilState(one, 'connected');
    }
    expect(await sender.publish('x', Buffer.alloc(10_000_000))).toEqual({ ok: true });
    expect(await sender.publish('x', 'small')).toEqual({ ok: true });
    await expect.poll(() => received).toEqual([5]);
    expect(receiver.stats()).toMatchObject({ received: 1, tooLarge: 1 });
    expect(receiver.state()).toEqual({ state: 'connected' });
  });
});

describe('mqtt transport and peers that do not keep to it', () => {
  test('a peer that never answers is given up after the time that a connection may take', async () => {
    const time = manualTime();
    const { url, server } = await peer(() => {});
    const accepted = new Promise((resolve) => server.once('connection', resolve));
    const one = transport({ url, connectTimeoutMs: 10_000 }, { time });
    await one.start();
    await accepted;
    time.advance(10_000);
    expect(reason(one)).toBe(`${url.slice(7)} did not let us in within 10 s`);
  });

  test.each<[string, (type: number, chunk: Buffer, socket: Socket) => void]>([
    ['never answers', () => {}],
    ['lets us in, then never answers', (type, _chunk, socket) => void (type === connect && socket.write(connack))],
    [
      'does not even read',
      (type, _chunk, socket) => void (type === connect && socket.write(connack) && socket.pause()),
    ],
  ])('a stop takes less than 2 s with a peer that %s', async (_what, answer) => {
    const { url, server } = await peer(answer);
    const accepted = new Promise((resolve) => server.once('connection', resolve));
    const one = transport({ url });
    await one.start();
    await accepted;
    if (answer.length > 0) await untilState(one, 'connected');
    const publishes = Array.from({ length: 100 }, () => one.publish('x', Buffer.alloc(60_000)));
    const beganAt = performance.now();
    await one.stop();
    expect(performance.now() - beganAt).toBeLessThan(2_000);
    for (const result of await Promise.all(publishes)) expect(result).toMatchObject({ ok: false });
  });

  test('a peer that falls silent is left after the time that an acknowledgement may take', async () => {
    const time = manualTime();
    const { url } = await peer((type, _chunk, socket) => void (type === connect && socket.write(connack)));
    const one = transport({ url, publishTimeoutMs: 10_000 }, { time });
    await one.start();
    await untilState(one, 'connected');
    const impatient = one.publish('x', 'm', { timeoutMs: 1_000 });
    const patient = one.publish('x', 'm');
    time.advance(1_000);
    expect(await impatient).toMatchObject({ reason: 'timeout' });
    expect(one.state()).toEqual({ state: 'connected' });
    time.advance(9_000);
    expect(await patient).toMatchObject({ reason: 'timeout' });
    expect(reason(one)).toBe(`${url.slice(7)} has not answered for 10 s`);
  });

  test('publishes under way are bounded: one more is busy, and a peer that never makes room is left', async () => {
    const time = manualTime();
    const { url } = await peer((type, _chunk, socket) => {
      if (type === connect) socket.write(connack);
      // It answers pings, but acknowledges nothing.
      else socket.write(Buffer.from([0xd0, 0]));
    });
    const one = transport({ url, publishTimeoutMs: 10_000 }, { time });
    await one.start();
    await untilState(one, 'connected');
    const held = Array.from({ length: 2_000 }, () => one.publish('x', 'm', { timeoutMs: 1_000_000 }));
    expect(await one.publish('x', 'm')).toMatchObject({ ok: false, reason: 'busy' });
    time.advance(29_000);
    expect(await one.publish('x', 'm')).toMatchObject({ ok: false, reason: 'busy' });
    expect(one.state()).toEqual({ state: 'connected' });
    time.advance(1_000);
    expect(await one.publish('x', 'm')).toMatchObject({ ok: false, reason: 'busy' });
    expect(reason(one)).toContain('leaves publishes without an acknowledgement');
    for (const result of await Promise.all(held)) expect(result).toMatchObject({ ok: false, reason: 'offline' });
  });

  test('a subscription that the broker refuses, or does not answer, is told', async () => {
    const refusing = await peer((type, chunk, socket) => {
      if (type === connect) socket.write(connack);
      if (type === subscribe) socket.write(refusedSuback(chunk));
    });
    const one = transport({ url: refusing.url });
    await one.subscribe('a/+', () => {});
    await one.start();
    await expect.poll(() => reason(one)).toBe('the broker refuses the subscription to a/+; check its access list');

    const time = manualTime();
    let asked = false;
    const mute = await peer((type, _chunk, socket) => {
      if (type === connect) socket.write(connack);
      if (type === subscribe) asked = true;
    });
    const two = transport({ url: mute.url }, { time });
    await two.start();
    await untilState(two, 'connected');
    const subscribing = two.subscribe('a/+', () => {});
    await expect.poll(() => asked).toBe(true);
    time.advance(10_000);
    await subscribing;
    expect(reason(two)).toBe(`${mute.url.slice(7)} does not answer a subscription`);
  });

  test('a message of a size that would fill the memory ends the connection before it comes', async () => {
    const announced = Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]);
    const { url } = await peer((type, _chunk, socket) => {
      if (type === connect) socket.write(Buffer.concat([connack, announced]));
    });
    const one = transport({ url });
    await one.start();
    await expect.poll(() => reason(one)).toBe(`${url.slice(7)} sent a message of more than 16777216 bytes`);
  });

  test.each<[string, Buffer | undefined]>([
    ['speaks something else', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['sends a broken packet', Buffer.from([0x20, 0xff, 0xff, 0xff, 0xff, 0xff])],
    ['sends a refusal of its own making', Buffer.from([0x20, 2, 0, 99])],
    ['ends the connection', undefined],
  ])('a peer that %s is a state, and the next connection is tried', async (_what, answer) => {
    let connections = 0;
    const { url } = await peer((type, _chunk, socket) => {
      if (type === -1) connections += 1;
      if (type !== connect) return;
      if (answer === undefined) socket.destroy();
      else socket.write(answer);
    });
    const one = transport({ url });
    await one.start();
    await expect.poll(() => connections).toBeGreaterThan(2);
    expect(reason(one)).toMatch(/./);
    await one.stop();
    expect(reason(one)).toBe('stopped');
  });

  test.each([
    [1, 'does not speak MQTT 3.1.1'],
    [2, 'client id'],
    [4, 'user name or password'],
    [5, 'not authorised'],
  ])('CONNACK %i is told to people, and not tried in a hurry', async (code, words) => {
    const time = manualTime();
    let connections = 0;
    const { url } = await peer((type, _chunk, socket) => {
      if (type === -1) connections += 1;
      if (type === connect) socket.write(Buffer.from([0x20, 2, 0, code]));
    });
    const one = transport({ url, reconnectBaseMs: 10, reconnectCapMs: 1_000 }, { time });
    await one.start();
    await expect.poll(() => reason(one)).toContain(words);
    expect(time.nextTimerAt()).toBeGreaterThanOrEqual(500);
    expect(connections).toBe(1);
  });
});
