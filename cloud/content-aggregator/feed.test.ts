import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { postsOf } from './feed.ts';

const base = 'https://vendor.example/feed.xml';
const file = (name: string) =>
  readFileSync(join(import.meta.dirname, 'testdata', name), 'utf8').replaceAll('{{site}}', 'https://vendor.example');
const rss = (items: string) => `<rss version="2.0"><channel><title>t</title>${items}</channel></rss>`;

test('the posts of an RSS feed come newest first, as addresses that can be compared', () => {
  expect(postsOf(file('feed.xml'), base)).toEqual({
    urls: [
      'https://vendor.example/advisory-17.html',
      'https://vendor.example/gone.html',
      'https://vendor.example/untitled.html',
      'http://169.254.169.254/latest/meta-data/',
      'https://vendor.example/known.html/',
      'https://vendor.example/firmware-2-1.html',
    ],
    unusable: 1,
    older: 0,
  });
});

test('the posts of an Atom feed come by their published date, and relative links are resolved', () => {
  expect(postsOf(file('atom.xml'), base).urls).toEqual([
    'https://vendor.example/release-3.html',
    'https://vendor.example/firmware-2-1.html',
  ]);
});

test('a feed without dates keeps its order, a post that it names twice comes once, and a permanent id is an address', () => {
  const items = [
    '<link>https://a.example/2</link>',
    '<guid>https://a.example/1</guid>',
    '<link>https://a.example/2/</link>',
  ];
  expect(postsOf(rss(items.map((one) => `<item><title>t</title>${one}</item>`).join('')), base).urls).toEqual([
    'https://a.example/2',
    'https://a.example/1',
  ]);
});

test('fifty are taken, and the rest counted', () => {
  const items = Array.from(
    { length: 60 },
    (_, at) => `<item><title>t</title><link>https://a.example/${at}</link></item>`,
  );
  const { urls, older } = postsOf(rss(items.join('')), base);
  expect([urls.length, older]).toEqual([50, 10]);
});

test('addresses that are none of a page are counted, not followed', () => {
  const links = ['javascript:alert(1)', 'file:///etc/passwd', `https://a.example/${'x'.repeat(1_000)}`];
  const items = links.map((link) => `<item><title>t</title><link>${link}</link></item>`);
  expect(postsOf(rss(items.join('')), base)).toEqual({ urls: [], unusable: 3, older: 0 });
});

test('a feed of no posts has none', () => {
  expect(postsOf(rss(''), base)).toEqual({ urls: [], unusable: 0, older: 0 });
});

test('what is neither RSS nor Atom is refused (bad schema)', () => {
  for (const text of [
    '',
    'no feed',
    '<html><body></body></html>',
    '{"version":"https://jsonfeed.org/version/1","items":[]}',
    '<rss',
  ]) {
    expect(() => postsOf(text, base)).toThrow(expect.objectContaining({ name: 'NotAFeed' }));
  }
});

test('more elements than a feed may have are refused, and pages that it carries as text are none', () => {
  const item = (content: string) =>
    `<item><link>https://a.example/1</link><description>${content}</description></item>`;
  expect(() => postsOf(rss(item('<b/>'.repeat(20_001))), base)).toThrow(
    expect.objectContaining({ name: 'NotAFeed', message: expect.stringContaining('20000 elements') }),
  );
  const carried = `<![CDATA[${'<p>text</p>'.repeat(20_001)}]]>`;
  expect(postsOf(rss(item(carried)), base).urls).toEqual(['https://a.example/1']);
});

test('entities that grow, and depth, end in no time', () => {
  const levels = Array.from({ length: 20 }, (_, at) => `<!ENTITY e${at + 1} "${`&e${at};`.repeat(10)}">`).join('');
  const bomb = `<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY e0 "x">${levels}]>${rss('<item><title>&e20;</title><link>https://a.example/&e20;</link></item>')}`;
  const deep = rss(`<item>${'<a>'.repeat(100_000)}</item>`);
  const before = process.cpuUsage();
  for (const text of [bomb, deep]) {
    try {
      expect(JSON.stringify(postsOf(text, base)).length).toBeLessThan(2_000);
    } catch (error) {
      expect(error).toMatchObject({ name: 'NotAFeed' });
    }
  }
  expect(process.cpuUsage(before).user).toBeLessThan(10_000_000);
});
