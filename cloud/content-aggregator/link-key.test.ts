import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cleanLink, linkKey } from './link-key.ts';

test.each([
  ['https://Example.com:443/a/', 'https://example.com/a/', 'example.com/a'],
  ['https://example.com/a?utm_source=rss&utm_medium=x#part', 'https://example.com/a', 'example.com/a'],
  ['https://example.com/a/?b=2&a=1&gclid=9', 'https://example.com/a/?b=2&a=1', 'example.com/a?a=1&b=2'],
  ['https://example.com/?flag&q=a%20b', 'https://example.com/?flag&q=a%20b', 'example.com?flag&q=a%20b'],
  ['https://example.com/a??', 'https://example.com/a??', 'example.com/a??'],
  ['http://example.com', 'http://example.com/', 'example.com'],
  [' https://example.com/a b ', 'https://example.com/a%20b', 'example.com/a%20b'],
])('%s is %s, and compared as %s', (address, clean, key) => {
  expect([cleanLink(address), linkKey(address)]).toEqual([clean, key]);
});

test.each([
  'javascript:alert(1)',
  'file:///etc/passwd',
  'data:text/html,x',
  'https://user:secret@example.com/',
  '/a',
  '',
])('"%s" is no address of a page', (address) => {
  expect(cleanLink(address)).toBeUndefined();
});

test('a relative address is one of the place where it stands', () => {
  expect(cleanLink('../b', 'https://example.com/a/c')).toBe('https://example.com/b');
});

test('http and https are one page, and another parameter is another', () => {
  expect(linkKey('http://example.com/a/')).toBe(linkKey('https://example.com/a?utm_campaign=x'));
  expect(linkKey('https://example.com/a?id=1')).not.toBe(linkKey('https://example.com/a?id=2'));
});

test('what is clean stays as it is, and has the key of what it was', () => {
  fc.assert(
    fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), (url) => {
      const once = cleanLink(url) ?? '';
      expect(cleanLink(once)).toBe(once);
      expect(linkKey(once)).toBe(linkKey(url));
    }),
    { examples: [['http://a.aa??']] },
  );
});
