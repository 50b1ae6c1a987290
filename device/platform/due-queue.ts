/**
 * Keys by the instant at which something can be done for them: a binary heap with one entry a key, so that a push, a
 * move and a pop cost O(log n) and no key owns a timer.
 */
export interface DueQueue {
  /** Adds the key, or moves it. */
  set(key: string, dueAtMs: number): void;
  has(key: string): boolean;
  delete(key: string): void;
  /** Takes up to `limit` keys that are due, the longest due first. */
  takeDue(nowMs: number, limit: number): string[];
  clear(): void;
  /** Instant of the earliest key, or undefined. */
  nextAtMs(): number | undefined;
  readonly size: number;
}

export function dueQueue(): DueQueue {
  interface Item {
    key: string;
    at: number;
    order: number;
  }
  const heap: Item[] = [];
  const places = new Map<string, number>();
  let order = 0;

  const before = (a: Item, b: Item) => a.at < b.at || (a.at === b.at && a.order < b.order);

  function place(item: Item, index: number): void {
    heap[index] = item;
    places.set(item.key, index);
  }

  function rise(item: Item, from: number): void {
    let index = from;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex];
      if (parent === undefined || !before(item, parent)) break;
      place(parent, index);
      index = parentIndex;
    }
    place(item, index);
  }

  function sink(item: Item, from: number): void {
    let index = from;
    for (;;) {
      const left = heap[2 * index + 1];
      if (left === undefined) break;
      const right = heap[2 * index + 2];
      const child = right !== undefined && before(right, left) ? right : left;
      if (!before(child, item)) break;
      const childIndex = child === left ? 2 * index + 1 : 2 * index + 2;
      place(child, index);
      index = childIndex;
    }
    place(item, index);
  }

  function remove(key: string): void {
    const index = places.get(key);
    if (index === undefined) return;
    places.delete(key);
    const last = heap.pop();
    if (last === undefined || last.key === key) return;
    const parent = heap[(index - 1) >> 1];
    if (index > 0 && parent !== undefined && before(last, parent)) rise(last, index);
    else sink(last, index);
  }

  return {
    set(key, dueAtMs) {
      remove(key);
      rise({ key, at: dueAtMs, order: order++ }, heap.length);
    },
    has: (key) => places.has(key),
    delete: remove,
    takeDue(nowMs, limit) {
      const taken: string[] = [];
      for (let first = heap[0]; first !== undefined && first.at <= nowMs && taken.length < limit; first = heap[0]) {
        taken.push(first.key);
        remove(first.key);
      }
      return taken;
    },
    clear() {
      heap.length = 0;
      places.clear();
    },
    nextAtMs: () => heap[0]?.at,
    get size() {
      return heap.length;
    },
  };
}
