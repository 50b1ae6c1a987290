import { describe, expect, test } from 'vitest';
import { breakEven, costADay, post, putsASlice, putsUsdADay } from './cost-model.ts';
import { meterOf } from './meter.ts';

describe('the model of the post', () => {
  test('an event has 220 bytes', () => {
    expect(post.bytesADay / post.eventsADay).toBe(220);
  });

  test('$1,000 are 60 million GB-s of x86, and they are enough from 0.92 MB/s a GB on', () => {
    const { gbSecondsADay, mbAGbSecond } = breakEven();
    expect(gbSecondsADay / 1e6).toBeCloseTo(60, 2);
    expect(mbAGbSecond).toBeCloseTo(0.92, 2);
  });

  test('PUTs cost $2.75 a day with objects of 100 MB, and $275 with 1 MB', () => {
    expect(putsUsdADay(100e6)).toBeCloseTo(2.75, 6);
    expect(putsUsdADay(1e6)).toBeCloseTo(275, 6);
  });

  test('a day at break-even costs what the post says, and requests', () => {
    const { mbAGbSecond } = breakEven();
    const cpuSecondsAMb = 1 / (mbAGbSecond * (1_769 / 1_024));
    const { low, high } = costADay({
      cpuSecondsAMb: { low: cpuSecondsAMb, high: cpuSecondsAMb },
      ...{ sliceBytes: 100e6, partBytes: 32 * 1_024 * 1_024, outputRatio: 0.1 },
    });
    expect(high.lambdaUsd).toBeCloseTo(1_000, 0);
    expect(low.lambdaUsd).toBeCloseTo(800, 0);
    expect(high.putsUsd).toBeCloseTo(2.75, 6);
    expect(high.factor).toBeCloseTo(1.004, 2);
  });

  test('an upload in parts is its parts, its begin and its end', () => {
    const partBytes = 32 * 1_024 * 1_024;
    expect(putsASlice({ sliceBytes: 64e6, partBytes, outputRatio: 0.1 })).toBe(1);
    expect(putsASlice({ sliceBytes: 100e6, partBytes, outputRatio: 1 })).toBe(5);
  });

  test('the meter of a slice counts its time and what it wrote', () => {
    const { usd, usdPerGb } = meterOf({ slices: 1, durationMs: 1_024_000 / 1_769, puts: 1, bytesIn: 1e9 }, 1_769);
    // One GB-s of arm64, a PUT, and what a slice asks for.
    expect(usd).toBeCloseTo(0.0000133334 + 0.000005 + 0.00000219, 7);
    expect(usdPerGb).toBe(usd);
  });
});
