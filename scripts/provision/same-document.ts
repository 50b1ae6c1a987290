import { isDeepStrictEqual } from 'node:util';

/**
 * Whether two policy documents say the same: AWS may give a list of one back as the one, and lists of actions and
 * resources in another order.
 */
export function sameDocument(one: unknown, other: unknown): boolean {
  return isDeepStrictEqual(normalised(one), normalised(other));
}

function normalised(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(normalised);
    if (items.length === 1) return items[0];
    return items.every((item) => typeof item === 'string') ? items.sort() : items;
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, normalised(item)]));
}
