import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { postPage } from './page.ts';

const url = 'https://vendor.example/advisory-17.html';
const site = 'https://vendor.example';
const file = readFileSync(join(import.meta.dirname, 'testdata', 'advisory-17.html'), 'utf8').replaceAll(
  '{{site}}',
  site,
);
const page = (text: string) => postPage({ url, type: 'text/html', text });
const withMeta = (property: string, content: string) =>
  page(`<title>t</title><meta property="${property}" content="${content}">`);

test('a page says title, introduction, author, date, address, picture and tags', () => {
  expect(page(file)).toEqual({
    title: 'Advisory 17: humidity sensors drift & what to do',
    intro: 'Sensors of series H drift above 50 %RH.',
    author: 'Grace Example',
    published: '2026-11-10T08:30:00.000Z',
    link: url,
    image: 'https://vendor.example/images/advisory-17.png',
    tags: ['Firmware', 'Sensors'],
  });
});

test('what a page does not say is empty, and its address is where it was', () => {
  expect(page('<title>\n Only\ta title </title>')).toEqual({
    ...{ title: 'Only a title', intro: '', author: '', link: url, image: '', tags: [] },
  });
});

test('the address of a page is where it was, whatever it names: a site may name one in all its pages', () => {
  const pages = ['/advisory-17.html', '/advisory-18.html?utm_source=rss'].map((path) =>
    postPage({
      ...{ url: `${site}${path}`, type: 'text/html' },
      text: `<title>t</title><meta property="og:url" content="${site}/news"><link rel="canonical" href="${site}/news">`,
    }),
  );
  expect(pages.map(({ link }) => link)).toEqual([`${site}/advisory-17.html`, `${site}/advisory-18.html`]);
  expect(withMeta('og:url', 'https://evil.example/x').link).toBe(url);
});

test('a picture is one of the web, with an address that is not too long', () => {
  for (const picture of ['javascript:alert(1)', 'data:image/png;base64,AA', `/${'x'.repeat(1_000)}`]) {
    expect(withMeta('og:image', picture).image).toBe('');
  }
});

test('a date that no post can have is none', () => {
  for (const date of ['yesterday', '0001-01-01T00:00:00Z', '+275000-01-01T00:00:00Z', '']) {
    expect(withMeta('article:published_time', date).published).toBeUndefined();
  }
});

test('what is too long is cut, between characters', () => {
  const { title, intro, tags } = page(
    `<title>${'😀'.repeat(500)}</title><meta property="og:description" content="${'x'.repeat(50_000)}">` +
      Array.from({ length: 500 }, (_, at) => `<meta property="article:tag" content="tag ${at}">`).join(''),
  );
  expect([title.length, intro.length, tags.length]).toEqual([300, 2_000, 20]);
  expect(title).toBe('😀'.repeat(150));
  expect(page('<title>a\u0000b\ud800c</title>').title).toBe('a b c');
});

test('a page without a title is no post (poison)', () => {
  for (const text of ['', '<title> </title>', '<p>text</p>', '\u0000\u0001']) {
    expect(() => page(text)).toThrow(expect.objectContaining({ name: 'NotAPost' }));
  }
  expect(() => postPage({ url, type: 'image/png', text: file })).toThrow(expect.objectContaining({ name: 'NotAPost' }));
});

test('elements in elements without end are refused, and as many as there may be end in no time', () => {
  const before = process.cpuUsage();
  for (const element of ['<div>', '<a>', '<div></x>', '<div><!--</div>-->']) {
    expect(() => page(`<title>t</title>${element.repeat(100_000)}`)).toThrow(
      expect.objectContaining({ name: 'NotAPost', message: expect.stringContaining('elements') }),
    );
  }
  const deep = '<div>'.repeat(19_900);
  const author = `<footer class="blog-post-meta"><span property="author">${deep}Ada</span></footer>`;
  expect(page(`<title>deep</title>${author}<meta property="og:description" content="at the bottom">`)).toMatchObject({
    ...{ title: 'deep', intro: 'at the bottom', author: '' },
  });
  expect(process.cpuUsage(before).user).toBeLessThan(10_000_000);
});
