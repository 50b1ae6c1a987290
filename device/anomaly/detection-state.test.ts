import { describe, expect, test } from 'vitest';
import { type DetectionState, firing, initialDetection, parseDetection } from './detect.ts';
import { reading, rulesOf, run, tick } from './detection-trace.ts';

describe('the saved state', () => {
  const roundTrip = (state: DetectionState) => parseDetection(JSON.parse(JSON.stringify(state)));

  test('of two metrics that fire and a silent sensor stays under 2 KB', () => {
    const long = 1 / 3;
    const { state } = run(
      rulesOf({ thresholds: { temperature: { upper: 30, onDelayMs: 0 }, humidity: { upper: 50, onDelayMs: 0 } } }),
      [reading(1e9 + long, { temperature: 30 + long, humidity: 50 + long }), tick(2e9)],
    );
    expect(firing(state)).toHaveLength(3);
    expect(JSON.stringify(state).length).toBeLessThan(2_000);
    expect(roundTrip(state)).toEqual(state);
  });

  test.each([
    ['nothing', undefined],
    ['text', 'state'],
    ['another version', { version: 2, silence: null, rules: {} }],
    ['a number that is none', { version: 1, silence: { atMs: 'x', monotonicMs: 0 }, rules: {} }],
    [
      'a phase that is not known',
      { version: 1, silence: null, rules: { 'a/upper': { metric: 'a', rule: 'upper', lifecycle: { phase: 'odd' } } } },
    ],
  ])('%s is not taken for one', (_, saved) => {
    expect(parseDetection(saved)).toBeUndefined();
  });

  test('fields that a later release adds are left out', () => {
    expect(parseDetection({ ...initialDetection(), later: 1 })).toEqual(initialDetection());
  });
});
