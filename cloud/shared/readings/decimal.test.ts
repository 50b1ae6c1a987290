import fc from 'fast-check';
import { expect, test } from 'vitest';
import { storableDecimal } from './decimal.ts';

test.each([
  ['15.4', '15.4'],
  ['-0.50', '-0.50'],
  ['+7', '7'],
  ['.5', '.5'],
  ['5.', '5.'],
  ['1e-7', '1e-7'],
  ['0', '0'],
  ['-0.000', '0'],
  ['0e999', '0'],
  ['12345678901234567890123456789012345678', '12345678901234567890123456789012345678'],
  ['9.9e125', '9.9e125'],
  ['1e-130', '1e-130'],
])('%s is stored as %s', (text, stored) => {
  expect(storableDecimal(text)).toBe(stored);
});

test.each(['123456789012345678901234567890123456789', '1e126', '10e125', '9.9e-131', '1.7e308', '5e-324'])(
  '%s is out of range',
  (text) => {
    expect(storableDecimal(text)).toBe('out-of-range');
  },
);

test.each(['', '.', '-', 'NaN', 'Infinity', '0x10', '1,5', ' 1', '1 ', '1e', '1e1234567', '١'])(
  '%j is no number',
  (text) => {
    expect(storableDecimal(text)).toBeUndefined();
  },
);

test('every number that a device can measure keeps its value', () => {
  fc.assert(
    fc.property(fc.double({ min: -1e9, max: 1e9, noNaN: true }), (value) => {
      const stored = storableDecimal(String(value));
      if (stored === 'out-of-range') expect(Math.abs(value)).toBeLessThan(1e-130);
      else expect(Number(stored)).toBe(value === 0 ? 0 : value);
    }),
  );
});
