import { afterEach, describe, expect, test } from 'vitest';
import { occurrenceId } from '../anomaly/identity.ts';
import { heldSync } from '../platform/test-held-sync.ts';
import { openJournal } from './journal.ts';
import { type Harness, type HarnessOptions, startHarness, startMs } from './monitor-harness.ts';

const minuteMs = 60_000;
const hot = { temperature: 31 };
const mild = { temperature: 25 };

let open: Harness[] = [];
afterEach(async () => {
  for (const harness of open) await harness.close();
  open = [];
});

async function start(options?: HarnessOptions): Promise<Harness> {
  const harness = await startHarness(options);
  open.push(harness);
  return harness;
}

const short = (harness: Harness) =>
  harness.anomalies.map(
    ({ rule, phase, sequence, firingSequence }) => `${rule} ${phase} ${sequence}/${firingSequence}`,
  );

/** A breach that fires: 70 s above the limit. */
async function breach(harness: Harness): Promise<void> {
  await harness.readFor(70_000, hot);
}

describe('readings', () => {
  test('each is published with its own number, its stamps and the raw values where there are some', async () => {
    const h = await start();
    h.read({ temperature: 21 });
    h.read({ temperature: 22, humidity: 40 }, { raw: { temperature: 27, humidity: 30 } });
    await h.settle();
    expect(h.readings).toHaveLength(2);
    expect(h.readings[0]).toMatchObject({
      site: 'home',
      deviceId: 'IoT-blog_Core',
      seq: 0,
      ts: '2026-03-01T12:00:00Z',
    });
    expect(h.readings[0]).toMatchObject({ bootId: 'boot-1', monotonicMs: 1_000, clockSource: 'timesyncd' });
    expect(h.readings[0]).not.toHaveProperty('raw');
    expect(h.readings[1]).toMatchObject({ seq: 1, raw: { temperature: 27, humidity: 30 } });
    expect(h.monitor.status()).toMatchObject({
      readings: { read: 2, published: 2, failed: 0, dropped: 0, buffered: 0 },
      metrics: { temperature: 22, humidity: 40 },
      lastReadingAtMs: startMs,
    });
  });

  test('offline they wait in a ring, the oldest are dropped and counted, and drain in order', async () => {
    const h = await start({
      config: (config) => {
        config.monitor.bufferReadings = 3;
      },
    });
    h.bus.disconnect('monitor');
    for (let n = 0; n < 5; n += 1) h.read({ temperature: n });
    await h.settle();
    expect(h.monitor.status().readings).toMatchObject({ read: 5, published: 0, dropped: 2, buffered: 3 });
    h.bus.connect('monitor');
    await h.settle();
    expect(h.readings.map(({ seq }) => seq)).toEqual([2, 3, 4]);
    expect(h.monitor.status().readings).toMatchObject({ published: 3, dropped: 2, buffered: 0 });
  });

  test('without a buffer they are published all the same while connected', async () => {
    const h = await start({
      config: (config) => {
        config.monitor.bufferReadings = 0;
      },
    });
    h.read(mild);
    await h.settle();
    expect(h.readings).toHaveLength(1);
  });

  test('a NaN is no value, and a reading of nothing else is none', async () => {
    const h = await start();
    h.read({ temperature: Number.NaN, humidity: 40 });
    h.read({ temperature: Number.POSITIVE_INFINITY });
    await h.settle();
    expect(h.readings.map(({ metrics }) => metrics)).toEqual([{ humidity: 40 }]);
  });

  test('one that would be a message of more than 8 KB is given up and counted, and watched all the same', async () => {
    const h = await start();
    const many = Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`metric-${n}`, n]));
    for (let n = 0; n < 15; n += 1) {
      h.read({ ...many, temperature: 31 });
      await h.pass(5_000);
    }
    expect(h.readings).toHaveLength(0);
    expect(h.monitor.status().readings.failed).toBe(15);
    expect(short(h)).toEqual(['upper firing 1/1']);
  });

  test('anomalies do not wait behind the readings of an outage', async () => {
    const h = await start();
    h.bus.disconnect('monitor');
    await breach(h);
    const order: string[] = [];
    const { readings, anomalies } = h;
    readings.push = (...items) => order.push(...items.map(() => 'reading'));
    anomalies.push = (...items) => order.push(...items.map(() => 'anomaly'));
    h.bus.connect('monitor');
    await h.settle();
    expect(order.filter((kind) => kind === 'reading')).toHaveLength(14);
    expect(order[0]).toBe('anomaly');
  });
});

