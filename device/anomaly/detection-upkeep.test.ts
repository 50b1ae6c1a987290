import { describe, expect, test } from 'vitest';
import { applyRules, correctStamps, firing, noDataDueMs, rebaseMonotonic, resumeListening } from './detect.ts';
import { defaults, minute, reading, rulesOf, run, swift, tick, wallMs, warm } from './detection-trace.ts';

describe('a change of the rules', () => {
  const at = (ms: number) => ({ atMs: wallMs + ms, monotonicMs: ms });
  const limit = (upper: number | 'off', more: object = {}) =>
    rulesOf({ thresholds: { temperature: { upper, deadband: 0.5, onDelayMs: 0, ...more } } });

  test('a removed rule ends its occurrence there and then; one that is pending goes unsaid', () => {
    const fired = run(swift, [warm(0, 31), tick(minute)]).state;
    const none = rulesOf({ thresholds: {}, noData: { enabled: false } });
    const { state, transitions } = applyRules(none, fired, at(2 * minute));
    const end = {
      phase: 'resolved',
      endReason: 'rule removed',
      endedAtMs: wallMs + 2 * minute,
      atMs: wallMs + 2 * minute,
    };
    expect(transitions).toMatchObject([
      { metric: 'temperature', rule: 'upper', ...end },
      { metric: '*', rule: 'no-data', ...end },
    ]);
    expect(firing(state)).toEqual([]);

    const pending = run(defaults, [warm(0, 31)]).state;
    expect(applyRules(none, pending, at(1))).toEqual({ state: { ...pending, rules: {} }, transitions: [] });
  });

  test('a removed rule that was recovering ended when it cleared', () => {
    const { state } = run(limit(30, { offDelayMs: minute }), [warm(0, 31), warm(10, 20)]);
    expect(applyRules(limit('off'), state, at(30)).transitions).toMatchObject([
      { endReason: 'rule removed', endedAtMs: wallMs + 10, atMs: wallMs + 30 },
    ]);
  });

  test('rules that stay change nothing by themselves', () => {
    const { state } = run(swift, [warm(0, 31)]);
    expect(applyRules(limit(40), state, at(5))).toEqual({ state, transitions: [] });
  });

  test.each([
    ['a reading that the raised limit clears and the old one would not', 40, 31, 'limit changed'],
    ['… nor would it inside the old deadband', 40, 29.6, 'limit changed'],
    ['a reading that clears under both', 40, 29.5, 'cleared'],
    ['a reading that clears an unchanged limit', 30, 20, 'cleared'],
  ])('%s', (_, upper, value, endReason) => {
    const { state } = run(limit(30), [warm(0, 35)]);
    expect(run(limit(upper), [warm(10, value)], state).transitions).toMatchObject([{ phase: 'resolved', endReason }]);
  });

  test('once a value has breached the new limit, its end is a clear', () => {
    const { state } = run(limit(30), [warm(0, 45)]);
    const { transitions } = run(limit(40), [warm(10, 46), warm(20, 31)], state);
    expect(transitions).toMatchObject([{ phase: 'resolved', endReason: 'cleared', limit: 40 }]);
  });

  test('the deadband of the new limit does not hide why it ended', () => {
    const { state } = run(limit(30), [warm(0, 35)]);
    const { transitions } = run(limit(35), [warm(10, 34.8), warm(20, 34.5)], state);
    expect(transitions).toMatchObject([{ phase: 'resolved', endReason: 'limit changed', limit: 30 }]);
  });

  test('the reason of a change stays with the end through the off-delay', () => {
    const { state } = run(limit(30), [warm(0, 35)]);
    const { transitions } = run(limit(40, { offDelayMs: 100 }), [warm(10, 35), warm(50, 20), warm(110, 20)], state);
    expect(transitions).toMatchObject([{ endReason: 'limit changed', endedAtMs: wallMs + 10, atMs: wallMs + 110 }]);
  });

  test('a stuck value that is given longer ends by the change', () => {
    const stuck = (afterMs: number) => rulesOf({ thresholds: { t: { stuck: { afterMs } } } });
    const { state } = run(stuck(minute), [reading(0, { t: 1 }), reading(30_000, { t: 1 }), reading(minute, { t: 1 })]);
    expect(firing(state)).toHaveLength(1);
    const { transitions } = run(stuck(60 * minute), [reading(61_000, { t: 1 })], state);
    expect(transitions).toMatchObject([{ phase: 'resolved', endReason: 'limit changed' }]);
  });

  test('new tiers count from the next breaching reading on', () => {
    const { state } = run(limit(30), [warm(0, 35)]);
    const tiered = limit(30, { tiers: [{ beyond: 4, severity: 'critical' }] });
    expect(run(tiered, [warm(10, 31)], state).transitions).toMatchObject([{ phase: 'updated', severity: 'critical' }]);
  });
});

