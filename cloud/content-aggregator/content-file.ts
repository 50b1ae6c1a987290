import { z } from 'zod';
import type { ContentItem } from './contract.ts';
import { linkKey } from './link-key.ts';
import { Refused } from './refused.ts';

/** Entries as they are in the file: others write it too, so what is there stays as it is. */
export type ContentEntry = unknown;

const entrySchema = z.looseObject({
  link: z.string().optional().catch(undefined),
  date: z.string().optional().catch(undefined),
});

/**
 * Entries of the content file; none where there is no file, or nothing in it.
 * @throws Refused `ContentUnusable` where it is no JSON array
 */
export function parseContent(text: string | undefined): ContentEntry[] {
  if (text === undefined || text.trim() === '') return [];
  const parsed = z.array(z.unknown()).safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new Refused('ContentUnusable', 'The content file is no JSON array: repair it in the repository.');
}

/** Keys of all links in it. */
export function knownKeys(entries: readonly ContentEntry[]): Set<string> {
  return new Set(entries.map((entry) => keyOf(entry)).filter((key) => key !== undefined));
}

/**
 * The entries with the new ones among them, newest first: each new one stands before the first that is older. What was there
 * keeps its order, whatever that is, and counts as older where it has no date. A new one whose link is there is not added.
 */
export function mergeContent(
  entries: readonly ContentEntry[],
  items: readonly ContentItem[],
): { entries: ContentEntry[]; added: number } {
  const known = knownKeys(entries);
  const fresh = items.filter(({ link }) => {
    const key = linkKey(link);
    const isNew = !known.has(key);
    known.add(key);
    return isNew;
  });
  const newestFirst = fresh.toSorted((a, b) => dayOf(b) - dayOf(a));
  const merged: ContentEntry[] = [];
  for (const entry of entries) {
    const older = newestFirst.findIndex((item) => dayOf(item) < dayOf(entry));
    merged.push(...newestFirst.splice(0, older === -1 ? newestFirst.length : older), entry);
  }
  return { entries: [...merged, ...newestFirst], added: fresh.length };
}

/** The file as it is written: two blanks a level, as people read its differences. */
export function contentText(entries: readonly ContentEntry[]): string {
  return `${JSON.stringify(entries, null, 2)}\n`;
}

function keyOf(entry: ContentEntry): string | undefined {
  const { data } = entrySchema.safeParse(entry);
  return data?.link === undefined ? undefined : linkKey(data.link);
}

/** Epoch ms of the day; before all others where it is not said in a way that is known. */
function dayOf(entry: ContentEntry): number {
  const { data } = entrySchema.safeParse(entry);
  const atMs = Date.parse(data?.date ?? '');
  return Number.isFinite(atMs) ? atMs : Number.MIN_SAFE_INTEGER;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
