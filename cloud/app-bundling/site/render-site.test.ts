import { load } from 'cheerio';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { renderSite } from './render-site.ts';

function site(pages: Record<string, string>, files: readonly string[] = []): Map<string, string> {
  const sources = new Map(Object.entries(pages).map(([path, text]) => [path, Buffer.from(text)]));
  const rendered = renderSite({ sources, style: 'a {}', exists: (path) => files.includes(path) });
  return new Map([...rendered].map(([path, content]) => [path, Buffer.from(content).toString()]));
}
const page = (text: string, files: readonly string[] = []) =>
  load(site({ 'README.md': text }, files).get('index.html') ?? '');
const foreign = (text: string) => load(site({ 'content/post.md': text }).get('content/post.html') ?? '');

describe('the site', () => {
  test('each README is the index of its folder, every other page has its name, and each is in the list of pages', () => {
    const built = site({ 'README.md': '# Top', 'cloud/README.md': '# Cloud', 'cloud/NOTES.md': 'none' });
    expect([...built.keys()].toSorted()).toEqual([
      ...['404.html', 'cloud/NOTES.html', 'cloud/index.html', 'icon.svg', 'index.html', 'style.css'],
    ]);
    const $ = load(built.get('cloud/index.html') ?? '');
    expect($('title').text()).toBe('Cloud · greengrass-itsm');
    expect(
      $('nav a')
        .toArray()
        .map((a) => [$(a).attr('href'), $(a).text()]),
    ).toEqual([
      ['../index.html', 'Top'],
      ['NOTES.html', 'cloud/NOTES.md'],
      ['index.html', 'Cloud'],
    ]);
    expect($('nav a[aria-current=page]').text()).toBe('Cloud');
    expect($('link[rel=stylesheet]').attr('href')).toBe('../style.css');
    expect(load(built.get('404.html') ?? '')('link[rel=stylesheet]').attr('href')).toBe('/style.css');
  });

  test.each([
    ['cloud/README.md', '../device/README.md#its-parts', '../device/index.html#its-parts'],
    ['cloud/README.md', '../device', '../device/index.html'],
    ['cloud/README.md', '..', '../index.html'],
    ['README.md', 'device/', 'device/index.html'],
    ['README.md', 'device/README.md#its-parts-1', 'device/index.html#its-parts-1'],
    ['device/README.md', '#its-parts', '#its-parts'],
    ['device/README.md', 'a.png', 'a.png'],
    ['README.md', 'https://example.com/a?b=c&d', 'https://example.com/a?b=c&d'],
  ])('of %s the link %s leads to %s', (from, link, to) => {
    const pages = {
      'README.md': '# Top',
      'cloud/README.md': '# Cloud',
      'device/README.md': '# It\n\n## Its parts\n\n## Its parts\n',
      'device/a.png': '',
    };
    const built = site({
      ...pages,
      [from]: `${pages[from === 'README.md' ? 'README.md' : 'device/README.md']}\n\n[text](${link})`,
    });
    const $ = load(built.get(from.replace('README.md', 'index.html')) ?? '');
    expect($('main a').last().attr('href')).toBe(to);
  });

  test('a link to a file that the site does not have is text with its path', () => {
    const $ = page('[code](scripts/main.ts)', ['scripts/main.ts']);
    expect($('main a')).toHaveLength(0);
    expect($('main .file').attr('title')).toBe('scripts/main.ts');
  });

  test.each([
    ['no.md', 'there is no no.md'],
    ['README.md#none', 'README.md has no heading #none'],
    ['../../etc/passwd', 'it leaves the repository'],
    ['/etc/passwd', 'no link may have this scheme or host'],
    ['javascript:alert(1)', 'no link may have this scheme or host'],
    ['//example.com/', 'no link may have this scheme or host'],
    ['%E0%A4%A', 'it is not encoded as an address is'],
  ])('a link of ours to %s fails the build, and says why', (link, why) => {
    expect(() => page(`[text](${link})`)).toThrow(`README.md links to ${link}: ${why}.`);
  });

  test('what is wrong in a page of others is text, and fails no build', () => {
    const $ = foreign('[one](javascript:alert(1)) [two](no.md) ![three](https://example.com/a.png)');
    expect($('main').text()).toContain('one two three');
    expect($('main a, main img')).toHaveLength(0);
  });

  test('HTML in Markdown is text, and a comment is nothing', () => {
    const $ = page(
      '<script>alert(1)</script>\n\na <img src=x onerror=alert(1)> b\n\n<!-- said aside -->\n\n`<b>`\n\n```\n<i>\n```\n',
    );
    expect($('main script, main img, main b, main i')).toHaveLength(0);
    expect($('main').text()).toContain('<script>alert(1)</script>');
    expect($('main').text()).not.toContain('said aside');
  });

  test.each(['code', 'pre', 'kbd', 'script'])('behind <%s> a tag that is not closed is text', (tag) => {
    const $ = foreign(`a <${tag}> <meta http-equiv=refresh content=0;url=//evil.example/ x`);
    expect($('main meta')).toHaveLength(0);
    expect($('meta')).toHaveLength(4);
    expect($('main').text()).toContain('<meta http-equiv=refresh');
    expect(foreign(`a <${tag}> &copy; & <b`)('main').text()).toContain('© & <b');
  });

  test('a page of others that cannot be rendered is its text, and is named', () => {
    const deep = `${'> '.repeat(20_000)}x`;
    const told: string[] = [];
    const sources = new Map([['content/deep.md', Buffer.from(deep)]]);
    const built = renderSite({ sources, style: '', exists: () => false, tell: (sentence) => told.push(sentence) });
    expect(told[0]).toMatch(/^content\/deep\.md is shown as it was written: /);
    expect(load(Buffer.from(built.get('content/deep.html') ?? '').toString())('main').text()).toContain('> > x');
  });

  test('equal headings have anchors of their own, in a time that grows with their number', () => {
    const startedAt = performance.now();
    const $ = foreign('# a-1\n\n'.concat('# a\n\n'.repeat(20_000)));
    const ids = $('h1')
      .toArray()
      .map((heading) => $(heading).attr('id'));
    expect(ids.slice(0, 4)).toEqual(['a-1', 'a', 'a-2', 'a-3']);
    expect(new Set(ids).size).toBe(20_001);
    // Counted from one each time, they are four hundred million looks.
    expect(performance.now() - startedAt).toBeLessThan(20_000);
  }, 60_000);

  test('of what the author says at the start only the title is used', () => {
    const $ = foreign('---\ntitle: "A <b>post</b>"\nauthor: x\n---\nText\n');
    expect($('title').text()).toBe('A <b>post</b> · greengrass-itsm');
    expect($('main').text().trim()).toBe('Text');
  });

  test('whatever stands in a page, it becomes no element, attribute or address that could run or load something', () => {
    const nasty = fc.array(
      fc.oneof(
        fc.constantFrom(
          '<script>',
          '<code>',
          '</code>',
          '<meta http-equiv=refresh content=0;url=//evil.example/ x',
          'a ',
          ' ',
          '<img src=x onerror=a>',
          '[a](javascript:a)',
          '![a](data:text/html,b)',
          '"><svg onload=a>',
          '`',
          '|',
          '\n',
          '&#x6A;avascript:a',
          '[b]: javascript:a',
          '[b]',
          '<https://x.example>',
          '](',
          '"',
        ),
        fc.string(),
      ),
    );
    fc.assert(
      fc.property(nasty, (parts) => {
        const $ = foreign(parts.join(''));
        expect($('script, iframe, object, embed, form, svg, style, base')).toHaveLength(0);
        expect($('meta')).toHaveLength(4);
        for (const element of $('*').toArray()) {
          if (!('attribs' in element)) continue;
          for (const [name, value] of Object.entries(element.attribs)) {
            expect(name.startsWith('on')).toBe(false);
            if (name === 'href' || name === 'src') expect(value).not.toMatch(/^\s*(javascript|data|vbscript):/i);
          }
        }
        expect($('img')).toHaveLength(0);
      }),
    );
  });

  test('what content-aggregator commits is a page of news, of which entries that do not fit are left out', () => {
    const posts = [
      {
        title: 'A <b>post</b>',
        intro: 'Of "it"',
        author: 'Jo',
        date: 'Aug 22, 2020',
        link: 'https://example.com/a',
        tags: [],
      },
      { title: 'Bad', link: 'javascript:alert(1)' },
      'none',
    ];
    const built = site({ 'README.md': '# Top', 'frontend/content.json': JSON.stringify(posts) });
    expect(built.has('frontend/content.json')).toBe(false);
    const $ = load(built.get('news.html') ?? '');
    expect($('article')).toHaveLength(1);
    expect($('article a').attr('href')).toBe('https://example.com/a');
    expect($('article').text()).toBe('A <b>post</b>Aug 22, 2020 · JoOf "it"');
    expect(
      load(built.get('index.html') ?? '')('nav a')
        .last()
        .attr('href'),
    ).toBe('news.html');
    expect(load(site({ 'frontend/content.json': '{' }).get('news.html') ?? '')('main').text()).toContain(
      'There is none.',
    );
  });

  test('the same sources are the same bytes', () => {
    const pages = { 'README.md': '# a', 'b/README.md': '# b' };
    expect([...site(pages)]).toEqual([...site(pages)]);
  });
});
