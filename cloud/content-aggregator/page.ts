import { type CheerioAPI, load } from 'cheerio/slim';
import { type BlogMeta, blogMeta } from './contract.ts';
import type { FetchedDocument } from './fetch-document.ts';
import { cleanLink } from './link-key.ts';
import { Refused } from './refused.ts';

const pageTypes = ['text/html', 'application/xhtml+xml'];

/** Start tags. Were each in the one before, the parser's time would grow with the square of their number: so, a quarter of a second. */
const mostElements = 20_000;

/**
 * What a page says of itself, cut to what an entry may have. Nothing in it is run, and nothing that it names is fetched.
 * @throws Refused `NotAPost`
 */
export function postPage({ url, type, text }: FetchedDocument): BlogMeta {
  if (!pageTypes.includes(type)) throw new Refused('NotAPost', `${url} is no page but ${type || 'of no type'}.`);
  if ([...text.matchAll(/<[a-z]/gi)].length > mostElements) {
    throw new Refused('NotAPost', `${url} has more than ${mostElements} elements.`);
  }
  const parsed = blogMeta.safeParse(read(url, text));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Refused('NotAPost', `${url} is no post: ${issue?.path.join('.')}: ${issue?.message}.`);
}

function read(url: string, text: string) {
  const $ = load(text);
  const content = (selector: string) => $(selector).first().attr('content');
  const property = (name: string) => content(`meta[property="${name}"]`) ?? content(`meta[name="${name}"]`);
  const tags = $('meta[property="article:tag"]')
    .slice(0, 200)
    .map((_, element) => $(element).attr('content'))
    .get();
  return {
    title: line($('title').first().text() || (property('og:title') ?? ''), 300),
    intro: line(property('og:description') ?? property('description') ?? '', 2_000),
    author: line(authorIn($) || (property('author') ?? ''), 200),
    published: instant(property('article:published_time') ?? $('time[datetime]').first().attr('datetime')),
    // Where it was in the end. What it names as its address is not asked: many sites name one in all their pages.
    link: cleanLink(url),
    image: address(property('og:image'), url) ?? '',
    tags: tagsOf(tags),
  };
}

function authorIn($: CheerioAPI): string {
  try {
    return $('footer.blog-post-meta [property="author"]').first().text();
  } catch (error) {
    // Deeper than the stack of calls.
    if (error instanceof RangeError) return '';
    throw error;
  }
}

/** One line, cut between characters, without what no text has. */
function line(text: string, longest: number): string {
  // A surrogate that stands alone is no character, and U+0000 is none in JSON files that others read.
  const clean = text
    .slice(0, 20_000)
    .replaceAll(/[\p{Cc}\p{Cs}\s]+/gu, ' ')
    .trim();
  const cut = clean.slice(0, longest);
  return (cut.length < clean.length ? cut.replace(/[\uD800-\uDBFF]$/, '') : cut).trim();
}

function tagsOf(found: readonly string[]): string[] {
  return [...new Set(found.map((tag) => line(tag, 60)).filter((tag) => tag !== ''))].slice(0, 20);
}

function instant(date: string | undefined): string | undefined {
  const atMs = Date.parse(date ?? '');
  const [earliest, latest] = [Date.UTC(1990), Date.UTC(2200)];
  return atMs >= earliest && atMs < latest ? new Date(atMs).toISOString() : undefined;
}

function address(found: string | undefined, base: string): string | undefined {
  if (found === undefined || !URL.canParse(found, base)) return undefined;
  const url = new URL(found, base);
  const isWeb = url.protocol === 'https:' || url.protocol === 'http:';
  return isWeb && url.href.length <= 1_000 ? url.href : undefined;
}
