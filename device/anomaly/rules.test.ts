import { describe, expect, test } from 'vitest';
import { configSchema } from '../config/schema.ts';
import { rules as allRules } from './anomaly.ts';
import { compileRules, effectiveThresholds, textOf, unitOf } from './rules.ts';

const compile = (config: unknown) => compileRules(configSchema.parse(config));
const keys = (config: unknown) => {
  const { noData, metrics } = compile(config);
  return [...(noData === undefined ? [] : [noData]), ...metrics].map(({ key }) => key);
};

describe('compileRules', () => {
  test('without a word of configuration: both upper limits with their deadbands, and no-data', () => {
    const { noData, metrics } = compile({});
    expect(
      metrics.map(({ metric, detector, onDelayMs, offDelayMs }) => ({ metric, detector, onDelayMs, offDelayMs })),
    ).toEqual([
      {
        metric: 'temperature',
        detector: { rule: 'upper', limit: 30, deadband: 0.5 },
        onDelayMs: 60_000,
        offDelayMs: 0,
      },
      { metric: 'humidity', detector: { rule: 'upper', limit: 50, deadband: 2 }, onDelayMs: 60_000, offDelayMs: 0 },
    ]);
    expect(noData).toMatchObject({ detector: { rule: 'no-data', afterMs: 60_000 }, onDelayMs: 0, severity: 'medium' });
  });

  test('every rule of a metric has a place of its own', () => {
    const all = { upper: 1, lower: 0, rateOfChange: { perMinute: 1 }, stuck: {}, ewma: {} };
    expect(keys({ thresholds: { co2: all, '*': { upper: 1 } } })).toEqual([
      '*/no-data',
      'co2/upper',
      'co2/lower',
      'co2/rate-of-change',
      'co2/stuck',
      'co2/ewma',
      '*/upper',
    ]);
  });

  test('a rule that is switched off is not there', () => {
    expect(keys({ noData: { enabled: false }, thresholds: { temperature: { upper: 'off', lower: 2 } } })).toEqual([
      'temperature/lower',
    ]);
  });

  test('tiers lie outwards from the limit, in order, for upper and lower alone', () => {
    const tiers = [
      { beyond: 10, severity: 'critical' },
      { beyond: 0.1, severity: 'high' },
    ];
    const { metrics } = compile({ thresholds: { t: { upper: 9, lower: -9, ewma: {}, tiers } } });
    expect(metrics.map((rule) => rule.tiers.map(({ from, severity }) => `${from} ${severity}`))).toEqual([
      ['9.1 high', '19 critical'],
      ['-9.1 high', '-19 critical'],
      [],
    ]);
  });

  test('what is stuck has been so for long enough, so no on-delay is added', () => {
    const { metrics } = compile({ thresholds: { t: { stuck: {}, onDelayMs: 5_000 } } });
    expect(metrics).toMatchObject([{ detector: { rule: 'stuck', afterMs: 3_600_000 }, onDelayMs: 0 }]);
  });

  test('where silence is no rule, no gap is told from a long interval', () => {
    const thresholds = { t: { rateOfChange: { perMinute: 1 } } };
    expect(compile({ thresholds }).metrics).toMatchObject([{ detector: { maxGapMs: 60_000 } }]);
    expect(compile({ thresholds, noData: { enabled: false } }).metrics).toMatchObject([
      { detector: { maxGapMs: null } },
    ]);
  });
});

describe('effectiveThresholds', () => {
  test.each([
    ['temperature', {}, 0.5],
    ['humidity', {}, 2],
    ['co2', {}, 0],
    ['temperature', { deadband: 0 }, 0],
    ['co2', { deadband: 7 }, 7],
  ])('%s given %j has a deadband of %d', (metric, given, deadband) => {
    const { thresholds } = configSchema.parse({ thresholds: { [metric]: { upper: 1, ...given } } });
    expect(effectiveThresholds({ thresholds }).get(metric)).toMatchObject({ upper: 1, deadband });
  });
});

test.each([
  ['temperature', 'upper', '°C'],
  ['humidity', 'ewma', '%RH'],
  ['pressure', 'rate-of-change', 'hPa/min'],
  ['co2', 'lower', ''],
  ['*', 'no-data', ''],
] as const)('the unit of %s in rule %s is "%s"', (metric, rule, unit) => {
  expect(unitOf(metric, rule)).toBe(unit);
});

test('every rule says what happened without a number', () => {
  for (const rule of allRules) expect(textOf(rule)).toMatch(/^[a-z -]+$/);
});
