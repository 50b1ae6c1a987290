import { Marked, Renderer, type Token, type Tokens } from 'marked';
import { headingAnchor } from '../../shared/heading-anchor.ts';
import { escapeHtml } from './escape-html.ts';
import { foreignFolder, type LinkTargets, resolveLink } from './pages.ts';

/** A page before its links are known. */
export interface ParsedPage {
  /** Path of its Markdown. */
  source: string;
  title: string;
  anchors: ReadonlySet<string>;
  tokens: Token[];
}

const markdown = new Marked({ gfm: true });

/** Reads the Markdown of a page; a block `---` at its start is what its author says of it, of which only the title is used. */
export function parsePage(source: string, text: string): ParsedPage {
  const [, about, body = text] = /^---\r?\n([\s\S]*?)\r?\n---\r?\n([\s\S]*)$/.exec(text) ?? [];
  const said = /^title:\s*(["']?)(.+?)\1\s*$/m.exec(about ?? '')?.[2];
  const tokens = markdown.lexer(body);
  const { taken: anchors, free } = createAnchors();
  let title = said;
  for (const token of tokens) {
    if (token.type !== 'heading') continue;
    const text = plainText(token.tokens ?? []);
    title ??= text;
    free(text);
  }
  return { source, title: title ?? source, anchors, tokens };
}

/**
 * The page's content as HTML. Nothing of the Markdown is taken as HTML: it is escaped, and links lead to pages, files and
 * addresses that `resolveLink` knows.
 * @returns also what its links lead to in vain; a sentence each, none for pages of others
 */
export function renderPage({ source, tokens }: ParsedPage, targets: LinkTargets): { html: string; broken: string[] } {
  const broken: string[] = [];
  const { free } = createAnchors();
  const isForeign = source.startsWith(foreignFolder);
  const target = (href: string) => {
    const found = resolveLink(source, href, targets);
    if (found.kind === 'broken' && !isForeign) broken.push(`${source} links to ${href}: ${found.why}.`);
    return found;
  };
  const page = new Marked({
    gfm: true,
    renderer: {
      heading({ tokens: inner, depth }) {
        return `<h${depth} id="${escapeHtml(free(plainText(inner)))}">${this.parser.parseInline(inner)}</h${depth}>\n`;
      },
      link({ href, tokens: inner }) {
        const text = this.parser.parseInline(inner);
        const found = target(href);
        if (found.kind === 'inside') return `<a href="${escapeHtml(found.href)}">${text}</a>`;
        if (found.kind === 'outside') return `<a href="${escapeHtml(found.href)}" rel="noreferrer">${text}</a>`;
        if (found.kind === 'repository') return `<span class="file" title="${escapeHtml(found.path)}">${text}</span>`;
        return `<span>${text}</span>`;
      },
      image({ href, text }) {
        const found = target(href);
        // A page asks no other host for anything.
        if (found.kind === 'inside')
          return `<img src="${escapeHtml(found.href)}" alt="${escapeHtml(text)}" loading="lazy">`;
        return `<span>${escapeHtml(text)}</span>`;
      },
      text(token) {
        // Behind a tag such as <code> the lexer takes text for HTML that is escaped already.
        return Renderer.prototype.text.call(this, { ...token, escaped: false });
      },
      html({ text }) {
        return /^\s*<!--(?:(?!-->)[\s\S])*-->\s*$/.test(text) ? '' : escapeHtml(text);
      },
      code({ text }) {
        return `<pre tabindex="0"><code>${escapeHtml(text)}</code></pre>\n`;
      },
      table(token: Tokens.Table) {
        return `<div class="table" tabindex="0">${Renderer.prototype.table.call(this, token)}</div>\n`;
      },
    },
  });
  return { html: page.parser(tokens), broken };
}

/** Anchors of a page, as GitHub makes them: of two headings with one text the second is `text-1`. */
function createAnchors(): { taken: ReadonlySet<string>; free(text: string): string } {
  const taken = new Set<string>();
  /** By the anchor of a text, the number that is tried next. */
  const next = new Map<string, number>();
  return {
    taken,
    free(text) {
      const anchor = headingAnchor(text);
      for (let count = next.get(anchor) ?? 0; ; count += 1) {
        const candidate = count === 0 ? anchor : `${anchor}-${count}`;
        if (taken.has(candidate)) continue;
        next.set(anchor, count + 1);
        taken.add(candidate);
        return candidate;
      }
    },
  };
}

/** What a reader sees of inline tokens, without their marks. */
function plainText(tokens: readonly Token[]): string {
  return tokens
    .map((token) => {
      if ('tokens' in token && token.tokens !== undefined) return plainText(token.tokens);
      return 'text' in token ? String(token.text) : '';
    })
    .join('');
}
