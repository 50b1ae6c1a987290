import type { Decision } from './contract.ts';
import { linkKey } from './link-key.ts';

/** Whether a post is in the content file, under the address of the feed or under its own. */
export function compareAgainstRepo(addresses: readonly string[], known: ReadonlySet<string>): Decision {
  return { exist: addresses.some((address) => known.has(linkKey(address))) ? 1 : 0 };
}
