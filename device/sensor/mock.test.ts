import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { configSchema } from '../config/schema.ts';
import { jumpingTime } from '../platform/jumping-time.ts';
import { silentLogger } from '../platform/logger.ts';
import { type ManualTime, manualTime } from '../platform/time.ts';
import {
  defaultScenario,
  type ExpectedBreach,
  findScenario,
  type Scenario,
  scenarios,
  truthOf,
} from './mock/scenarios.ts';
import { meanWeather, quantised, weatherChance } from './mock/weather.ts';
import { createMockSensor } from './mock.ts';
import { createSampler } from './sampler.ts';
import type { Sample, SensorFault } from './source.ts';

/** Runs a scenario's sensor and sampler on a manual clock. */
async function run(scenario: string, durationMs: number, options: { seed?: number; intervalMs?: number } = {}) {
  const manual = manualTime(0);
  const { time, jumpWall } = jumpingTime(manual);
  const samples: Sample[] = [];
  const faults: SensorFault[] = [];
  const sensor = createMockSensor({
    seed: options.seed ?? 1,
    scenario,
    time,
    jumpWall,
  });
  const sampler = createSampler({
    sensor,
    time,
    logger: silentLogger,
    pace: { intervalMs: options.intervalMs ?? 500, timeoutMs: 400, faultBackoffMaxMs: 1_000 },
    warmUpReadings: 1,
    plausibility: configSchema.parse({}).sensor.plausibility,
  });
  await sampler.start({ sample: (sample) => samples.push(sample), fault: (fault) => faults.push(fault) });
  await pass(manual, durationMs);
  await sampler.stop();
  return { samples, faults, values: (metric: string) => samples.map((sample) => sample.metrics[metric] ?? Number.NaN) };
}

async function pass(time: ManualTime, ms: number): Promise<void> {
  for (let passed = 0; passed <= ms; passed += 100) {
    time.advance(passed === 0 ? 0 : 100);
    for (let turn = 0; turn < 6; turn += 1) await Promise.resolve();
  }
}

describe('the mock’s weather', () => {
  test('the same seed, scenario and instants give the same samples; another seed gives others', async () => {
    const [first, again, other] = [
      await run('calm', 20_000),
      await run('calm', 20_000),
      await run('calm', 20_000, { seed: 2 }),
    ];
    expect(first.samples.length).toBe(40);
    expect(again.samples).toEqual(first.samples);
    expect(other.samples).not.toEqual(first.samples);
  });

  test('an instant has its value however often the sensor was read before it', () => {
    const [often, once] = [weatherChance(7), weatherChance(7)];
    for (let at = 0; at < 60_000; at += 250) often(at);
    expect(often(60_000)).toEqual(once(60_000));
  });

  test('a day has its highest mean temperature in the afternoon and its lowest humidity with it', () => {
    const hours = Array.from({ length: 24 }, (_, hour) => ({
      hour: (9 + hour) % 24,
      ...meanWeather(hour * 3_600_000),
    }));
    const hottest = hours.reduce((best, hour) => (hour.temperature > best.temperature ? hour : best));
    const driest = hours.reduce((best, hour) => (hour.humidity < best.humidity ? hour : best));
    expect([hottest.hour, driest.hour]).toEqual([17, 17]);
    for (const hour of hours) {
      expect(hour.temperature).toBeLessThan(29);
      expect(hour.humidity).toBeLessThan(48);
    }
  });

  test('property: values are on the chip’s grid and in its range', () => {
    const number = fc.double({ min: -30, max: 130, noNaN: true });
    fc.assert(
      fc.property(number, number, number, (temperature, humidity, pressure) => {
        const chip = quantised({ temperature, humidity, pressure: 900 + pressure });
        expect(Number.isInteger(chip.temperature * 64)).toBe(true);
        expect(Number.isInteger(chip.humidity * 256)).toBe(true);
        expect(chip.humidity >= 0 && chip.humidity <= 100).toBe(true);
        expect(Math.abs(chip.temperature - temperature)).toBeLessThanOrEqual(1 / 128);
      }),
    );
  });

  test('a calm day stays within the default limits for many seeds', async () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const { values } = await run('calm', 600_000, { seed, intervalMs: 10_000 });
      expect(Math.max(...values('humidity'))).toBeLessThan(50);
      expect(Math.max(...values('temperature'))).toBeLessThan(30);
    }
  });
});

