import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compensate, humidityAt, movingMean } from './compensation.ts';

describe('humidityAt', () => {
  test('35 % at 33 °C is 55.6 % at 25 °C', () => {
    expect(humidityAt(35, 33, 25)).toBeCloseTo(55.6, 1);
  });

  test('air that is cooled below its dew point is saturated, not above 100 %', () => {
    expect(humidityAt(90, 30, 20)).toBe(100);
  });

  test('property: there and back again gives the same humidity, unless it was saturated on the way', () => {
    const celsius = fc.double({ min: -20, max: 60, noNaN: true });
    fc.assert(
      fc.property(fc.double({ min: 0, max: 100, noNaN: true }), celsius, celsius, (percent, from, to) => {
        const moved = humidityAt(percent, from, to);
        if (moved < 100) expect(humidityAt(moved, to, from)).toBeCloseTo(percent, 6);
      }),
    );
  });
});

describe('compensate', () => {
  test('takes the CPU’s share off the temperature and moves humidity with it', () => {
    const corrected = compensate({ temperature: 33, humidity: 35, pressure: 1_013 }, 50, 2.125);
    expect(corrected['temperature']).toBeCloseTo(25, 6);
    expect(corrected['humidity']).toBeCloseTo(55.6, 1);
    expect(corrected['pressure']).toBe(1_013);
  });

  test('leaves readings without a temperature as they are', () => {
    expect(compensate({ humidity: 40 }, 50, 2)).toEqual({ humidity: 40 });
  });
});

test('movingMean averages the latest values only', () => {
  const mean = movingMean(3);
  expect([3, 6, 9, 12].map(mean)).toEqual([3, 4.5, 6, 9]);
});
