import { describe, expect, test } from 'vitest';
import { detect, firing, initialDetection, noDataDueMs, resumeListening } from './detect.ts';
import {
  defaults,
  every,
  minute,
  reading,
  rulesOf,
  run,
  second,
  swift,
  tick,
  wallMs,
  warm,
} from './detection-trace.ts';

describe('detect', () => {
  test('tells a breach from its first reading to its first clear, with all that a message needs', () => {
    const { transitions } = run(defaults, [...every(10 * second, 0, minute, 31.25), warm(70 * second, 29.5)]);
    const common = {
      metric: 'temperature',
      rule: 'upper',
      severity: 'high',
      unit: '°C',
      limit: 30,
      deadband: 0.5,
      peak: 31.25,
      startedAtMs: wallMs,
      text: 'above the limit',
    };
    expect(transitions).toEqual([
      { ...common, phase: 'firing', value: 31.25, endedAtMs: null, endReason: null, atMs: wallMs + minute },
      {
        ...common,
        phase: 'resolved',
        value: 29.5,
        endedAtMs: wallMs + 70 * second,
        endReason: 'cleared',
        atMs: wallMs + 70 * second,
      },
    ]);
  });

  test('metrics are judged apart, and one that is missing or no number is not judged', () => {
    const { told } = run(swift, [
      reading(0, { temperature: 31, humidity: 10 }),
      reading(10, { humidity: 10 }),
      reading(20, { temperature: Number.NaN, humidity: 10 }),
      reading(30, { temperature: Number.NEGATIVE_INFINITY, humidity: 10 }),
      reading(40, { temperature: 20 }),
    ]);
    expect(told).toEqual(['0 temperature upper firing', '40 temperature upper resolved']);
  });

  test('names that objects know of themselves are names like others', () => {
    const metrics = Object.fromEntries(['__proto__', 'constructor', 'hasOwnProperty'].map((name) => [name, 99]));
    const limits = JSON.parse(
      '{"constructor": {"upper": 1, "onDelayMs": 0}, "toString": {"upper": 1, "onDelayMs": 0}}',
    );
    expect(run(defaults, [reading(0, metrics)]).state.rules).toEqual({});
    expect(run(rulesOf({ thresholds: limits }), [reading(0, metrics)]).told).toEqual(['0 constructor upper firing']);
    expect(run(rulesOf({ thresholds: limits }), [reading(0, { temperature: 1 })]).told).toEqual([]);
  });

  test('a device that sends a new name with each reading does not grow what is kept of it', () => {
    const inputs = Array.from({ length: 500 }, (_, index) => reading(index, { [`metric-${index}`]: 1e9 }));
    expect(JSON.stringify(run(defaults, inputs).state).length).toBeLessThan(100);
  });

  test('the given state is left as it was', () => {
    const { state } = run(swift, [warm(0, 31)]);
    const before = structuredClone(state);
    detect(swift, state, warm(10, 40));
    detect(swift, state, warm(10, 10));
    detect(swift, state, tick(9 * minute));
    expect(state).toEqual(before);
  });

  test('a tick that changes nothing gives back the same state', () => {
    const { state } = run(defaults, [warm(0, 20)]);
    expect(detect(defaults, state, tick(59 * second)).state).toBe(state);
  });

  test('what fires is told again every updateIntervalMs while readings come', () => {
    const { told } = run(swift, every(10 * second, 0, 11 * minute, 31));
    expect(told.map((line) => line.split(' ').at(-1))).toEqual(['firing', 'updated', 'updated']);
    expect(told[1]).toBe('300000 temperature upper updated');
  });

  test('every opt-in rule reaches the wire with its unit', () => {
    const rules = rulesOf({
      thresholds: {
        a: { rateOfChange: { perMinute: 1, windowMs: minute }, onDelayMs: 0 },
        b: { stuck: { afterMs: minute } },
        c: { ewma: { warmUpMs: minute }, onDelayMs: 0 },
        pressure: { lower: 950, onDelayMs: 0 },
      },
    });
    const calm = Array.from({ length: 8 }, (_, index) =>
      reading(index * 10_000, { a: index, b: index < 1 ? 1 : 5, c: 0, pressure: 1_000 }),
    );
    const { transitions } = run(rules, [...calm, reading(80_000, { a: 8, b: 5, c: 1, pressure: 949 })]);
    expect(transitions.map(({ metric, rule, value, limit, unit }) => [metric, rule, value, limit, unit])).toEqual([
      ['a', 'rate-of-change', 6, 1, '/min'],
      ['b', 'stuck', 5, null, ''],
      ['c', 'ewma', 1, 0.4, ''],
      ['pressure', 'lower', 949, 950, 'hPa'],
    ]);
    expect(transitions[1]?.startedAtMs).toBe(wallMs + 10_000);
  });
});