describe('scripted faults', () => {
  test('nothing of bad-readings is a value: every sample is near the truth, and each fault is told', async () => {
    const scenario = findScenario('bad-readings');
    if (scenario === undefined) throw new Error('the scenario exists');
    const { samples, faults } = await run(scenario.name, scenario.durationMs);
    for (const sample of samples) {
      const truth = truthOf(scenario, sample.monotonicMs);
      expect(Math.abs((sample.metrics['humidity'] ?? 0) - truth.humidity)).toBeLessThan(2);
      expect(Math.abs((sample.metrics['temperature'] ?? 0) - truth.temperature)).toBeLessThan(1);
    }
    const reasons = faults.map((fault) => fault.reason);
    expect(reasons).toEqual(['implausible', 'implausible', 'timeout', 'not-ready', 'implausible']);
  });

  test('a stuck sensor repeats one value while it is stuck', async () => {
    const { samples } = await run('stuck-sensor', 24_000);
    const during = samples.filter((sample) => sample.monotonicMs >= 4_000 && sample.monotonicMs < 20_000);
    const after = samples.filter((sample) => sample.monotonicMs >= 20_500);
    expect(new Set(during.map((sample) => sample.metrics['temperature'])).size).toBe(1);
    expect(new Set(after.map((sample) => sample.metrics['temperature'])).size).toBeGreaterThan(1);
  });

  test('a dropout is a fault with its reason and hands nothing over', async () => {
    const { samples, faults } = await run('sensor-dropout', 20_000);
    expect(faults.map((fault) => [fault.reason, fault.atMs])).toEqual([['io-error', 4_000]]);
    expect(samples.filter((sample) => sample.monotonicMs >= 4_000 && sample.monotonicMs < 16_000)).toEqual([]);
    expect(samples.at(-1)?.monotonicMs).toBeGreaterThan(18_000);
  });

  test('a clock jump moves wall time once and leaves the pace alone', async () => {
    const { samples } = await run('clock-jump', 14_000);
    const jumps = samples.filter((sample) => sample.atMs - sample.monotonicMs === 3_600_000);
    expect(jumps[0]?.monotonicMs).toBe(12_000);
    expect(samples.map((sample) => sample.monotonicMs)).toEqual(
      Array.from({ length: 28 }, (_, slot) => (slot + 1) * 500),
    );
  });

  test('an unknown scenario is one clear sentence that names those there are', () => {
    const make = () => createMockSensor({ seed: 1, scenario: 'nope', time: manualTime(), jumpWall: () => {} });
    expect(make).toThrow('There is no scenario "nope" (sensor.mock.scenario). There are: humidity-breach');
  });
});

describe('scenarios', () => {
  const limits = { temperature: { upper: 30, deadband: 0.5 }, humidity: { upper: 50, deadband: 2 } };

  /** Breaches of the upper limits, by the rule of the deadband, in a series of instants and values. */
  function breachesOf(metric: 'temperature' | 'humidity', series: [number, number][]): ExpectedBreach[] {
    const found: ExpectedBreach[] = [];
    let since: number | undefined;
    for (const [at, value] of series) {
      if (since === undefined && value > limits[metric].upper) since = at;
      else if (since !== undefined && value <= limits[metric].upper - limits[metric].deadband) {
        found.push({ metric, rule: 'upper', startedAfterMs: since, endedAfterMs: at });
        since = undefined;
      }
    }
    expect(since).toBeUndefined();
    return found;
  }

  function expectClose(found: ExpectedBreach[], scenario: Scenario, metric: string, withinMs: number): void {
    const expected = scenario.expected.breaches.filter((breach) => breach.rule === 'upper' && breach.metric === metric);
    expect(found).toHaveLength(expected.length);
    found.forEach((breach, index) => {
      expect(Math.abs(breach.startedAfterMs - (expected[index]?.startedAfterMs ?? 0))).toBeLessThanOrEqual(withinMs);
      expect(Math.abs(breach.endedAfterMs - (expected[index]?.endedAfterMs ?? 0))).toBeLessThanOrEqual(withinMs);
    });
  }

  test.each(scenarios)('$name: its truth has the breaches that it states', (scenario) => {
    for (const metric of ['temperature', 'humidity'] as const) {
      const series = Array.from({ length: scenario.durationMs / 10 }, (_, step): [number, number] => [
        step * 10,
        truthOf(scenario, step * 10)[metric],
      ]);
      expectClose(breachesOf(metric, series), scenario, metric, 300);
    }
  });

  test.each(scenarios)('$name: its samples have them too, with any seed, within two intervals', async (scenario) => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const { samples } = await run(scenario.name, scenario.durationMs, { seed });
      for (const metric of ['temperature', 'humidity'] as const) {
        const series = samples.map((sample): [number, number] => [sample.monotonicMs, sample.metrics[metric] ?? 0]);
        expectClose(breachesOf(metric, series), scenario, metric, 1_000);
      }
    }
  });

  test.each(scenarios)('$name: its configuration is valid and says why its delays are short', (scenario) => {
    expect(configSchema.safeParse(scenario.configuration).error).toBeUndefined();
    expect(scenario.description).toMatch(/delays/i);
  });

  test('names are unique, and the default is one of them', () => {
    expect(new Set(scenarios.map((scenario) => scenario.name)).size).toBe(scenarios.length);
    expect(findScenario(defaultScenario)?.name).toBe('humidity-breach');
  });
});
