import { describe, expect, test } from 'vitest';
import type { Occurrence } from '../incident/occurrence.ts';
import { isoUtc } from '../platform/time.ts';
import { createDeviceRules } from './device-rules.ts';
import { startMs, testBreach, testConfig } from './test-handler.ts';

const config = testConfig((given) => {
  given.thresholds = {
    ...given.thresholds,
    temperature: {
      ...{ upper: 30, lower: 5, deadband: 0.5, onDelayMs: 60_000, offDelayMs: 0, severity: 'high', tiers: [] },
      rateOfChange: { perMinute: 2, windowMs: 300_000 },
    },
  };
});
const rules = createDeviceRules(config);

const facts = (values: Record<string, number>, breaches: Occurrence[] = [], deviceId = 'pi') => ({
  ...{ site: 'home', deviceId, breaches },
  values: new Map(Object.entries(values).map(([metric, value]) => [metric, { atMs: startMs, value }])),
});
const of = (given: ReturnType<typeof facts>, metric: string) =>
  rules
    .metrics(given)
    .find((one) => one.metric === metric)
    ?.rules.map(({ rule, state, reason }) => `${rule} ${state}: ${reason}`);

describe('rules of the device that this handler is configured for', () => {
  test.each<[number, string, string]>([
    [21, 'upper ok: at most 30 °C', 'lower ok: at least 5 °C'],
    [30, 'upper ok: at most 30 °C', 'lower ok: at least 5 °C'],
    [30.1, 'upper pending: above 30 °C; fires once that has lasted 1 min', 'lower ok: at least 5 °C'],
    [4.9, 'upper ok: at most 30 °C', 'lower pending: below 5 °C; fires once that has lasted 1 min'],
  ])('at %d °C', (value, upper, lower) => {
    expect(of(facts({ temperature: value }), 'temperature')).toEqual([
      upper,
      lower,
      'rate-of-change watched: fires at more than 2 °C a minute',
    ]);
  });

  test('fire with what the message says, also where it has another limit', () => {
    const breach = testBreach({ metric: 'temperature', value: 33, peak: 34, limit: 32, unit: '°C' });
    const [metric] = rules.metrics(facts({ temperature: 33 }, [breach]));
    expect(metric?.rules[0]).toEqual({
      ...{ rule: 'upper', state: 'firing', reason: 'peak 34 °C, limit 32 °C', severity: 'high' },
      ...{ sinceMs: startMs - 60_000, breachId: breach.id },
    });
  });

  test('neither fire nor end while the sensor does not speak', () => {
    const silent = testBreach({ metric: '*', rule: 'no-data', value: null, limit: null });
    const open = testBreach();
    expect(of(facts({ temperature: 40, humidity: 56 }, [silent, open]), 'temperature')?.[0]).toBe(
      'upper unknown: no readings: it neither fires nor ends meanwhile',
    );
    expect(of(facts({ humidity: 56 }, [silent, open]), 'humidity')).toEqual([
      'upper firing: peak 56.2 %RH, limit 50 %RH; its end cannot be seen while the sensor does not speak',
    ]);
  });

  test('of the whole sensor are said apart', () => {
    expect(rules.whole(facts({})).map(({ rule, state }) => `${rule} ${state}`)).toEqual([
      'no-data ok',
      'device-silent ok',
    ]);
    const silent = testBreach({ metric: '*', rule: 'device-silent', value: null, limit: null });
    expect(rules.whole(facts({}, [silent])).map(({ rule, state }) => `${rule} ${state}`)).toEqual([
      'no-data ok',
      'device-silent firing',
    ]);
  });

  test('come in the order of the configuration', () => {
    expect(
      rules.metrics(facts({ co2: 1, pressure: 1, humidity: 1, temperature: 1 })).map(({ metric }) => metric),
    ).toEqual(['temperature', 'humidity', 'co2', 'pressure']);
  });
});

describe('rules of a device of another machine', () => {
  test('are not known before it tells of a breach', () => {
    expect(rules.metrics(facts({ temperature: 40 }, [], 'freezer'))).toMatchObject([
      { metric: 'temperature', upper: null, limitsFrom: 'nobody', rules: [] },
    ]);
  });

  test('are those that its messages tell', () => {
    const ended = testBreach({
      deviceId: 'freezer',
      metric: 'temperature',
      limit: -18,
      unit: '°C',
      endedAt: isoUtc(startMs),
    });
    expect(rules.metrics(facts({ temperature: -20 }, [ended], 'freezer'))).toMatchObject([
      {
        ...{ metric: 'temperature', unit: '°C', upper: -18, deadband: 2, limitsFrom: 'message' },
        rules: [{ rule: 'upper', state: 'watched', reason: 'limit -18 °C' }],
      },
    ]);
  });
});
