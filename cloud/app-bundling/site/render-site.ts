import { posix } from 'node:path';
import { escapeHtml } from './escape-html.ts';
import { newsFile, renderNews } from './news.ts';
import { foreignFolder, type LinkTargets, pagePath, relative, type Sources } from './pages.ts';
import { type ParsedPage, parsePage, renderPage } from './render-page.ts';

/** Pictures that are shown. No SVG: opened by itself it is a page that may run scripts. */
const picture = /\.(?:png|jpe?g|webp|gif)$/i;

/** A page loads its style and pictures from where it lies, runs nothing, and is shown in no frame. */
export const contentPolicy =
  "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'";

/** A curve above its limit. */
const icon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="none" stroke-width="2"><path stroke="#c33" d="M1 6h14"/><path stroke="#27c" d="M1 13c5 0 4-10 7-10s3 8 7 8"/></svg>';

export interface SiteInput {
  /** Markdown, the pictures that it may show, and the news. */
  sources: Sources;
  style: string;
  exists: LinkTargets['exists'];
  /** Told which page of others is shown as it was written, and why. */
  tell?(sentence: string): void;
}

/**
 * All files of the site, by path: a page for each Markdown file, `404.html`, style and icon, and the pictures. The same
 * sources give the same bytes.
 * @throws Error that names each link of a page of our own that leads nowhere
 */
export function renderSite({ sources, style, exists, tell }: SiteInput): Map<string, string | Uint8Array> {
  const decoder = new TextDecoder();
  const pages = [...sources]
    .filter(([path]) => path.endsWith('.md'))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, bytes]) => {
      const text = decoder.decode(bytes);
      return orAsText(
        path,
        () => parsePage(path, text),
        () => ({ source: path, title: path, anchors: new Set<string>(), tokens: [{ type: 'code', raw: text, text }] }),
        tell,
      );
    });
  const pictures = new Map([...sources].filter(([path]) => picture.test(path)));
  const targets: LinkTargets = {
    anchors: new Map(pages.map(({ source, anchors }) => [source, anchors])),
    pictures: new Set(pictures.keys()),
    exists,
  };
  const site = new Map<string, string | Uint8Array>([['style.css', style], ['icon.svg', icon], ...pictures]);
  const news = sources.get(newsFile);
  const listed: Listed[] = [...pages, ...(news === undefined ? [] : [newsPage])];
  if (news !== undefined)
    site.set(pagePath(newsPage.source), layOut(newsPage, renderNews(decoder.decode(news)), listed));
  const broken: string[] = [];
  for (const page of pages) {
    const rendered = orAsText(
      page.source,
      () => renderPage(page, targets),
      () => ({ html: `<pre>${escapeHtml(decoder.decode(sources.get(page.source)))}</pre>\n`, broken: [] }),
      tell,
    );
    broken.push(...rendered.broken);
    site.set(pagePath(page.source), layOut(page, rendered.html, listed));
  }
  if (broken.length > 0) throw new Error(`The site is not built, as links lead nowhere.\n${broken.join('\n')}`);
  const missing = parsePage('404.md', '# There is no such page\n\nThe list beside this has all pages.\n');
  // It is shown at any address, so it finds its style and the pages from the top.
  site.set('404.html', layOut(missing, renderPage(missing, targets).html, listed, '/'));
  return site;
}

/** A page of ours is made or fails the build; of others one that cannot be made, as it is nested too deep, is its text. */
function orAsText<T>(source: string, make: () => T, asText: () => T, tell: SiteInput['tell']): T {
  if (!source.startsWith(foreignFolder)) return make();
  try {
    return make();
  } catch (error) {
    tell?.(`${source} is shown as it was written: ${error instanceof Error ? error.message : String(error)}.`);
    return asText();
  }
}

/** A page in the list of all. */
type Listed = Pick<ParsedPage, 'source' | 'title'>;

const newsPage: Listed = { source: 'news.md', title: 'News' };

function layOut(page: Listed, html: string, pages: readonly Listed[], top = ''): string {
  const href = (target: string) => escapeHtml(top === '' ? relative(page.source, target) : `${top}${target}`);
  const link = ({ source, title }: Listed) => {
    const current = source === page.source ? ' aria-current="page"' : '';
    return `<li><a href="${href(pagePath(source))}"${current}>${escapeHtml(title)}</a></li>`;
  };
  const lists = [...new Set(pages.map(({ source }) => groupOf(source)))].map((name) => {
    const members = pages.filter(({ source }) => groupOf(source) === name);
    return `<p>${escapeHtml(name)}</p><ul>${members.map(link).join('')}</ul>`;
  });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="${escapeHtml(contentPolicy)}">
<title>${escapeHtml(page.title)} · greengrass-itsm</title>
<link rel="icon" type="image/svg+xml" href="${href('icon.svg')}">
<link rel="stylesheet" href="${href('style.css')}">
</head>
<body>
<nav aria-label="Pages">${lists.join('')}</nav>
<main>
${html}</main>
</body>
</html>
`;
}

function groupOf(source: string): string {
  const folder = posix.dirname(source);
  if (folder === '.') return 'greengrass-itsm';
  return source.startsWith(foreignFolder) ? 'News' : (folder.split('/')[0] ?? folder);
}
