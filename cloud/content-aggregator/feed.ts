import { parseFeed } from 'feedsmith';
import { type FeedPosts, link, mostPosts } from './contract.ts';
import { cleanLink, linkKey } from './link-key.ts';
import { Refused } from './refused.ts';

/** Start tags; those of the pages that a feed carries as text are none of its own. */
const mostElements = 20_000;
/** Entries that are read at all. */
const mostEntries = 1_000;

interface Entry {
  address: string | undefined;
  date: string | undefined;
}

/**
 * Addresses of the newest posts of a feed, newest first, each once. Where not all entries have a date, the order is the feed's.
 * @param base Where the feed lies, as its links may be relative to it.
 * @throws Refused `NotAFeed`
 */
export function postsOf(text: string, base: string): FeedPosts {
  if (hasTooManyElements(text)) throw notAFeed(`it has more than ${mostElements} elements`);
  const entries = entriesOf(text);
  const dated = entries.map((entry) => ({ ...entry, atMs: Date.parse(entry.date ?? '') }));
  if (dated.every(({ atMs }) => Number.isFinite(atMs))) dated.sort((a, b) => b.atMs - a.atMs);
  const addresses = dated.map(({ address }) => {
    const parsed = link.safeParse(address === undefined ? undefined : cleanLink(address, base));
    return parsed.success ? parsed.data : undefined;
  });
  const byKey = new Map<string, string>();
  for (const address of addresses) {
    if (address !== undefined && !byKey.has(linkKey(address))) byKey.set(linkKey(address), address);
  }
  const usable = [...byKey.values()];
  return {
    urls: usable.slice(0, mostPosts),
    unusable: addresses.filter((address) => address === undefined).length,
    older: Math.max(0, usable.length - mostPosts),
  };
}

function entriesOf(text: string): Entry[] {
  const parsed = parse(text);
  if (parsed.format === 'rss') {
    return (parsed.feed.items ?? []).map(({ link: address, guid, pubDate, dc }) => ({
      address: address ?? (guid?.isPermaLink === false ? undefined : guid?.value),
      date: pubDate ?? dc?.dates?.[0],
    }));
  }
  if (parsed.format === 'atom') {
    return (parsed.feed.entries ?? []).map(({ links = [], published, updated }) => ({
      address: links.find(({ rel }) => rel === undefined || rel === 'alternate')?.href,
      date: published ?? updated,
    }));
  }
  throw notAFeed(`it is a feed of format ${parsed.format}`);
}

/** Looks at each character once. What is in a comment or in CDATA is text; where one has no end, so is all that follows. */
function hasTooManyElements(text: string): boolean {
  const opening = /<!--|<!\[CDATA\[|<[a-z_]/gi;
  let elements = 0;
  for (let found = opening.exec(text); found !== null; found = opening.exec(text)) {
    const [what] = found;
    if (what.startsWith('<!')) {
      const end = text.indexOf(what === '<!--' ? '-->' : ']]>', opening.lastIndex);
      if (end === -1) return false;
      opening.lastIndex = end;
    } else if (++elements > mostElements) return true;
  }
  return false;
}

function parse(text: string) {
  try {
    return parseFeed(text, { maxItems: mostEntries });
  } catch (cause) {
    throw notAFeed(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function notAFeed(why: string, options?: ErrorOptions): Refused {
  return new Refused('NotAFeed', `The feed is neither RSS 2.0 nor Atom, or not one that is read: ${why}.`, options);
}
