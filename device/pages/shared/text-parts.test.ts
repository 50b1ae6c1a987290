import fc from 'fast-check';
import { expect, test } from 'vitest';
import { textParts } from './text-parts.ts';

test.each([
  ['no address', [undefined]],
  [
    'see http://127.0.0.1:8089/#site=home&device=a%20b.',
    [undefined, 'http://127.0.0.1:8089/#site=home&device=a%20b', undefined],
  ],
  ['(https://a.example/x)', [undefined, 'https://a.example/x', undefined]],
  ['javascript:alert(1) data:text/html,x', [undefined]],
  ['"https://a.example"><script>', [undefined, 'https://a.example', undefined]],
])('the addresses in %s can be followed', (text, urls) => {
  expect(textParts(text).map(({ url }) => url)).toEqual(urls);
});

test('nothing of a text is lost, and only the web is linked', () => {
  const piece = fc.oneof(fc.string(), fc.webUrl(), fc.constantFrom('javascript:', 'http://', ' ', '\n'));
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const parts = textParts(pieces.join(''));
      expect(parts.map(({ text }) => text).join('')).toBe(pieces.join(''));
      for (const { url } of parts) if (url !== undefined) expect(new URL(url).protocol).toMatch(/^https?:$/);
    }),
  );
});
