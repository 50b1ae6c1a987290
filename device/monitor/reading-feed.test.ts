import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { silentLogger } from '../platform/logger.ts';
import { manualTime } from '../platform/time.ts';
import { topics } from '../transport/topics.ts';
import type { PublishResult, Transport } from '../transport/transport.ts';
import { createReadingFeed } from './reading-feed.ts';

const clock = { bootId: 'boot', monotonicMs: 0, clockSynchronised: true, clockSource: 'recording' };
const refusal = (reason: 'busy' | 'timeout' | 'offline' | 'unauthorized'): PublishResult => ({
  ...{ ok: false, reason, message: 'the test says so' },
});

/** A feed over a transport whose answers are given by hand. */
function setUp(capacity = 100) {
  const time = manualTime();
  const underWay: { seq: number; settle: (result: PublishResult) => void }[] = [];
  let connected = true;
  let mostUnderWay = 0;
  const transport: Transport = {
    kind: 'fake',
    start: async () => {},
    stop: async () => {},
    subscribe: async () => ({ unsubscribe: async () => {} }),
    onState: () => () => {},
    state: () => (connected ? { state: 'connected' } : { state: 'disconnected', reason: 'test' }),
    publish: (_, payload) =>
      new Promise((settle) => {
        underWay.push({ seq: JSON.parse(String(payload)).seq, settle });
        mostUnderWay = Math.max(mostUnderWay, underWay.length);
      }),
  };
  const names = topics({ sensorData: 'd', anomaly: 'a', ack: 'k', status: 's', perDevice: false });
  const feed = createReadingFeed({
    ...{ transport, topics: names, time, logger: silentLogger, capacity, changed: () => {} },
  });
  let seq = 0;
  const delivered: number[] = [];
  return {
    ...{ feed, time, underWay, delivered },
    most: () => mostUnderWay,
    connect(state: boolean) {
      connected = state;
      if (state) feed.drain();
    },
    read() {
      feed.publish({ site: 'home', deviceId: 'pi', atMs: 0, monotonicMs: 0, seq: seq++, metrics: { t: 1 } }, clock);
    },
    async answer(result: PublishResult) {
      const first = underWay.shift();
      if (first !== undefined && result.ok) delivered.push(first.seq);
      first?.settle(result);
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}
const ok: PublishResult = { ok: true };

describe('the feed of readings', () => {
  test('has a bounded number under way, the rest waits', async () => {
    const f = setUp(1_000);
    for (let n = 0; n < 600; n += 1) f.read();
    expect(f.most()).toBe(256);
    while (f.underWay.length > 0) await f.answer(ok);
    expect(f.delivered).toEqual(Array.from({ length: 600 }, (_, n) => n));
    expect(f.most()).toBe(256);
    expect(f.feed.counts()).toEqual({ published: 600, failed: 0, dropped: 0, buffered: 0 });
    expect(f.feed.isIdle()).toBe(true);
  });

  test('publishes what was refused for now a second later, in its place', async () => {
    const f = setUp();
    for (let n = 0; n < 3; n += 1) f.read();
    await f.answer(refusal('busy'));
    await f.answer(refusal('timeout'));
    await f.answer(refusal('busy'));
    f.read();
    expect(f.underWay).toHaveLength(0);
    expect(f.feed.isIdle()).toBe(false);
    f.time.advance(1_000);
    while (f.underWay.length > 0) await f.answer(ok);
    expect(f.delivered).toEqual([0, 1, 2, 3]);
    expect(f.feed.isIdle()).toBe(true);
  });

  test('gives up what will not be allowed, and counts it', async () => {
    const f = setUp();
    f.read();
    await f.answer(refusal('unauthorized'));
    expect(f.feed.counts()).toEqual({ published: 0, failed: 1, dropped: 0, buffered: 0 });
    expect(f.feed.isIdle()).toBe(true);
  });

  test('whatever is refused, every reading is published, dropped or still there, and nothing overtakes in a calm', async () => {
    const event = fc.constantFrom('read', 'read', 'ok', 'busy', 'timeout', 'offline', 'cut', 'back', 'second');
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 150 }), async (events) => {
        const f = setUp(5);
        let read = 0;
        for (const what of events) {
          if (what === 'read') {
            read += 1;
            f.read();
          } else if (what === 'cut') f.connect(false);
          else if (what === 'back') f.connect(true);
          else if (what === 'second') f.time.advance(1_000);
          else await f.answer(what === 'ok' ? ok : refusal(what));
        }
        const midway = f.feed.counts();
        expect(midway.published + midway.dropped + midway.buffered).toBe(read);
        const before = f.delivered.length;
        while (f.underWay.length > 0) await f.answer(refusal('offline'));
        f.connect(true);
        while (f.underWay.length > 0) await f.answer(ok);
        const drained = f.delivered.slice(before);
        expect(drained).toEqual(drained.toSorted((a, b) => a - b));
        const { published, dropped, buffered } = f.feed.counts();
        expect([published + dropped, buffered]).toEqual([read, 0]);
        expect(new Set(f.delivered).size).toBe(published);
      }),
      { numRuns: 60 },
    );
  });
});
