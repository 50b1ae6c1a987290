import { afterEach, describe, expect, test } from 'vitest';
import type { Config } from '../config/schema.ts';
import { type Harness, startHarness } from './handler-harness.ts';

const minuteMs = 60_000;

/** What is `live` in the configuration is changed while the handler runs; a restart must come to the same. */
const ways = ['live', 'by a restart'] as const;

let harness: Harness | undefined;
afterEach(async () => {
  await harness?.close();
  harness = undefined;
});

async function ready(given: (config: Config) => void = () => {}) {
  let inUse: Config | undefined;
  const h = await startHarness((config) => {
    given(config);
    inUse = config;
  });
  harness = h;
  // An empty store waits for the settle time before its first write.
  await h.pass(2 * minuteMs);
  return {
    h,
    async change(way: (typeof ways)[number], change: (config: Config) => void) {
      if (inUse !== undefined) change(inUse);
      if (way === 'live') h.handler.reconfigure();
      else await h.restart();
      await h.settle();
    },
  };
}

async function endOf(h: Harness, fired: ReturnType<Harness['anomaly']>): Promise<void> {
  await h.settle();
  const at = new Date(h.time.wallMs()).toISOString();
  const { id, metric, firingSequence } = fired;
  h.anomaly({ id, metric, firingSequence, phase: 'resolved', endedAt: at, endReason: 'limit changed' });
  await h.settle();
}

describe.each(ways)('a change of the configuration, %s', (way) => {
  test('the quiet period is that of the change, from the next recovery on', async () => {
    const { h, change } = await ready();
    const fired = h.anomaly();
    await change(way, (config) => Object.assign(config.handler, { quietMs: minuteMs }));
    await endOf(h, fired);
    await h.pass(3 * minuteMs);
    expect(h.destination.rows[0]?.state).toBe('resolved');
  });

  test('a recovery is only noted once that is what follows it', async () => {
    const { h, change } = await ready();
    const fired = h.anomaly();
    await change(way, (config) => Object.assign(config.handler, { onRecovery: 'note' }));
    await endOf(h, fired);
    await h.pass(30 * minuteMs);
    expect(h.destination.rows[0]?.state).toBe('new');
  });

  test('a storm begins where the change says', async () => {
    const { h, change } = await ready();
    h.anomaly({ metric: 'a' });
    await h.settle();
    await change(way, (config) => Object.assign(config.handler.storm, { keys: 2 }));
    for (const metric of ['b', 'c', 'd']) h.anomaly({ metric });
    await h.pass(3 * minuteMs);
    expect(h.destination.rows.some((row) => row.correlationId.endsWith('/storm'))).toBe(true);
  });

  test('what an earlier cap held back opens under a higher one', async () => {
    const { h, change } = await ready((config) => Object.assign(config.handler, { maxNewPerHour: 1 }));
    for (const metric of ['a', 'b', 'c']) h.anomaly({ metric });
    await h.pass(minuteMs);
    expect(h.destination.rows).toHaveLength(1);
    await change(way, (config) => Object.assign(config.handler, { maxNewPerHour: 10 }));
    await h.pass(2 * minuteMs);
    expect(h.destination.rows).toHaveLength(3);
  });

  test('a device is silent after the time of the change', async () => {
    const { h, change } = await ready();
    h.heartbeat();
    h.alive = false;
    await h.settle();
    await change(way, (config) => Object.assign(config.handler, { deviceSilentMs: minuteMs }));
    await h.pass(3 * minuteMs);
    expect(h.destination.rows.map((row) => row.correlationId)).toEqual(['home/pi/*/device-silent']);
  });

  test('a rule of the handler’s own that is switched off ends what it raised, with that reason', async () => {
    const { h, change } = await ready();
    h.heartbeat();
    h.alive = false;
    await h.pass(7 * minuteMs);
    expect(h.destination.rows).toHaveLength(1);
    await change(way, (config) => Object.assign(config.handler, { deviceSilentMs: 0 }));
    await h.pass(20 * minuteMs);
    expect(h.destination.rows[0]?.state).toBe('resolved');
    expect(h.handler.recent(1)[0]?.message.endReason).toBe('rule removed');
    await change(way, (config) => Object.assign(config.handler, { deviceSilentMs: 5 * minuteMs }));
    await h.pass(10 * minuteMs);
    expect(h.handler.firing(10).map(({ message }) => message.rule)).toEqual(['device-silent']);
  });
});
