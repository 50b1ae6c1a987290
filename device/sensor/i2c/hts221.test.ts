import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { calibrationOf, onLine } from './hts221.ts';
import { pressureOf } from './lps25h.ts';

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

/** Registers 0x30 to 0x3f of a real chip. */
const golden = bytes('3d 8f 99 0e 00 c4 f2 ff 3a 03 f5 d0 00 00 1e 03');

describe('HTS221', () => {
  test('the golden vector gives its temperature and humidity', () => {
    const calibration = calibrationOf(golden);
    if (calibration === undefined) throw new Error('the golden vector is usable');
    expect(calibration.temperature.values).toEqual([19.125, 33.75]);
    expect(onLine(calibration.temperature, 200)).toBeCloseTo(22.79, 3);
    expect(onLine(calibration.humidity, -6_000)).toBeCloseTo(50.903, 3);
  });

  test('outputs are signed: a humidity of 51 % is not read as 75 %', () => {
    const calibration = calibrationOf(golden);
    expect(calibration?.humidity.outputs).toEqual([-14, -12_043]);
  });

  test.each([
    ['humidity outputs', '3d 8f 99 0e 00 c4 f2 ff 3a 03 f2 ff 00 00 1e 03'],
    ['temperature outputs', '3d 8f 99 0e 00 c4 f2 ff 3a 03 f5 d0 1e 03 1e 03'],
    ['humidity values', '3d 3d 99 0e 00 c4 f2 ff 3a 03 f5 d0 00 00 1e 03'],
    ['temperature values', '3d 8f 99 99 00 c0 f2 ff 3a 03 f5 d0 00 00 1e 03'],
    ['bytes, all of them 0', '00'.repeat(16)],
  ])('equal %s are refused', (_what, hex) => {
    expect(calibrationOf(bytes(hex))).toBeUndefined();
  });

  test('property: a usable calibration gives a finite value for every output', () => {
    const output = fc.integer({ min: -32_768, max: 32_767 });
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), output, (calibrationBytes, raw) => {
        const calibration = calibrationOf(calibrationBytes);
        if (calibration === undefined) return;
        expect(Number.isFinite(onLine(calibration.temperature, raw))).toBe(true);
        expect(Number.isFinite(onLine(calibration.humidity, raw))).toBe(true);
      }),
    );
  });
});

describe('LPS25H', () => {
  test.each([
    ['00 d0 3f', 1_021],
    ['01 00 00', 1 / 4_096],
    ['ff ff ff', -1 / 4_096],
  ])('output %s is %d hPa', (hex, expected) => {
    expect(pressureOf(bytes(hex))).toBe(expected);
  });
});
