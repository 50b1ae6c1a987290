import { itemOf } from './add-to-list.ts';
import { blogMeta, type ContentItem } from './contract.ts';

/** A new post as an entry of the content file. */
export async function handler(event: unknown): Promise<ContentItem> {
  return itemOf(blogMeta.parse(event), Date.now());
}
