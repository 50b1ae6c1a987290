import fc from 'fast-check';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Logger, silentLogger } from '../platform/logger.ts';
import { seededRandom } from '../platform/random.ts';
import type { CountingTransport, InboundMessage, LastWill, TransportState } from './transport.ts';

export interface ClientOptions {
  /** Default 64,000. */
  maxPayloadBytes?: number;
  will?: LastWill;
  logger?: Logger;
}

/** A transport with a hand on its wire. */
export interface WiredClient {
  transport: CountingTransport;
  /** Ends its connection as a lost network does; what is under way is lost. */
  cut(): void;
  /** Lets it connect again, which it does by itself. */
  restore(): void;
  /** Keeps the connection and lets nothing through, where the adapter's world can do that. */
  silence?(): void;
}

/** A world in which the clients of one test hear each other. */
export interface TransportStage {
  /** Not started; different names are different clients. */
  client(
    name: string,
    options: Required<Pick<ClientOptions, 'maxPayloadBytes' | 'logger'>> & ClientOptions,
  ): Promise<WiredClient>;
  /** Ends the world once every transport has been stopped. */
  close(): Promise<void>;
}

export interface TransportHarness {
  open(): Promise<TransportStage>;
  /** Whether the peer sends a last will. */
  lastWill: boolean;
  /** Whether clients can be silenced. */
  silence: boolean;
  /** Payload that the peer takes at most; default 64,000 bytes. */
  largestBytes?: number;
  /** Transports whose options no retry cures, by what is wrong. */
  badOptions: Readonly<Record<string, () => Promise<CountingTransport>>>;
  /** What of a topic the adapter's peer does not take, where that is less than MQTT. */
  topicProblem?: (topic: string) => string | undefined;
}

/** Failures after which a sender is to try again. */
const retryable = ['offline', 'timeout', 'busy', 'closed'];

