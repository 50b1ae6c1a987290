import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fragmentOf, readFragment } from './fragment.ts';

test('what is looked at comes back as it was written, whatever its names', () => {
  const name = fc.string({ minLength: 1, unit: 'grapheme' });
  fc.assert(
    fc.property(fc.record({ site: name, deviceId: name }), fc.option(name, { nil: undefined }), (device, breachId) => {
      expect(readFragment(fragmentOf({ device, breachId }))).toEqual({ token: undefined, device, breachId });
    }),
  );
});

test('the token is read, and never written', () => {
  expect(readFragment('#token=abc-_1')).toEqual({ token: 'abc-_1', device: undefined, breachId: undefined });
  expect(fragmentOf({ device: undefined, breachId: undefined })).toBe('');
});
