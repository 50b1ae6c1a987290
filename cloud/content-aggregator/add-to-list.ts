import type { BlogMeta, ContentItem } from './contract.ts';

/** Bytes of an entry as JSON at most: fifty of them and their addresses stay below the 256 KB that a state may have. */
export const largestItemBytes = 3_000;

/** A post as an entry of the content file. One whose page has no date has the day on which it was seen. */
export function itemOf(meta: BlogMeta, nowMs: number): ContentItem {
  const { title, intro, author, published, link, image, tags } = meta;
  const date = dayOf(published === undefined ? nowMs : Date.parse(published));
  return fitted({ title, intro, author, date, link, image, tags });
}

/** `Aug 22, 2020`, in UTC. */
function dayOf(atMs: number): string {
  return new Intl.DateTimeFormat('en-US', { month: 'short', day: 'numeric', year: 'numeric', timeZone: 'UTC' }).format(
    atMs,
  );
}

/** What is worth least goes first: the introduction from its end, the tags, the picture, the author, the end of the title. */
function fitted(item: ContentItem): ContentItem {
  const steps: ((item: ContentItem) => ContentItem)[] = [
    (one) => ({ ...one, intro: shortened(one.intro, one) }),
    (one) => ({ ...one, tags: [] }),
    (one) => ({ ...one, image: '' }),
    (one) => ({ ...one, author: '' }),
    (one) => ({ ...one, title: shortened(one.title, one) || 'Untitled' }),
  ];
  return steps.reduce((one, step) => (bytesOf(one) <= largestItemBytes ? one : step(one)), item);
}

/** Without the characters at its end that are too many in the entry. */
function shortened(text: string, item: ContentItem): string {
  const characters = [...text];
  let excess = bytesOf(item) - largestItemBytes;
  while (excess > 0 && characters.length > 0) excess -= bytesOf(characters.pop()) - 2;
  return characters.join('').trimEnd();
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
