import { afterEach, describe, expect, test } from 'vitest';
import { type Config, configSchema } from '../config/schema.ts';
import { type Harness, startHarness } from './monitor-harness.ts';

const minuteMs = 60_000;
const hot = { temperature: 31 };

/** What is `live` in the configuration is changed while the monitor runs; a restart must come to the same. */
const ways = ['live', 'by a restart'] as const;

let harness: Harness | undefined;
afterEach(async () => {
  await harness?.close();
  harness = undefined;
});

async function ready(given: (config: Config) => void = () => {}): Promise<Harness> {
  harness = await startHarness({ config: given });
  return harness;
}

async function change(h: Harness, way: (typeof ways)[number], to: (config: Config) => void): Promise<void> {
  if (way === 'live') {
    to(h.config);
    h.monitor.reconfigure('changed');
    await h.settle();
  } else await h.crash({ config: to });
}

const limits = (metrics: Record<string, object>) => (config: Config) => {
  config.thresholds = configSchema.parse({ thresholds: metrics }).thresholds;
};
const phases = (h: Harness) => h.anomalies.map(({ rule, phase }) => `${rule} ${phase}`);

describe.each(ways)('a change of the configuration, %s', (way) => {
  test('a limit that is raised while breaching ends the breach at the next reading, as changed', async () => {
    const h = await ready();
    await h.readFor(70_000, hot);
    await change(h, way, limits({ temperature: { upper: 40, deadband: 0.5 } }));
    expect(phases(h)).toEqual(['upper firing']);
    await h.readFor(5_000, hot);
    expect(h.anomalies.at(-1)).toMatchObject({ phase: 'resolved', endReason: 'limit changed', firingSequence: 1 });
  });

  test('a value inside the deadband of the raised limit goes on breaching', async () => {
    const h = await ready();
    await h.readFor(70_000, hot);
    await change(h, way, limits({ temperature: { upper: 31.3, deadband: 0.5 } }));
    await h.readFor(10_000, hot);
    expect(phases(h)).toEqual(['upper firing']);
    await h.readFor(5_000, { temperature: 30.8 });
    expect(h.anomalies.at(-1)).toMatchObject({ phase: 'resolved' });
  });

  test('a narrower deadband ends what waited in the wider one', async () => {
    const h = await ready();
    await h.readFor(70_000, hot);
    await h.readFor(10_000, { temperature: 29.8 });
    expect(phases(h)).toEqual(['upper firing']);
    await change(h, way, limits({ temperature: { upper: 30, deadband: 0.1 } }));
    await h.readFor(5_000, { temperature: 29.8 });
    expect(h.anomalies.at(-1)).toMatchObject({ phase: 'resolved', endReason: 'limit changed' });
  });

  test('what is pending under a raised limit is given up, and untold', async () => {
    const h = await ready();
    await h.readFor(30_000, hot);
    await change(h, way, limits({ temperature: { upper: 40 } }));
    await h.readFor(2 * minuteMs, hot);
    expect(h.anomalies).toEqual([]);
  });

  test('a lowered limit begins a breach with the first reading after the change', async () => {
    const h = await ready();
    await h.readFor(minuteMs, { temperature: 29 });
    await change(h, way, limits({ temperature: { upper: 28 } }));
    const changedAtMs = h.time.wallMs();
    await h.readFor(70_000, { temperature: 29 });
    expect(phases(h)).toEqual(['upper firing']);
    expect(Date.parse(h.anomalies[0]?.startedAt ?? '')).toBe(changedAtMs + 5_000);
  });

  test('a shorter on-delay counts for what is pending', async () => {
    const h = await ready(limits({ temperature: { upper: 30, onDelayMs: 5 * minuteMs } }));
    await h.readFor(70_000, hot);
    await change(h, way, limits({ temperature: { upper: 30, onDelayMs: 20_000 } }));
    await h.readFor(5_000, hot);
    expect(phases(h)).toEqual(['upper firing']);
  });

  test('a removed rule ends its occurrence with that reason, without a reading', async () => {
    const h = await ready();
    await h.readFor(70_000, hot);
    await change(h, way, limits({ humidity: { upper: 60 } }));
    expect(h.anomalies.at(-1)).toMatchObject({ phase: 'resolved', endReason: 'rule removed', firingSequence: 1 });
    await h.readFor(70_000, { ...hot, humidity: 70 });
    expect(h.anomalies.at(-1)).toMatchObject({ phase: 'firing', metric: 'humidity' });
    expect(h.anomalies.at(-1)?.window.length).toBeGreaterThan(5);
  });

  test('no-data that is switched off ends; switched on again it counts from there', async () => {
    const h = await ready();
    h.read({ temperature: 20 });
    await h.pass(70_000);
    expect(phases(h)).toEqual(['no-data firing']);
    await change(h, way, ({ noData }) => Object.assign(noData, { enabled: false }));
    expect(h.anomalies.at(-1)).toMatchObject({ phase: 'resolved', endReason: 'rule removed' });
    await h.pass(2 * minuteMs);
    expect(h.anomalies).toHaveLength(2);
    await change(h, way, ({ noData }) => Object.assign(noData, { enabled: true }));
    await h.pass(70_000);
    expect(phases(h).at(-1)).toBe('no-data firing');
  });

  test('a severity that is changed is told of what fires', async () => {
    const h = await ready();
    await h.readFor(70_000, hot);
    await change(h, way, limits({ temperature: { upper: 30, severity: 'critical' } }));
    await h.readFor(5_000, hot);
    expect(h.anomalies.at(-1)).toMatchObject({ phase: 'updated', severity: 'critical' });
  });

  test('heartbeats come at the interval of the change', async () => {
    const h = await ready();
    await change(h, way, ({ monitor }) => Object.assign(monitor, { heartbeatMs: 2_000 }));
    const before = h.heartbeats().length;
    await h.pass(20_000);
    expect(h.heartbeats().length - before).toBe(10);
  });
});

test('what is told after a change names the configuration in force', async () => {
  const h = await ready();
  await h.readFor(70_000, hot);
  expect(h.anomalies[0]?.configVersion).toBe('test');
  await change(h, 'live', limits({ temperature: { upper: 40 } }));
  await h.readFor(5_000, hot);
  expect(h.anomalies.at(-1)?.configVersion).toBe('changed');
});
