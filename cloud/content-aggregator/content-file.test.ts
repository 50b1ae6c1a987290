import fc from 'fast-check';
import { expect, test } from 'vitest';
import { contentText, knownKeys, mergeContent, parseContent } from './content-file.ts';
import type { ContentItem } from './contract.ts';

const item = (link: string, date: string): ContentItem => ({
  ...{ title: `Post at ${link}`, intro: '', author: '', date, link, image: '', tags: [] },
});
const linksOf = (entries: readonly unknown[]) =>
  entries.map((entry) => (typeof entry === 'object' && entry !== null && 'link' in entry ? entry.link : entry));

test('a new entry stands before the first older one, and what is there keeps its order (reorder)', () => {
  const entries = [
    item('https://a.example/3', 'Nov 9, 2026'),
    item('https://a.example/1', 'Nov 1, 2026'),
    { title: 'Without a date', link: 'https://a.example/0', kind: 'video' },
    item('https://a.example/2', 'Nov 5, 2026'),
  ];
  const items = [item('https://b.example/old', 'Oct 1, 2026'), item('https://b.example/new', 'Nov 7, 2026')];
  const merged = mergeContent(entries, items);
  expect(merged.added).toBe(2);
  expect(linksOf(merged.entries)).toEqual([
    ...['https://a.example/3', 'https://b.example/new', 'https://a.example/1', 'https://b.example/old'],
    ...['https://a.example/0', 'https://a.example/2'],
  ]);
  expect(merged.entries[4]).toEqual(entries[2]);
});

test('a post that is there under another address is not added (duplicate)', () => {
  const entries = [{ link: 'http://a.example/1/?utm_source=x' }];
  const items = ['https://a.example/1', 'https://a.example/2', 'https://a.example/2#top'];
  const merged = mergeContent(
    entries,
    items.map((link) => item(link, 'Nov 1, 2026')),
  );
  expect(linksOf(merged.entries)).toEqual(['https://a.example/2', 'http://a.example/1/?utm_source=x']);
  expect(merged.added).toBe(1);
});

test('whatever is in the file stays in it, in its order, and each new post is in it once', () => {
  const date = fc.constantFrom('Nov 1, 2026', 'Nov 2, 2026', 'Nov 3, 2026', 'no date', undefined);
  const there = fc.oneof(
    fc.record({ link: fc.constantFrom('https://a.example/1', 'https://a.example/2', 7, undefined), date }),
    fc.constantFrom(null, 'text', 3, []),
  );
  const fresh = fc.record({
    at: fc.integer({ min: 1, max: 9 }),
    date: fc.constantFrom('Nov 1, 2026', 'Nov 2, 2026', 'Nov 4, 2026'),
  });
  fc.assert(
    fc.property(fc.array(there), fc.array(fresh), (entries, posts) => {
      const items = posts.map((post) => item(`https://a.example/${post.at}`, post.date));
      const { entries: merged, added } = mergeContent(entries, items);
      const old = merged.filter((entry) => entries.some((one) => one === entry));
      expect(old.filter((entry) => typeof entry === 'object' && entry !== null)).toEqual(
        entries.filter((entry) => typeof entry === 'object' && entry !== null),
      );
      expect(merged).toHaveLength(entries.length + added);
      expect([...knownKeys(merged)].toSorted()).toEqual([...knownKeys([...entries, ...items])].toSorted());
      expect(mergeContent(merged, items)).toEqual({ entries: merged, added: 0 });
    }),
  );
});

test('a file that is not there, or empty, has no entries; what is written can be read', () => {
  expect([parseContent(undefined), parseContent(' \n')]).toEqual([[], []]);
  const entries = [item('https://a.example/1', 'Nov 1, 2026'), { any: 'thing' }];
  expect(parseContent(contentText(entries))).toEqual(entries);
});
