import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { plausibilityCheck } from './plausibility.ts';

const bounds = {
  temperature: { min: -40, max: 120, maxStep: 20 },
  humidity: { min: 0, max: 100, maxStep: 50 },
};

describe('plausibilityCheck', () => {
  test.each([
    [{ temperature: Number.NaN }, 'temperature is NaN'],
    [{ temperature: Number.NEGATIVE_INFINITY }, 'not a number'],
    [{ temperature: 121 }, 'temperature is 121, above 120'],
    [{ temperature: -41 }, 'below -40'],
    [{ humidity: 106 }, 'humidity is 106, above 100'],
    [{ humidity: -5.5 }, 'below 0'],
    [{ temperature: 20, humidity: Number.NaN }, 'humidity is NaN'],
    [{}, 'no values'],
  ])('%j is refused, and the message says why', (metrics, why) => {
    expect(plausibilityCheck(bounds)(metrics)).toEqual({ ok: false, message: expect.stringContaining(why) });
  });

  test.each([
    [{ humidity: 103.2 }, { humidity: 100 }],
    [{ humidity: -0.7 }, { humidity: 0 }],
    [{ humidity: 105 }, { humidity: 100 }],
    [{ co2: 123_456 }, { co2: 123_456 }],
  ])('%j is taken as %j', (metrics, expected) => {
    expect(plausibilityCheck(bounds)(metrics)).toEqual({ ok: true, metrics: expected });
  });

  const verdicts = (values: number[]) => {
    const check = plausibilityCheck(bounds);
    return values.map((temperature) => check({ temperature }).ok);
  };

  test('a huge step is refused once and accepted when the next reading agrees', () => {
    expect(verdicts([20, 50, 51, 52])).toEqual([true, false, true, true]);
  });

  test('a spike that goes away again is refused and forgotten', () => {
    expect(verdicts([20, 60, 20, 60, 20])).toEqual([true, false, true, false, true]);
  });

  test('two huge steps that do not agree with each other are both refused', () => {
    expect(verdicts([20, 60, -20, -21])).toEqual([true, false, false, true]);
  });

  test('property: what is believed is finite, inside the bounds, and near what came before it', () => {
    const value = fc.oneof(fc.double({ noNaN: false }), fc.double({ min: -50, max: 130, noNaN: true }));
    fc.assert(
      fc.property(fc.array(value), (values) => {
        const check = plausibilityCheck(bounds);
        values.forEach((temperature, index) => {
          const verdict = check({ temperature });
          if (!verdict.ok) return;
          expect(verdict.metrics).toEqual({ temperature });
          expect(temperature >= -40 && temperature <= 120).toBe(true);
          const near = values.slice(0, index).some((earlier) => Math.abs(earlier - temperature) <= 20);
          const first = values.slice(0, index).every((earlier) => !(earlier >= -40 && earlier <= 120));
          expect(near || first).toBe(true);
        });
      }),
    );
  });
});
