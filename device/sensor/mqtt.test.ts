import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { silentLogger } from '../platform/logger.ts';
import { manualTime } from '../platform/time.ts';
import type { InboundMessage, Transport } from '../transport/transport.ts';
import { createGateway, type GatewayOptions } from './mqtt.ts';
import type { Sample, SensorFault } from './source.ts';

const now = Date.parse('2026-03-01T12:00:00Z');

async function gateway(change: Partial<GatewayOptions> = {}) {
  let handler: (message: InboundMessage) => void | Promise<void> = () => {};
  let subscribed = '';
  const transport: Transport = {
    kind: 'fake',
    start: async () => {},
    stop: async () => {},
    publish: async () => ({ ok: true }),
    async subscribe(filter, listener) {
      subscribed = filter;
      handler = listener;
      return {
        async unsubscribe() {
          subscribed = '';
        },
      };
    },
    state: () => ({ state: 'connected' }),
    onState: () => () => {},
  };
  const time = manualTime(now, 5_000);
  const source = createGateway({
    transport,
    topicFilter: 'IoTBlog/gateway/+',
    maxPayloadBytes: 2_000,
    maxDevices: 3,
    idleMs: 60_000,
    time,
    logger: silentLogger,
    plausibility: { temperature: { min: -40, max: 120, maxStep: 20 } },
    ...change,
  });
  const samples: Sample[] = [];
  const faults: SensorFault[] = [];
  const evicted: string[] = [];
  await source.start({
    sample: (sample) => samples.push(sample),
    fault: (fault) => faults.push(fault),
    evicted: (deviceId) => evicted.push(deviceId),
  });
  return {
    source,
    time,
    samples,
    faults,
    evicted,
    subscribed: () => subscribed,
    send(topic: string, payload: unknown) {
      const bytes =
        payload instanceof Uint8Array
          ? payload
          : new TextEncoder().encode(typeof payload === 'string' ? payload : JSON.stringify(payload));
      void handler({ topic, payload: bytes });
    },
  };
}

const reading = (change: object = {}) => ({
  version: 1,
  site: 'barn',
  deviceId: 'd1',
  ts: '2026-03-01T11:59:58Z',
  seq: 4,
  metrics: { temperature: 21, co2: 400 },
  bootId: 'b',
  monotonicMs: 77,
  clockSynchronised: true,
  clockSource: 'chrony',
  ...change,
});

