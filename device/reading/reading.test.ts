import { expect, test } from 'vitest';
import { keyText } from '../anomaly/identity.ts';
import { namePart } from './reading.ts';

test.each([
  ['temperature', true],
  ['Küche/oben 🌡', true],
  ['', false],
  ['a\u0000b', false],
  ['a\nb', false],
  ['\ud83c', false],
  ['x\udf21', false],
  ['x'.repeat(129), false],
])('%j may stand in a key: %s', (text, allowed) => {
  expect(namePart.safeParse(text).success).toBe(allowed);
  if (allowed) expect(() => keyText({ site: text, deviceId: text, metric: text, rule: 'upper' })).not.toThrow();
});