describe('no-data', () => {
  test('fires by a tick, since the last reading, and is resolved by the first reading', () => {
    const { transitions } = run(defaults, [
      warm(0, 20),
      tick(59 * second),
      tick(minute),
      tick(9 * minute),
      warm(10 * minute, 20),
    ]);
    const common = {
      metric: '*',
      rule: 'no-data',
      severity: 'medium',
      unit: '',
      value: null,
      limit: null,
      deadband: null,
      peak: null,
      startedAtMs: wallMs,
      text: 'no readings',
    };
    const end = wallMs + 10 * minute;
    expect(transitions).toEqual([
      { ...common, phase: 'firing', endedAtMs: null, endReason: null, atMs: wallMs + minute },
      { ...common, phase: 'resolved', endedAtMs: end, endReason: 'cleared', atMs: end },
    ]);
  });

  test('of a device that never gave a reading it counts from the first tick', () => {
    expect(noDataDueMs(defaults, initialDetection())).toBe(Number.NEGATIVE_INFINITY);
    const { state } = run(defaults, [tick(5 * second)]);
    expect(noDataDueMs(defaults, state)).toBe(65 * second);
    const { transitions } = run(defaults, [tick(64 * second), tick(65 * second)], state);
    expect(transitions).toMatchObject([{ phase: 'firing', startedAtMs: wallMs + 5 * second }]);
  });

  test('a reading without a single number is no sign of life', () => {
    const { state } = run(defaults, [
      warm(0, 20),
      reading(50 * second, { temperature: Number.NaN }),
      reading(55 * second, {}),
    ]);
    expect(noDataDueMs(defaults, state)).toBe(minute);
  });

  test('it is due afterMs after the last reading, and not while it fires', () => {
    const { state } = run(defaults, [warm(0, 20), warm(7 * second, 20)]);
    expect(noDataDueMs(defaults, state)).toBe(67 * second);
    expect(noDataDueMs(defaults, run(defaults, [tick(67 * second)], state).state)).toBeUndefined();
  });

  test('switched off it never is due and never fires', () => {
    const rules = rulesOf({ noData: { enabled: false } });
    const { state, told } = run(rules, [warm(0, 20), tick(9 * minute)]);
    expect(noDataDueMs(rules, state)).toBeUndefined();
    expect(told).toEqual([]);
  });

  test('a breach goes on through it: one occurrence, neither told nor ended by it', () => {
    const { told } = run(swift, [
      warm(0, 31),
      tick(minute),
      tick(200 * minute),
      warm(201 * minute, 32),
      warm(202 * minute, 20),
    ]);
    expect(told).toEqual([
      '0 temperature upper firing',
      '60000 * no-data firing',
      `${201 * minute} * no-data resolved`,
      `${201 * minute} temperature upper updated`,
      `${202 * minute} temperature upper resolved`,
    ]);
  });

  test('no rate is measured across it', () => {
    const rules = rulesOf({ thresholds: { temperature: { rateOfChange: { perMinute: 1 }, onDelayMs: 0 } } });
    const { told } = run(rules, [
      ...every(10 * second, 0, 6 * minute, 20),
      tick(7 * minute),
      ...every(10 * second, 8 * minute, 14 * minute, 60),
    ]);
    expect(told.filter((line) => line.includes('rate'))).toEqual([]);
  });

  test('after a restart silence counts from there, yet began with the last reading', () => {
    const state = resumeListening(run(defaults, [warm(0, 20)]).state, 60 * minute);
    expect(noDataDueMs(defaults, state)).toBe(61 * minute);
    const { transitions } = run(defaults, [tick(61 * minute - 1), tick(61 * minute)], state);
    expect(transitions).toMatchObject([{ phase: 'firing', startedAtMs: wallMs, atMs: wallMs + 61 * minute }]);
    expect(resumeListening(initialDetection(), 5)).toEqual(initialDetection());
  });
});

describe('firing', () => {
  test('lists what fires with its latest value, and what is in its off-delay; nothing that is pending', () => {
    const rules = rulesOf({
      thresholds: {
        temperature: { upper: 30, onDelayMs: 0, offDelayMs: minute },
        humidity: { upper: 50, onDelayMs: 0 },
        pressure: { upper: 1 },
      },
    });
    const { state } = run(rules, [
      reading(0, { temperature: 31, humidity: 60, pressure: 2 }),
      reading(10, { temperature: 20, humidity: 70, pressure: 2 }),
      reading(20, { temperature: 21, humidity: 65, pressure: 2 }),
    ]);
    const startedAtMs = wallMs;
    expect(firing(state)).toEqual([
      {
        metric: 'temperature',
        rule: 'upper',
        severity: 'high',
        unit: '°C',
        value: 21,
        limit: 30,
        deadband: 0.5,
        peak: 31,
        startedAtMs,
        text: 'above the limit',
      },
      {
        metric: 'humidity',
        rule: 'upper',
        severity: 'high',
        unit: '%RH',
        value: 65,
        limit: 50,
        deadband: 2,
        peak: 70,
        startedAtMs,
        text: 'above the limit',
      },
    ]);
    expect(firing(initialDetection())).toEqual([]);
  });
});