describe('an anomaly until its answer', () => {
  test('fires, is updated and resolved as three sequences of one occurrence', async () => {
    const h = await start();
    await breach(h);
    await h.readFor(6 * minuteMs, hot);
    await h.readFor(5_000, mild);
    expect(short(h)).toEqual(['upper firing 1/1', 'upper updated 2/1', 'upper resolved 3/1']);
    const [first, , last] = h.anomalies;
    const key = { site: 'home', deviceId: 'IoT-blog_Core', metric: 'temperature', rule: 'upper' } as const;
    const id = occurrenceId(h.monitor.status().installationId, key, 1);
    expect(h.anomalies.map((message) => message.id)).toEqual([id, id, id]);
    expect(first).toMatchObject({ startedAt: '2026-03-01T12:00:05Z', endedAt: null, limit: 30, opener: 'edge' });
    expect(first?.window.at(-1)).toEqual([startMs + 65_000, 31]);
    expect(last).toMatchObject({ endedAt: '2026-03-01T12:07:15Z', endReason: 'cleared', value: 25, peak: 31 });
    expect(last?.window[0]?.[0]).toBeLessThanOrEqual(startMs + 5_000);
    expect(h.monitor.status()).toMatchObject({ messages: { waiting: 0, rejected: 0 }, firing: [] });
  });

  test('is sent again, ever more rarely, until it is answered, and the next one waits for that', async () => {
    const h = await start();
    h.answering = 'silent';
    await breach(h);
    expect(h.anomalies).toHaveLength(3);
    await h.readFor(30 * minuteMs, hot);
    const sent = h.anomalies.length;
    expect(sent).toBeGreaterThan(10);
    expect(sent).toBeLessThan(25);
    expect(new Set(short(h))).toEqual(new Set(['upper firing 1/1']));
    expect(h.monitor.status().messages.waiting).toBe(2);
    await h.readFor(5_000, mild);
    expect(h.monitor.status().messages.waiting).toBe(2);
    h.answering = 'accept';
    const [first] = h.anomalies;
    if (first !== undefined) h.answer(first);
    await h.settle();
    expect(short(h).slice(sent)).toEqual(['upper resolved 8/1']);
    expect(h.monitor.status().messages.waiting).toBe(0);
  });

  test('what begins and ends while offline is told as one, and two breaches as two, in order', async () => {
    const h = await start();
    h.bus.disconnect('monitor');
    await breach(h);
    await h.readFor(10 * minuteMs, hot);
    await h.readFor(5_000, mild);
    await breach(h);
    await h.readFor(5_000, mild);
    expect(h.monitor.status().messages.waiting).toBe(2);
    h.bus.connect('monitor');
    await h.settle();
    expect(short(h)).toEqual(['upper resolved 4/1', 'upper resolved 6/5']);
    expect(h.anomalies[0]).toMatchObject({ startedAt: '2026-03-01T12:00:05Z', endedAt: '2026-03-01T12:11:15Z' });
    expect(h.monitor.status().messages.waiting).toBe(0);
  });

  test('a firing that nobody has seen stays a firing when it is updated', async () => {
    const h = await start();
    h.bus.disconnect('monitor');
    await breach(h);
    await h.readFor(6 * minuteMs, { temperature: 33 });
    h.bus.connect('monitor');
    await h.settle();
    expect(short(h)).toEqual(['upper firing 2/1']);
    expect(h.anomalies[0]).toMatchObject({ peak: 33, startedAt: '2026-03-01T12:00:05Z' });
  });

  test('is sent at once when the handler starts, with a roll call; the same start, or a passive handler, is no news', async () => {
    const h = await start();
    h.answering = 'silent';
    await breach(h);
    await h.pass(20_000);
    const sent = h.anomalies.length;
    const calls = h.rollCalls().length;
    h.handlerStarts('start-1');
    await h.settle();
    expect(h.anomalies).toHaveLength(sent + 1);
    expect(h.rollCalls()).toHaveLength(calls + 1);
    h.handlerStarts('start-1');
    await h.settle();
    expect(h.anomalies).toHaveLength(sent + 1);
    expect(h.rollCalls()).toHaveLength(calls + 1);
    h.handlerStarts('start-2');
    await h.settle();
    expect(h.anomalies).toHaveLength(sent + 2);
  });

  test('is sent at once when the connection is back', async () => {
    const h = await start();
    h.answering = 'silent';
    await breach(h);
    const sent = h.anomalies.length;
    h.bus.disconnect('monitor');
    await h.pass(30 * minuteMs, 10_000);
    expect(h.anomalies).toHaveLength(sent);
    h.bus.connect('monitor');
    await h.settle();
    expect(h.anomalies.length).toBeGreaterThan(sent);
  });

  test('rejected ones are put aside, counted and bounded, and the key goes on', async () => {
    const h = await start({
      config: (config) => {
        config.monitor.maxWaitingMessages = 3;
      },
    });
    h.answering = (message) => ({ result: 'rejected', reason: 'not liked', highWater: message.sequence - 1 });
    for (let n = 0; n < 3; n += 1) {
      await breach(h);
      await h.readFor(5_000, mild);
    }
    expect(h.anomalies.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(h.monitor.status().messages).toMatchObject({ waiting: 0, rejected: 3 });
    h.answering = 'accept';
    await breach(h);
    expect(h.anomalies.at(-1)).toMatchObject({ sequence: 7, phase: 'firing' });
    expect(h.monitor.status().messages).toMatchObject({ waiting: 0, rejected: 3 });
  });

  test('what the transport cannot carry is put aside and counted as well, and the key goes on', async () => {
    const h = await start();
    const { publish } = h.monitorTransport;
    const message = 'message of 7900 bytes to IoTBlog/anomaly; at most 7000 are sent';
    h.monitorTransport.publish = async (topic, payload, options) =>
      topic === 'IoTBlog/anomaly' ? { ok: false, reason: 'too-large', message } : publish(topic, payload, options);
    await breach(h);
    expect(h.monitor.status().messages).toMatchObject({ waiting: 0, rejected: 1 });
    h.monitorTransport.publish = publish;
    await h.readFor(minuteMs, mild);
    expect(h.anomalies.map(({ phase }) => phase)).toEqual(['resolved']);
    expect(h.monitor.status().messages).toMatchObject({ waiting: 0, rejected: 1 });
  });

  test('answers to another installation, another sequence, of 10 MB or of nonsense change nothing', async () => {
    const h = await start();
    h.answering = 'silent';
    await breach(h);
    const [message] = h.anomalies;
    if (message === undefined) throw new Error('nothing was told');
    h.answer(message, { installationId: 'b'.repeat(32), highWater: 99 });
    h.answer(message, { sequence: 7, highWater: 1 });
    h.answer(message, { deviceId: 'another', highWater: 1 });
    for (const payload of ['', 'null', '{', '[]', 'x'.repeat(9_000), '{"version":2}']) {
      h.send(h.config.topics.ack, payload);
      h.send(`${h.config.topics.status}/handler`, payload);
    }
    await h.settle();
    expect(h.monitor.status().messages.waiting).toBe(1);
    h.answer(message);
    await h.settle();
    expect(h.monitor.status().messages.waiting).toBe(0);
  });
});

describe('idle', () => {
  test('waits for the answer, and not while offline', async () => {
    const h = await start();
    await h.monitor.idle();
    h.answering = 'silent';
    await breach(h);
    let idle = false;
    const waited = h.monitor.idle().then(() => {
      idle = true;
    });
    await h.settle();
    expect(idle).toBe(false);
    const [message] = h.anomalies;
    if (message !== undefined) h.answer(message);
    await waited;
    await h.readFor(5_000, mild);
    h.bus.disconnect('monitor');
    await h.monitor.idle();
  });

  test('ends with the monitor', async () => {
    const h = await start();
    h.answering = 'silent';
    await breach(h);
    const waited = h.monitor.idle();
    await h.monitor.stop();
    await waited;
    expect(h.monitor.status().readings.read).toBe(14);
  });
});

describe('silence', () => {
  test('a sensor that never reads has no data since the start', async () => {
    const h = await start();
    await h.pass(59_000);
    expect(h.anomalies).toEqual([]);
    await h.pass(2_000);
    expect(h.anomalies).toHaveLength(1);
    expect(h.anomalies[0]).toMatchObject({
      metric: '*',
      rule: 'no-data',
      value: null,
      startedAt: '2026-03-01T12:00:00Z',
    });
    h.read(mild);
    await h.settle();
    expect(short(h)).toEqual(['no-data firing 1/1', 'no-data resolved 2/1']);
  });

  test('counts from the last reading, and nothing after the end of a recording', async () => {
    const h = await start();
    await h.readFor(30_000, mild);
    await h.pass(61_000);
    expect(h.anomalies[0]).toMatchObject({
      rule: 'no-data',
      startedAt: '2026-03-01T12:00:30Z',
      at: '2026-03-01T12:01:30Z',
    });
    h.read(mild);
    await h.settle();
    h.sink().ended?.();
    await h.pass(10 * minuteMs, 10_000);
    expect(h.anomalies).toHaveLength(2);
  });

  test('an outage of the monitor is none of the sensor', async () => {
    const h = await start();
    await h.readFor(30_000, mild);
    await h.crash({ downMs: 60 * minuteMs });
    await h.pass(30_000);
    h.read(mild);
    await h.settle();
    expect(h.anomalies).toEqual([]);
  });
});

describe('heartbeats', () => {
  test('say when the last reading was and how the sensor is, in event time', async () => {
    const h = await start();
    expect(h.heartbeats()).toHaveLength(1);
    expect(h.heartbeats()[0]).toMatchObject({ lastReadingAt: null, sensor: 'ok', deviceId: 'IoT-blog_Core' });
    await h.readFor(55_000, mild);
    h.sink().fault({ reason: 'io-error', message: 'the chip does not answer', atMs: h.time.wallMs() });
    await h.pass(5_000);
    expect(h.heartbeats().at(-1)).toMatchObject({
      sensor: 'io-error: the chip does not answer',
      lastReadingAt: '2026-03-01T12:00:55Z',
    });
    expect(h.monitor.status().sensor.fault).toEqual({ reason: 'io-error', message: 'the chip does not answer' });
    h.read(mild);
    expect(h.monitor.status().sensor.fault).toBeUndefined();
    await h.pass(minuteMs);
    expect(h.heartbeats().at(-1)?.sensor).toBe('ok');
  });
});

describe('roll calls', () => {
  test('at the start one empty page, every 15 minutes what fires, with all that a handler needs to adopt it', async () => {
    const h = await start();
    expect(h.rollCalls()).toHaveLength(1);
    expect(h.rollCalls()[0]).toMatchObject({ page: 1, pages: 1, keys: [], software: 'test/1' });
    await h.readFor(15 * minuteMs, hot);
    const [, call] = h.rollCalls();
    expect(call?.callId).not.toBe(h.rollCalls()[0]?.callId);
    expect(call?.keys).toEqual([
      {
        metric: 'temperature',
        rule: 'upper',
        lastSequence: 3,
        waiting: false,
        firing: {
          id: h.anomalies[0]?.id,
          ...{ firingSequence: 1, severity: 'high', unit: '°C', value: 31, limit: 30, deadband: 0.5, peak: 31 },
          ...{ startedAt: '2026-03-01T12:00:05Z', text: 'above the limit' },
        },
      },
    ]);
    h.answering = 'silent';
    await h.readFor(15 * minuteMs, mild);
    expect(h.rollCalls().at(-1)?.keys).toMatchObject([{ lastSequence: 4, firing: null, waiting: true }]);
  });

  test('one that could not be sent is made up for at the reconnect', async () => {
    const h = await start();
    h.bus.disconnect('monitor');
    h.time.advance(16 * minuteMs);
    await h.settle();
    h.bus.connect('monitor');
    await h.settle();
    expect(h.rollCalls()).toHaveLength(2);
    h.bus.disconnect('monitor');
    h.bus.connect('monitor');
    await h.settle();
    expect(h.rollCalls()).toHaveLength(2);
  });
});

test('a breach is published once the disk has it, and not before', async () => {
  const disk = heldSync();
  const h = await start({ deps: { openJournal: (path) => openJournal(path, disk.create) } });
  disk.release();
  await breach(h);
  await h.settle();
  expect(h.anomalies).toEqual([]);
  disk.release();
  await h.settle();
  expect(short(h)).toEqual(['upper firing 1/1']);
});