describe('createGateway', () => {
  test('takes the reading schema, with the sender’s site and stamp and the arrival’s monotonic instant', async () => {
    const { samples, send, subscribed } = await gateway();
    expect(subscribed()).toBe('IoTBlog/gateway/+');
    send('IoTBlog/gateway/d1', reading());
    expect(samples).toEqual([
      { deviceId: 'd1', site: 'barn', atMs: now - 2_000, monotonicMs: 5_000, metrics: { temperature: 21, co2: 400 } },
    ]);
  });

  test('takes a flat object of numbers; the device is the last level of the topic', async () => {
    const { samples, send } = await gateway();
    send('IoTBlog/gateway/attic%2Fnorth', { temperature: 19.5 });
    expect(samples).toEqual([
      { deviceId: 'attic/north', atMs: now, monotonicMs: 5_000, metrics: { temperature: 19.5 } },
    ]);
  });

  test.each([
    ['of a clock that is not synchronised', { clockSynchronised: false }],
    ['of 1970', { ts: '1970-01-01T00:00:00Z' }],
    ['of tomorrow', { ts: '2026-03-02T12:00:00Z' }],
  ])('a stamp %s is replaced by the arrival', async (_what, change) => {
    const { samples, send } = await gateway();
    send('IoTBlog/gateway/d1', reading(change));
    expect(samples[0]?.atMs).toBe(now);
  });

  test.each([
    ['no JSON', 'temperature=20'],
    ['NaN', '{"temperature":NaN}'],
    ['infinity', '{"temperature":1e999}'],
    ['a text for a number', { temperature: '20' }],
    ['null', 'null'],
    ['a list', [20]],
    ['a number', '20'],
    ['no metrics', {}],
    ['a metric called *', { '*': 1 }],
    ['a control character in a name', { 'a\u0000b': 1 }],
    ['too many metrics', Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`m${index}`, index]))],
    ['broken UTF-8', Uint8Array.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ['an unknown version', reading({ version: 2 })],
    ['a reading without its stamp', reading({ ts: 'now' })],
    ['another device than the topic’s', reading({ deviceId: 'd2' })],
    ['more bytes than are allowed', { temperature: 20, [`m${'x'.repeat(2_000)}`]: 1 }],
  ])('%s is counted and dropped', async (_what, payload) => {
    const { samples, faults, send, source } = await gateway();
    send('IoTBlog/gateway/d1', payload);
    expect([samples, faults]).toEqual([[], []]);
    expect(source.stats()).toEqual({ read: 0, failed: 1, skipped: 0 });
  });

  test('the reserved id and a topic without a device are refused', async () => {
    const { send, source } = await gateway();
    send('IoTBlog/gateway/handler', { temperature: 20 });
    send('IoTBlog/gateway/', { temperature: 20 });
    expect(source.stats().failed).toBe(2);
  });

  test('where the topic names no device the payload does', async () => {
    const { samples, send } = await gateway({ topicFilter: 'farm/readings' });
    send('farm/readings', reading({ deviceId: 'd9' }));
    expect(samples[0]?.deviceId).toBe('d9');
  });

  test('an unbelievable value is a fault of its device, told once until it recovers', async () => {
    const { samples, faults, send } = await gateway();
    for (const temperature of [20, 500, 500, 20, 500]) send('IoTBlog/gateway/d1', { temperature });
    send('IoTBlog/gateway/d2', { temperature: 70 });
    expect(samples.map((sample) => [sample.deviceId, sample.metrics['temperature']])).toEqual([
      ['d1', 20],
      ['d1', 20],
      ['d2', 70],
    ]);
    expect(faults.map((fault) => [fault.deviceId, fault.reason])).toEqual([
      ['d1', 'implausible'],
      ['d1', 'implausible'],
    ]);
  });

  test('with one device too many the longest idle is put away', async () => {
    const { evicted, send } = await gateway();
    for (const device of ['a', 'b', 'c', 'a', 'd', 'e']) send(`IoTBlog/gateway/${device}`, { temperature: 20 });
    expect(evicted).toEqual(['b', 'c']);
  });

  test('a device that is silent for the idle time is put away, one that speaks is not', async () => {
    const { evicted, send, time } = await gateway();
    send('IoTBlog/gateway/quiet', { temperature: 20 });
    for (let minute = 0; minute < 5; minute += 1) {
      send('IoTBlog/gateway/loud', { temperature: 20 });
      time.advance(30_000);
    }
    expect(evicted).toEqual(['quiet']);
    time.advance(70_000);
    expect(evicted).toEqual(['quiet', 'loud']);
  });

  test('property: no more devices than allowed are ever held', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 60 }), async (devices) => {
        const { evicted, samples, send } = await gateway();
        const held = new Set<string>();
        let seen = 0;
        for (const device of devices) {
          send(`IoTBlog/gateway/d${device}`, { temperature: 20 });
          for (const gone of evicted.slice(seen)) held.delete(gone);
          seen = evicted.length;
          held.add(`d${device}`);
          expect(held.size).toBeLessThanOrEqual(3);
        }
        expect(samples).toHaveLength(devices.length);
      }),
    );
  });

  test('after stop nothing is handed over or put away', async () => {
    const { source, samples, evicted, send, time, subscribed } = await gateway();
    send('IoTBlog/gateway/a', { temperature: 20 });
    await source.stop();
    expect(subscribed()).toBe('');
    send('IoTBlog/gateway/a', { temperature: 20 });
    time.advance(600_000);
    expect([samples.length, evicted, time.nextTimerAt()]).toEqual([1, [], undefined]);
  });
});
