import fc from 'fast-check';
import { expect, test } from 'vitest';
import { itemOf, largestItemBytes } from './add-to-list.ts';
import { type BlogMeta, blogMeta, contentItem, mostPosts } from './contract.ts';

const meta: BlogMeta = {
  ...{ title: 'Advisory', intro: 'What to do.', author: 'Ada', published: '2020-08-22T23:59:59Z' },
  ...{ link: 'https://vendor.example/a', image: 'https://vendor.example/a.png', tags: ['Sensors'] },
};

test('an entry has the fields of the site, and its date as the site writes it', () => {
  const { published: _, ...fields } = meta;
  expect(itemOf(meta, 0)).toEqual({ ...fields, date: 'Aug 22, 2020' });
});

test('a post without a date has the day on which it was seen', () => {
  expect(itemOf({ ...meta, published: undefined }, Date.UTC(2026, 10, 5)).date).toBe('Nov 5, 2026');
});

const text = (longest: number) => fc.string({ unit: 'binary', maxLength: longest });
const address = fc.integer({ min: 1, max: 970 }).map((length) => `https://a.example/${'x'.repeat(length)}`);
const metas = fc.record({
  ...{ title: text(140).filter((one) => one.length > 0), intro: text(1_000), author: text(100) },
  ...{
    link: address,
    image: address,
    tags: fc.array(
      text(30).filter((one) => one.length > 0),
      { maxLength: 20 },
    ),
  },
});

test('whatever a page says, an entry is small enough for fifty to pass through the state machine', () => {
  fc.assert(
    fc.property(metas, (generated) => {
      const item = contentItem.parse(itemOf(blogMeta.parse(generated), 0));
      expect(Buffer.byteLength(JSON.stringify(item))).toBeLessThanOrEqual(largestItemBytes);
      expect(item.link).toBe(generated.link);
    }),
  );
  // Entries and addresses, with what stands around them, stay below 256 KB.
  expect(mostPosts * (largestItemBytes + 1_000 + 100)).toBeLessThan(256 * 1_024);
});

test('the introduction goes first, and a title that is all too long is cut', () => {
  const long = itemOf({ ...meta, intro: 'ü'.repeat(2_000) }, 0);
  expect(long.intro).toMatch(/^ü{1000,}$/);
  expect([long.title, long.image, long.tags]).toEqual([meta.title, meta.image, meta.tags]);
  const title = '\u{10ffff}'.repeat(150);
  const link = `https://a.example/${'x'.repeat(970)}`;
  expect(itemOf({ ...meta, title, link, image: link, tags: Array(20).fill('ü'.repeat(60)) }, 0)).toMatchObject({
    ...{ title, link, tags: [] },
  });
});
