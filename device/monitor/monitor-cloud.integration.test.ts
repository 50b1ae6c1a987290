import { afterEach, expect, test } from 'vitest';
import { type AnomalyMessage, anomalyMessage } from '../anomaly/anomaly.ts';
import { readingMessage } from '../reading/reading.ts';
import type { PublishOptions, PublishResult, TransportState } from '../transport/transport.ts';
import { type Harness, type HarnessOptions, startHarness } from './monitor-harness.ts';

const hot = { temperature: 31 };
const mild = { temperature: 25 };
const minuteMs = 60_000;
const away: PublishResult = { ok: false, reason: 'busy', message: 'no connection to AWS IoT Core' };

let h: Harness;

afterEach(() => h.close());

/** AWS IoT Core written by hand: what it took, and how it answers from now on. */
function cloudByHand() {
  let connection: TransportState = { state: 'connected' };
  const listeners = new Set<(state: TransportState) => void>();
  const cloud = {
    anomalies: [] as AnomalyMessage[],
    readings: [] as { value: number | undefined; qos: 0 | 1 | undefined }[],
    asked: 0,
    become(state: TransportState) {
      connection = state;
      for (const listener of listeners) listener(state);
    },
    state: () => connection,
    onState(listener: (state: TransportState) => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    answer: (): PublishResult | Promise<PublishResult> => ({ ok: true }),
    async publish(topic: string, payload: string | Uint8Array, options?: PublishOptions): Promise<PublishResult> {
      cloud.asked += 1;
      const result = await cloud.answer();
      if (!result.ok) return result;
      const message: unknown = JSON.parse(String(payload));
      if (topic === 'IoTBlog/anomaly') cloud.anomalies.push(anomalyMessage.parse(message));
      else cloud.readings.push({ value: readingMessage.parse(message).metrics['temperature'], qos: options?.qos });
      return result;
    },
  };
  return cloud;
}

async function started(cloud: ReturnType<typeof cloudByHand>, options: HarnessOptions = {}) {
  h = await startHarness({ ...options, cloud });
}

const breach = async () => {
  await h.readFor(2 * minuteMs, hot);
  await h.readFor(minuteMs, mild);
};
const phases = (messages: readonly AnomalyMessage[]) => messages.map(({ phase }) => phase);
const cloudStatus = () => h.monitor.status().cloud?.messages;

test('readings go to both, and anomalies to both, each of them once', async () => {
  const cloud = cloudByHand();
  await started(cloud);
  await breach();
  expect(phases(h.anomalies)).toEqual(['firing', 'resolved']);
  expect(cloud.anomalies).toEqual(h.anomalies);
  expect(cloud.readings).toHaveLength(h.readings.length);
  expect(cloud.readings[0]).toEqual({ value: 31, qos: 0 });
  expect(cloudStatus()).toEqual({ waiting: 0, delivered: 2, lost: 0, refusal: undefined });
});

test('a transport without a cloud of its own keeps nothing for it', async () => {
  h = await startHarness();
  await breach();
  expect(h.monitor.status().cloud).toBeUndefined();
});

test('while the cloud is away the handler is told as ever; then the cloud hears of each breach, in order', async () => {
  const cloud = cloudByHand();
  cloud.answer = () => away;
  await started(cloud);
  await breach();
  await breach();
  expect(phases(h.anomalies)).toEqual(['firing', 'resolved', 'firing', 'resolved']);
  expect(h.monitor.status().messages.waiting).toBe(0);
  expect(cloudStatus()).toMatchObject({ delivered: 0, refusal: away.message });
  cloud.answer = () => ({ ok: true });
  await h.readFor(10 * minuteMs, mild);
  // What nobody there had seen of a breach is told by its last message; what was tried is not changed any more.
  const keptOf = new Set(h.anomalies.map(({ id }) => id));
  expect(new Set(cloud.anomalies.map(({ id }) => id))).toEqual(keptOf);
  expect(phases(cloud.anomalies).filter((phase) => phase === 'resolved')).toHaveLength(2);
  expect(cloud.anomalies.map(({ sequence }) => sequence)).toEqual(
    cloud.anomalies.map(({ sequence }) => sequence).sort((a, b) => a - b),
  );
  expect(cloudStatus()).toMatchObject({ waiting: 0, lost: 0, refusal: undefined });
});

test('while the handler is away the cloud is told as ever', async () => {
  const cloud = cloudByHand();
  await started(cloud);
  h.answering = 'silent';
  await breach();
  expect(phases(cloud.anomalies)).toEqual(['firing', 'resolved']);
  expect(h.monitor.status().messages.waiting).toBe(2);
});

test('what the handler’s way lacks does not stop the cloud’s, and the other way round', async () => {
  const cloud = cloudByHand();
  await started(cloud);
  h.bus.disconnect('monitor');
  await breach();
  expect(phases(cloud.anomalies)).toEqual(['firing', 'resolved']);
  expect(cloud.readings.length).toBeGreaterThan(30);
  h.bus.connect('monitor');
  await h.pass(minuteMs);
  const { asked } = cloud;
  cloud.become({ state: 'disconnected', reason: 'the nucleus is away' });
  await breach();
  expect(h.monitor.status().messages.waiting).toBe(0);
  expect(cloud.asked).toBe(asked);
  cloud.become({ state: 'connected' });
  await h.pass(2_000);
  expect(phases(cloud.anomalies).at(-1)).toBe('resolved');
  expect(cloudStatus()?.waiting).toBe(0);
});

test('a pause between attempts grows, so that an outage costs little', async () => {
  const cloud = cloudByHand();
  cloud.answer = () => away;
  await started(cloud, { config: (config) => (config.monitor.bufferReadings = 0) });
  await h.readFor(2 * minuteMs, hot);
  const before = cloud.asked;
  await h.pass(60 * minuteMs, 10_000);
  expect(cloud.asked - before).toBeLessThan(30);
});

test('what the cloud has not taken survives a crash, and what it has taken is not told again', async () => {
  const cloud = cloudByHand();
  await started(cloud);
  await h.readFor(2 * minuteMs, hot);
  expect(phases(cloud.anomalies)).toEqual(['firing']);
  cloud.answer = () => away;
  await h.readFor(minuteMs, mild);
  await h.crash();
  expect(cloudStatus()?.waiting).toBe(1);
  cloud.answer = () => ({ ok: true });
  await h.readFor(10 * minuteMs, mild);
  expect(phases(cloud.anomalies)).toEqual(['firing', 'resolved']);
  expect(phases(h.anomalies)).toEqual(['firing', 'resolved']);
});

test('a crash between the cloud’s answer and its record tells it again, never not at all', async () => {
  const cloud = cloudByHand();
  await started(cloud);
  let settle: (result: PublishResult) => void = () => {};
  cloud.answer = () => new Promise((resolve) => (settle = resolve));
  await h.readFor(2 * minuteMs, hot);
  cloud.answer = () => ({ ok: true });
  await h.crash();
  settle({ ok: true });
  await h.pass(minuteMs);
  expect(new Set(cloud.anomalies.map(({ sequence }) => sequence))).toEqual(new Set([1]));
});

test('beyond the bound the oldest are lost to the cloud, counted, and the handler has them all', async () => {
  const cloud = cloudByHand();
  cloud.answer = () => away;
  await started(cloud, { config: (config) => (config.monitor.maxCloudMessages = 3) });
  for (let breaches = 0; breaches < 6; breaches += 1) await breach();
  expect(h.anomalies).toHaveLength(12);
  const status = cloudStatus();
  expect(status?.waiting).toBeLessThanOrEqual(4);
  expect(status?.lost).toBeGreaterThan(0);
});

test('a message that is too large for the cloud is counted as lost, and the next one goes', async () => {
  const cloud = cloudByHand();
  cloud.answer = () => ({ ok: false, reason: 'too-large', message: 'too large' });
  await started(cloud);
  await h.readFor(2 * minuteMs, hot);
  expect(cloudStatus()).toMatchObject({ waiting: 0, lost: 1 });
  cloud.answer = () => ({ ok: true });
  await h.readFor(minuteMs, mild);
  expect(phases(cloud.anomalies)).toEqual(['resolved']);
});

test('readings for the cloud wait in a buffer of their own, the oldest are dropped', async () => {
  const cloud = cloudByHand();
  cloud.answer = () => away;
  await started(cloud, { config: (config) => (config.monitor.bufferReadings = 10) });
  await h.readFor(2 * minuteMs, mild);
  const { readings } = h.monitor.status();
  expect(readings).toMatchObject({ dropped: 0, buffered: 0 });
  expect(h.monitor.status().cloud?.readings.dropped).toBeGreaterThan(5);
  cloud.answer = () => ({ ok: true });
  await h.pass(minuteMs);
  expect(h.monitor.status().cloud?.readings.buffered).toBe(0);
});

test('stamps of a wrong clock are corrected for the cloud, too', async () => {
  const cloud = cloudByHand();
  cloud.answer = () => away;
  await started(cloud, { clock: { synchronised: false, source: 'timesyncd' } });
  await h.readFor(2 * minuteMs, hot);
  h.time.setWall(h.time.wallMs() + 3_600_000);
  h.clock = { synchronised: true, source: 'timesyncd' };
  await h.pass(2 * minuteMs);
  cloud.answer = () => ({ ok: true });
  await h.readFor(10 * minuteMs, mild);
  const [told] = cloud.anomalies;
  const [first] = h.anomalies;
  expect(Date.parse(told?.startedAt ?? '') - Date.parse(first?.startedAt ?? '')).toBeGreaterThan(3_500_000);
});
