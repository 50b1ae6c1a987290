import { describe, expect, test } from 'vitest';
import type { HandlerStatusMessage } from '../anomaly/anomaly.ts';
import { lockDataDir } from '../platform/data-lock.ts';
import { isoUtc } from '../platform/time.ts';
import { type Harness, startMs } from './handler-harness.ts';
import { minuteMs, ready } from './story-harness.ts';

function other(h: Harness, change: Partial<HandlerStatusMessage> = {}): HandlerStatusMessage {
  return {
    version: 1,
    kind: 'handler',
    handlerId: 'older',
    startId: 'its start',
    startedAt: isoUtc(startMs - 1_000),
    instance: h.destination.instance,
    state: 'active',
    at: isoUtc(startMs),
    ...change,
  };
}

describe('one handler serves an instance', () => {
  test('a second one stays passive, and takes over when the first falls silent', async () => {
    const h = await ready();
    h.send('IoTBlog/status/handler', other(h));
    await h.settle();
    expect(h.handler.status()).toMatchObject({ claim: 'passive', servedBy: 'older' });
    h.anomaly();
    await h.settle();
    expect(h.answers).toHaveLength(0);
    await h.pass(2 * minuteMs);
    expect(h.handler.status().claim).toBe('active');
  });

  test('what the first one sent may still be on its way, so the second one waits the settle time', async () => {
    const h = await ready();
    h.anomaly();
    await h.settle();
    h.send('IoTBlog/status/handler', other(h));
    await h.pass(minuteMs, 1_000);
    expect(h.handler.status().claim).toBe('active');
    h.anomaly({ metric: 'humidity' });
    await h.pass(70_000, 1_000);
    expect(h.destination.calls.create).toBe(1);
    await h.pass(20_000, 1_000);
    expect(h.destination.calls.create).toBe(2);
  });

  test.each<[string, Partial<HandlerStatusMessage>]>([
    ['a younger one', { startedAt: isoUtc(startMs + 1_000) }],
    ['one of another instance', { instance: 'elsewhere' }],
    ['one that is passive itself', { state: 'passive' }],
  ])('%s changes nothing', async (_name, change) => {
    const h = await ready();
    h.send('IoTBlog/status/handler', other(h, change));
    await h.settle();
    expect(h.handler.status().claim).toBe('active');
  });

  test('a copy of its data directory is another handler', async () => {
    const h = await ready();
    h.anomaly();
    await h.settle();
    const handlerId = h.answers[0]?.handlerId ?? '';
    h.send('IoTBlog/status/handler', other(h, { handlerId }));
    await h.settle();
    expect(h.handler.status().claim).toBe('passive');
  });

  test('a second process on its data directory is refused with a sentence', async () => {
    const h = await ready();
    expect(() => lockDataDir(h.dataDir, 'anomaly-handler')).toThrow(
      /Another anomaly-handler runs with the data directory/,
    );
  });
});

describe('a change of instance', () => {
  test('open breaches open there, the old one’s pending steps are put aside, and are told when it is served again', async () => {
    const h = await ready();
    const first = h.anomaly();
    await h.settle();
    const old = h.destination;
    old.writeFaults.push({ ok: false, kind: 'refused-record', message: 'no' });
    h.anomaly({ metric: 'humidity' });
    await h.settle();
    expect([old.rows.length, h.handler.status().counts.dead]).toEqual([1, 1]);

    await h.restart({ instance: 'other/incident' });
    await h.pass(100_000);
    expect(h.destination.rows.map((row) => row.correlationId).sort()).toEqual([
      'home/pi/humidity/upper',
      'home/pi/temperature/upper',
    ]);
    expect(h.handler.status().counts).toMatchObject({ firing: 2, aside: 1, dead: 0 });
    expect(old.rows[0]?.state).toBe('new');

    await h.restart({ instance: old.instance });
    await h.pass(100_000);
    expect(h.destination.rows).toHaveLength(2);
    expect(h.destination.rows[0]?.openedBy).toBe(first.id);
    expect(h.handler.status().counts).toMatchObject({ firing: 2, aside: 0, entries: 0 });
  });

  test('what a storm held that people ended on the old one opens there, as what they ended by itself does', async () => {
    const h = await ready((config) => {
      config.handler.storm = { keys: 1, windowMs: minuteMs };
    });
    for (const metric of ['a', 'b']) h.anomaly({ metric });
    await h.pass(2 * minuteMs);
    h.destination.edit('INC0010002', { state: 'canceled' });
    h.anomaly({ metric: 'c' });
    await h.pass(2 * minuteMs);
    await h.restart({ instance: 'other/incident' });
    await h.pass(2 * minuteMs);
    expect(h.destination.rows.map((row) => row.correlationId).sort()).toEqual([
      ...['home/pi/a/upper', 'home/pi/b/upper', 'home/pi/c/upper'],
    ]);
  });
});