describe('clocks', () => {
  test('after a shift of the monotonic clock everything goes on as if it had not been', () => {
    const rules = rulesOf({
      thresholds: {
        temperature: {
          upper: 30,
          offDelayMs: 30_000,
          rateOfChange: { perMinute: 1, windowMs: minute },
          stuck: { afterMs: minute },
          ewma: { warmUpMs: minute },
        },
      },
    });
    const shiftMs = -1e9;
    const trace = [20, 20, 20, 31, 33, 35, 36, 36, 36, 36, 36, 36, 36, 36, 20, 20, 20, 20, 31].map((value, index) =>
      warm(index * 10_000, value),
    );
    for (let cut = 0; cut < trace.length; cut += 1) {
      const before = resumeListening(run(rules, trace.slice(0, cut)).state, cut * 10_000);
      const after = trace.slice(cut).map((input) => ({ ...input, monotonicMs: input.monotonicMs + shiftMs }));
      const shifted = rebaseMonotonic(before, shiftMs);
      expect(run(rules, after, shifted).transitions).toEqual(run(rules, trace.slice(cut), before).transitions);
      const due = noDataDueMs(rules, before);
      expect(noDataDueMs(rules, shifted)).toBe(due === undefined ? undefined : due + shiftMs);
    }
  });

  test('stamps made before the clock was right are moved, and what fires by them is told again', () => {
    const { state } = run(swift, [warm(0, 31), warm(10, 31)]);
    const hour = 3_600_000;
    const { state: corrected, transitions } = correctStamps(state, hour);
    expect(transitions).toMatchObject([
      {
        phase: 'updated',
        metric: 'temperature',
        startedAtMs: wallMs + hour,
        endedAtMs: null,
        atMs: wallMs + hour + 10,
      },
    ]);
    const end = run(swift, [{ ...warm(20, 20), atMs: wallMs + hour + 20 }], corrected).transitions;
    expect(end).toMatchObject([{ phase: 'resolved', startedAtMs: wallMs + hour, endedAtMs: wallMs + hour + 20 }]);
  });

  test('stamps that were made right before that are left alone', () => {
    const { state } = run(swift, [warm(0, 31), warm(500, 31)]);
    const { state: corrected, transitions } = correctStamps(state, 7, 400);
    expect(transitions).toEqual([]);
    expect(firing(corrected)).toMatchObject([{ startedAtMs: wallMs }]);
    expect(corrected.silence).toEqual({ atMs: wallMs + 507, monotonicMs: 500 });
  });

  test('what is pending or recovering is moved too; a correction of nothing is not told', () => {
    const rules = rulesOf({
      thresholds: { temperature: { upper: 30, offDelayMs: minute }, t: { stuck: { afterMs: minute } } },
    });
    const pending = correctStamps(run(rules, [reading(0, { temperature: 31, t: 1 })]).state, 9);
    expect(pending.transitions).toEqual([]);
    const fired = run(
      rules,
      [warm(30_000, 31), reading(30_000, { t: 1 }), reading(minute, { temperature: 31, t: 1 })],
      pending.state,
    );
    expect(fired.transitions).toMatchObject([
      { rule: 'upper', startedAtMs: wallMs + 9 },
      { rule: 'stuck', startedAtMs: wallMs + 9 },
    ]);
    expect(correctStamps(fired.state, 0).transitions).toEqual([]);
    const recovering = correctStamps(run(rules, [warm(2 * minute, 20)], fired.state).state, 9, 2 * minute).state;
    expect(run(rules, [warm(3 * minute, 20)], recovering).transitions).toMatchObject([
      { endedAtMs: wallMs + 2 * minute + 9 },
    ]);
  });
});
