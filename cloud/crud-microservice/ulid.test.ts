import fc from 'fast-check';
import { expect, test } from 'vitest';
import { deviceKey } from './contract.ts';
import { ulid, ulidOf } from './ulid.ts';

const bytes = fc.uint8Array({ minLength: 10, maxLength: 10 });
const time = fc.integer({ min: 0, max: 2 ** 48 - 1 });

test('time and randomness stand where the specification has them', () => {
  // The example of its README: 01ARYZ6S41 is 1469918176385.
  expect(ulid(1_469_918_176_385, new Uint8Array(10))).toBe('01ARYZ6S410000000000000000');
  expect(ulid(2 ** 48 - 1, new Uint8Array(10).fill(255))).toBe('7ZZZZZZZZZZZZZZZZZZZZZZZZZ');
});

test('text order is order of time, then of randomness', () => {
  fc.assert(
    fc.property(time, bytes, time, bytes, (a, randomA, b, randomB) => {
      const expected = a - b || Buffer.compare(Buffer.from(randomA), Buffer.from(randomB));
      const [first, second] = [ulid(a, randomA), ulid(b, randomB)];
      expect(Math.sign(first < second ? -1 : first > second ? 1 : 0)).toBe(Math.sign(expected));
    }),
  );
});

test('every key of either kind is a key of a device, and a name has one', () => {
  fc.assert(
    fc.property(time, bytes, fc.string(), (nowMs, random, name) => {
      deviceKey.parse(ulid(nowMs, random));
      expect(deviceKey.parse(ulidOf(name))).toBe(ulidOf(name));
      expect(ulidOf(`${name}x`)).not.toBe(ulidOf(name));
    }),
  );
});