/** What every adapter of the port keeps: the promises of `Transport`, one by one. */
export function transportContract(harness: TransportHarness): void {
  const maxPayloadBytes = harness.largestBytes ?? 64_000;
  let stage: TransportStage;
  const running: CountingTransport[] = [];
  let tests = 0;
  /** The test's own topics: a world may outlive it. */
  let base = '';

  beforeEach(async () => {
    stage = await harness.open();
    tests += 1;
    base = `contract/${tests}`;
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((transport) => transport.stop()));
    await stage.close();
  });

  async function client(name: string, options: ClientOptions = {}): Promise<WiredClient> {
    const wired = await stage.client(name, { maxPayloadBytes, logger: silentLogger, ...options });
    running.push(wired.transport);
    return wired;
  }

  async function started(name: string, options: ClientOptions = {}): Promise<WiredClient> {
    const wired = await client(name, options);
    await wired.transport.start();
    await untilState(wired.transport, 'connected');
    return wired;
  }

  const send = async (from: WiredClient, topic: string, payload: string | Uint8Array) =>
    expect(await from.transport.publish(topic, payload)).toEqual({ ok: true });

  test.each([
    ['the topic itself', 'a/b/c', 'a/b/c', 'a/b'],
    ['+ for a level', 'a/+/c', 'a/b/c', 'a/b/d'],
    ['+ for the last level', 'a/+', 'a/b', 'a/b/c'],
    ['# for the rest', 'a/#', 'a/b/c', 'b/a'],
    ['# for the parent too', 'a/#', 'a', 'ab'],
  ])('a subscriber gets what its filter matches: %s', async (_what, filter, matching, other) => {
    const [sender, receiver] = [await started('sender'), await started('receiver')];
    const inbox = await listen(receiver, `${base}/${filter}`);
    await send(sender, `${base}/${other}`, 'other');
    await send(sender, `${base}/${matching}`, 'matching');
    await inbox.until((messages) => messages.length > 0);
    expect(inbox.messages).toEqual([{ topic: `${base}/${matching}`, payload: 'matching' }]);
  });

  test('messages of one topic come in order, whichever topics stand between', async () => {
    const [sender, receiver] = [await started('sender'), await started('receiver')];
    const inbox = await listen(receiver, `${base}/#`);
    const numbers = Array.from({ length: 100 }, (_, index) => String(index));
    await Promise.all(
      numbers.flatMap((text) => [send(sender, `${base}/one`, text), send(sender, `${base}/two`, text)]),
    );
    await inbox.until((messages) => messages.length >= 200);
    for (const topic of ['one', 'two']) expect(inbox.of(`${base}/${topic}`)).toEqual(numbers);
  });

  test('every subscriber of a filter gets the message', async () => {
    const [sender, receiver] = [await started('sender'), await started('receiver')];
    const inboxes = [await listen(receiver, `${base}/x`), await listen(receiver, `${base}/x`)];
    await send(sender, `${base}/x`, 'm');
    for (const inbox of inboxes) await inbox.until((messages) => messages.length === 1);
  });

  test('subscriptions made before the connection hold, and after each reconnect', async () => {
    const sender = await started('sender');
    const receiver = await client('receiver');
    const early = await listen(receiver, `${base}/early/+`);
    await receiver.transport.start();
    await untilState(receiver.transport, 'connected');
    const late = await listen(receiver, `${base}/late`);
    const offline: Inbox[] = [];
    for (let round = 0; round < 3; round += 1) {
      await send(sender, `${base}/early/${round}`, String(round));
      await send(sender, `${base}/late`, String(round));
      await send(sender, `${base}/offline`, String(round));
      await early.until((messages) => messages.length === round + 1);
      await late.until((messages) => messages.length === round + 1);
      for (const [index, inbox] of offline.entries()) {
        await inbox.until((messages) => messages.length === round - index);
      }
      await cut(receiver);
      offline.push(await listen(receiver, `${base}/offline`));
      await restored(receiver);
    }
    expect(early.messages.map(({ payload }) => payload)).toEqual(['0', '1', '2']);
  });

  test('a publish while offline is answered at once', async () => {
    const sender = await client('sender');
    await expectOffline(sender.transport);
    await sender.transport.start();
    await untilState(sender.transport, 'connected');
    await cut(sender);
    await expectOffline(sender.transport);
    await restored(sender);
    await send(sender, `${base}/x`, 'm');
  });

  async function expectOffline(transport: CountingTransport): Promise<void> {
    const answer = await Promise.race([transport.publish(`${base}/x`, 'm'), turn().then(() => 'not at once')]);
    expect(answer).toEqual({ ok: false, reason: 'offline', message: expect.any(String) });
  }

  test('a message that is too large is refused, and the next one goes', async () => {
    const [sender, receiver] = [await started('sender', { maxPayloadBytes: 1_000 }), await started('receiver')];
    const inbox = await listen(receiver, `${base}/x`);
    const refused = { ok: false, reason: 'too-large', message: expect.stringContaining('1000') };
    expect(await sender.transport.publish(`${base}/x`, 'm'.repeat(1_001))).toEqual(refused);
    expect(await sender.transport.publish(`${base}/x`, 'ü'.repeat(501))).toEqual(refused);
    await send(sender, `${base}/x`, 'm'.repeat(1_000));
    await inbox.until((messages) => messages.length === 1);
    expect(sender.transport.stats()).toMatchObject({ published: 1, publishFailed: 2 });
  });

  test('a message that comes in too large is dropped and counted, and the next one comes', async () => {
    const [sender, receiver] = [await started('sender'), await started('receiver', { maxPayloadBytes: 1_000 })];
    const inbox = await listen(receiver, `${base}/x`);
    await send(sender, `${base}/x`, 'm'.repeat(1_001));
    await send(sender, `${base}/x`, 'small');
    await inbox.until((messages) => messages.length > 0);
    expect(inbox.messages).toMatchObject([{ payload: 'small' }]);
    expect(receiver.transport.stats()).toMatchObject({ received: 1, tooLarge: 1 });
  });

  test('a handler that throws or rejects is logged and counted; the next message and the other handlers go on', async () => {
    const log = capturedLog();
    const [sender, receiver] = [await started('sender'), await started('receiver', { logger: log.logger })];
    let calls = 0;
    await receiver.transport.subscribe(`${base}/x`, () => {
      calls += 1;
      throw new Error('thrown by a handler');
    });
    await receiver.transport.subscribe(`${base}/x`, async () => {
      throw new Error('rejected by a handler');
    });
    const inbox = await listen(receiver, `${base}/x`);
    await send(sender, `${base}/x`, '1');
    await send(sender, `${base}/x`, '2');
    await inbox.until((messages) => messages.length === 2);
    await expect.poll(() => receiver.transport.stats().handlerFailed).toBe(4);
    expect(calls).toBe(2);
    expect(log.text()).toContain('thrown by a handler');
    expect(log.text()).toContain('rejected by a handler');
    expect(receiver.transport.state()).toEqual({ state: 'connected' });
  });

  test('a handler that has not ended does not hold back the next message', async () => {
    const [sender, receiver] = [await started('sender'), await started('receiver')];
    let calls = 0;
    await receiver.transport.subscribe(`${base}/x`, () => {
      calls += 1;
      return new Promise(() => {});
    });
    await send(sender, `${base}/x`, '1');
    await send(sender, `${base}/x`, '2');
    await expect.poll(() => calls).toBe(2);
  });

  test('unsubscribe ends one subscription, also when called twice, and for good', async () => {
    const [sender, receiver] = [await started('sender'), await started('receiver')];
    const ended: string[] = [];
    const subscribe = () =>
      receiver.transport.subscribe(`${base}/x`, ({ payload }) => {
        ended.push(String(payload));
      });
    const [first, second] = [await subscribe(), await subscribe()];
    const inbox = await listen(receiver, `${base}/x`);
    await Promise.all([first.unsubscribe(), first.unsubscribe(), second.unsubscribe()]);
    await second.unsubscribe();
    await send(sender, `${base}/x`, '1');
    await inbox.until((messages) => messages.length === 1);
    await cut(receiver);
    await restored(receiver);
    await send(sender, `${base}/x`, '2');
    await inbox.until((messages) => messages.length === 2);
    expect(ended).toEqual([]);
  });

  test('the last unsubscribe of a filter can be followed by a new subscription to it', async () => {
    const [sender, receiver] = [await started('sender'), await started('receiver')];
    const first = await receiver.transport.subscribe(`${base}/x`, () => {});
    const [inbox] = await Promise.all([listen(receiver, `${base}/x`), first.unsubscribe()]);
    await send(sender, `${base}/x`, '1');
    await inbox.until((messages) => messages.length === 1);
    const marker = await listen(receiver, `${base}/y`);
    await inbox.end();
    await send(sender, `${base}/x`, '2');
    const again = await listen(receiver, `${base}/x`);
    await send(sender, `${base}/x`, '3');
    await send(sender, `${base}/y`, 'end');
    await marker.until((messages) => messages.length === 1);
    expect(inbox.of(`${base}/x`)).toEqual(['1']);
    expect(again.of(`${base}/x`)).toEqual(['3']);
  });

  test('every change of state is told, to those who still listen', async () => {
    const { transport, ...wire } = await client('one');
    const told: string[] = [];
    const forgotten: string[] = [];
    transport.onState(({ state }) => told.push(state));
    const remove = transport.onState(({ state }) => forgotten.push(state));
    expect(transport.state()).toEqual({ state: 'disconnected', reason: expect.any(String) });
    await transport.start();
    await untilState(transport, 'connected');
    remove();
    remove();
    await cut({ transport, ...wire });
    expect(transport.state()).toEqual({ state: 'disconnected', reason: expect.stringMatching(/./) });
    await restored({ transport, ...wire });
    await transport.stop();
    expect(told).toEqual(['connected', 'disconnected', 'connected', 'disconnected']);
    expect(forgotten).toEqual(['connected']);
  });

  if (harness.lastWill) {
    test('the last will is sent at each cut, and not at stop', async () => {
      const watcher = await started('watcher');
      const inbox = await listen(watcher, `${base}/#`);
      const will = { topic: `${base}/will`, payload: '{"gone":"ünd"}' };
      const mortal = await started('mortal', { will });
      for (let cuts = 1; cuts <= 2; cuts += 1) {
        await cut(mortal);
        await inbox.until((messages) => messages.length === cuts);
        await restored(mortal);
      }
      await send(mortal, `${base}/alive`, 'm');
      await mortal.transport.stop();
      // Whatever a peer makes of the stop, it makes before it answers one who comes after.
      await send(await started('later'), `${base}/later`, 'm');
      await inbox.until((messages) => messages.some(({ topic }) => topic === `${base}/later`));
      expect(inbox.of(will.topic)).toEqual([will.payload, will.payload]);
    });
  }

  test('start and stop may be called twice, and a stopped transport stays so', async () => {
    const { transport } = await client('one');
    await Promise.all([transport.start(), transport.start()]);
    await untilState(transport, 'connected');
    await transport.start();
    expect(transport.state()).toEqual({ state: 'connected' });
    await Promise.all([transport.stop(), transport.stop()]);
    await transport.stop();
    await transport.start();
    expect(transport.state().state).toBe('disconnected');
    const closed = { ok: false, reason: 'closed', message: expect.any(String) };
    expect(await transport.publish(`${base}/x`, 'm')).toEqual(closed);
  });

  test('a stop before the start, or in the middle of it, holds', async () => {
    const early = await client('early');
    await early.transport.stop();
    await early.transport.start();
    const middle = await client('middle');
    const starting = middle.transport.start();
    await Promise.all([middle.transport.stop(), starting]);
    for (let turns = 0; turns < 50; turns += 1) await turn();
    expect(early.transport.state().state).toBe('disconnected');
    expect(middle.transport.state().state).toBe('disconnected');
  });

  test('no message comes after the stop', async () => {
    const [sender, receiver] = [await started('sender'), await started('receiver')];
    const inbox = await listen(receiver, `${base}/x`);
    const sending = Promise.all(Array.from({ length: 20 }, (_, index) => send(sender, `${base}/x`, String(index))));
    await receiver.transport.stop();
    const atStop = inbox.messages.length;
    await sending;
    for (let turns = 0; turns < 20; turns += 1) await turn();
    expect(inbox.messages.length).toBe(atStop);
  });

  test('every publish is settled once the transport has stopped', async () => {
    const { transport } = await started('sender');
    const publishes = Array.from({ length: 50 }, () => transport.publish(`${base}/x`, 'm'));
    await transport.stop();
    for (const result of await Promise.all(publishes)) {
      expect(result.ok || result.reason).toBeOneOf([true, 'closed']);
    }
  });

  if (harness.silence) {
    test('a peer that falls silent does not hold up the stop; pending publishes are settled as closed', async () => {
      const sender = await started('sender');
      sender.silence?.();
      const publishes = Array.from({ length: 50 }, () => sender.transport.publish(`${base}/x`, 'm'));
      const subscribing = sender.transport.subscribe(`${base}/y`, () => {});
      const beganAt = performance.now();
      await sender.transport.stop();
      expect(performance.now() - beganAt).toBeLessThan(2_000);
      for (const result of await Promise.all(publishes)) expect(result).toMatchObject({ ok: false, reason: 'closed' });
      await (await subscribing).unsubscribe();
    });

    test('a publish that is not answered times out', async () => {
      const sender = await started('sender');
      sender.silence?.();
      const result = await sender.transport.publish(`${base}/x`, 'm', { timeoutMs: 20 });
      expect(result).toEqual({ ok: false, reason: 'timeout', message: expect.any(String) });
    });
  }

  for (const [what, make] of Object.entries(harness.badOptions)) {
    test(`start throws for options that no retry cures: ${what}`, async () => {
      const transport = await make();
      await expect(transport.start()).rejects.toMatchObject({ name: 'AppError', reason: expect.any(String) });
      expect(transport.state().state).toBe('disconnected');
      await transport.stop();
    });
  }

  test('payloads come as they were sent: empty, binary, 8 KB, the largest', async () => {
    const [sender, receiver] = [await started('sender'), await started('receiver')];
    const payloads: Uint8Array[] = [];
    await receiver.transport.subscribe(`${base}/x`, ({ payload }) => {
      payloads.push(payload);
    });
    const everyByte = Uint8Array.from({ length: 256 }, (_, index) => index);
    const sent = [
      new Uint8Array(),
      everyByte,
      // A view into a larger buffer is sent alone.
      everyByte.subarray(100, 104),
      new Uint8Array(Math.min(8_192, maxPayloadBytes)).fill(0xff),
      new Uint8Array(maxPayloadBytes).fill(1),
    ];
    for (const payload of sent) await send(sender, `${base}/x`, payload);
    await send(sender, `${base}/x`, '');
    await send(sender, `${base}/x`, 'ümläut 🌡');
    await expect.poll(() => payloads.length).toBe(sent.length + 2);
    expect(payloads.slice(0, sent.length).map((payload) => Buffer.from(payload).toString('hex'))).toEqual(
      sent.map((payload) => Buffer.from(payload).toString('hex')),
    );
    expect(payloads.slice(sent.length).map(String)).toEqual(['', 'ümläut 🌡']);
  });

  test('the sender may use its buffer again at once', async () => {
    const [sender, receiver] = [await started('sender'), await started('receiver')];
    const inbox = await listen(receiver, `${base}/x`);
    const buffer = Buffer.from('first');
    const sending = sender.transport.publish(`${base}/x`, buffer);
    buffer.fill('x');
    await sending;
    await inbox.until((messages) => messages.length === 1);
    expect(inbox.messages).toMatchObject([{ payload: 'first' }]);
  });

  test.each([
    'ünï/cödé',
    '温度/湿度',
    '🌡/🔥',
    'with space/ and more',
    '/',
    '//',
    'a//b',
    'percent%2Fencoded',
    '"quoted"',
    "it's\\n",
  ])('topic %j arrives as it was sent', async (topic) => {
    const [sender, receiver] = [await started('sender'), await started('receiver')];
    const exact = await listen(receiver, `${base}/${topic}`);
    const wild = await listen(receiver, `${base}/${topic.replaceAll(/[^/]+/g, '+')}`);
    await send(sender, `${base}/${topic}`, 'm');
    await exact.until((messages) => messages.length > 0);
    await wild.until((messages) => messages.length > 0);
    expect(exact.messages[0]).toEqual({ topic: `${base}/${topic}`, payload: 'm' });
  });

  test('any bytes come through on any topic that may be used', async () => {
    const [sender, receiver] = [await started('sender'), await started('receiver')];
    const inbox = new Map<string, string>();
    await receiver.transport.subscribe(`${base}/any/#`, ({ topic, payload }) => {
      inbox.set(topic, Buffer.from(payload).toString('base64'));
    });
    const level = fc.string({ unit: 'grapheme', maxLength: 12 }).map((text) => text.replaceAll(/[+#\p{C}]/gu, '_'));
    const topics = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'));
    let run = 0;
    await fc.assert(
      fc.asyncProperty(topics, fc.uint8Array({ maxLength: 300 }), async (topic, payload) => {
        run += 1;
        const whole = `${base}/any/${run}/${topic}`;
        fc.pre(harness.topicProblem?.(whole) === undefined);
        await send(sender, whole, payload);
        await expect.poll(() => inbox.get(whole), { interval: 1 }).toBe(Buffer.from(payload).toString('base64'));
      }),
      { numRuns: 50 },
    );
  });

  const hostileTexts = {
    empty: '',
    'with NUL': 'a\0b',
    'with a control character': 'a\u0001b',
    'with a line break': 'a\nb',
    'with a C1 control character': 'a\u0085b',
    'with half a character': 'a\ud800b',
    'with a noncharacter': 'a\uffffb',
    'too long': 'ä'.repeat(32_768),
  };

  test.each(Object.entries({ ...hostileTexts, 'with +': 'a/+/b', 'with #': 'a/#' }))(
    'a topic %s is refused, and the connection stays',
    async (_what, topic) => {
      const { transport } = await started('sender');
      const refused = { ok: false, reason: 'failed', message: expect.any(String) };
      const result = await transport.publish(topic, 'm');
      expect(result).toEqual(refused);
      expect(!result.ok && result.message.length).toBeLessThan(400);
      expect(await transport.publish(`${base}/x`, 'm')).toEqual({ ok: true });
      expect(transport.stats()).toMatchObject({ published: 1, publishFailed: 1 });
    },
  );

  test.each(Object.entries({ ...hostileTexts, 'with # in the middle': 'a/#/b', 'with + in a level': 'a/b+' }))(
    'a subscription %s is refused, and the connection stays',
    async (_what, filter) => {
      const { transport } = await started('receiver');
      await expect(transport.subscribe(filter, () => {})).rejects.toMatchObject({ reason: 'topic-invalid' });
      expect(await transport.publish(`${base}/x`, 'm')).toEqual({ ok: true });
    },
  );

  test.each([1, 2, 3])(
    'a hundred messages under cuts: what was answered ok was received, the rest can be sent again (seed %i)',
    async (seed) => {
      const random = seededRandom(seed);
      const [sender, receiver] = [await started('sender'), await started('receiver')];
      const inbox = await listen(receiver, `${base}/x`);
      const counts = { cuts: 0, failed: 0, cutUnderWay: 0 };
      let cutting: Promise<void> | undefined;

      async function cutOnce(): Promise<void> {
        await turns(random, 6);
        await cut(sender);
        counts.cuts += 1;
        await turns(random, 5);
        await restored(sender);
        cutting = undefined;
      }
      async function deliver(text: string): Promise<void> {
        for (;;) {
          await turns(random, 20);
          const wasConnected = sender.transport.state().state === 'connected';
          const sending = sender.transport.publish(`${base}/x`, text);
          if (random() < 0.2 && counts.cuts < 20) cutting ??= cutOnce();
          const result = await sending;
          if (result.ok) return;
          expect(retryable, result.message).toContain(result.reason);
          counts.failed += 1;
          if (wasConnected) counts.cutUnderWay += 1;
          await untilState(sender.transport, 'connected');
        }
      }
      async function lane(first: number): Promise<void> {
        for (let index = first; index < 100; index += 10) await deliver(String(index));
      }

      await Promise.all(Array.from({ length: 10 }, (_, index) => lane(index)));
      await cutting;
      expect(counts.cuts).toBeGreaterThan(0);
      if (harness.silence) expect(counts.cutUnderWay).toBeGreaterThan(0);
      await inbox.until((messages) => new Set(messages.map(({ payload }) => payload)).size === 100);
      expect(sender.transport.stats()).toMatchObject({ published: 100, publishFailed: counts.failed });
    },
  );
}

interface Inbox {
  /** Payloads as texts. */
  messages: { topic: string; payload: string }[];
  of(topic: string): string[];
  /** Resolves as soon as the messages are as wanted. */
  until(wanted: (messages: Inbox['messages']) => boolean): Promise<void>;
  end(): Promise<void>;
}

async function listen({ transport }: WiredClient, filter: string): Promise<Inbox> {
  const messages: Inbox['messages'] = [];
  let check = () => {};
  const subscription = await transport.subscribe(filter, ({ topic, payload }: InboundMessage) => {
    messages.push({ topic, payload: Buffer.from(payload).toString() });
    check();
  });
  return {
    messages,
    of: (topic) => messages.filter((message) => message.topic === topic).map(({ payload }) => payload),
    until: (wanted) =>
      new Promise((resolve) => {
        check = () => {
          if (wanted(messages)) resolve();
        };
        check();
      }),
    end: () => subscription.unsubscribe(),
  };
}

async function cut(client: WiredClient): Promise<void> {
  client.cut();
  await untilState(client.transport, 'disconnected');
}

async function restored(client: WiredClient): Promise<void> {
  client.restore();
  await untilState(client.transport, 'connected');
}

/** Resolves once the transport is, or comes to be, in that state. */
export function untilState(transport: CountingTransport, wanted: TransportState['state']): Promise<void> {
  if (transport.state().state === wanted) return Promise.resolve();
  return new Promise((resolve) => {
    const remove = transport.onState(({ state }) => {
      if (state !== wanted) return;
      remove();
      resolve();
    });
  });
}

/** One turn of the event loop. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function turns(random: () => number, most: number): Promise<void> {
  for (let left = Math.floor(random() * most); left > 0; left -= 1) await turn();
}

/** A logger whose lines can be read. */
export function capturedLog(): { logger: Logger; text(): string } {
  const lines: string[] = [];
  const logger = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
  return { logger, text: () => lines.join('') };
}
