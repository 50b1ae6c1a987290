import { type Bucket, bucketOf } from './bucket.ts';

/** The latest readings of a metric as they came: a bounded number of them, and none older than `keepMs`. */
export interface RawRing {
  /** False for one that is not newer than the newest: it came twice. A clock that was set back empties the ring. */
  add(atMs: number, value: number): boolean;
  /** Instant of the oldest reading that is still there; undefined while there is none. */
  oldestMs(): number | undefined;
  between(fromMs: number, toMs: number): Bucket[];
  size(): number;
}

/** A stamp this far before the newest is no late reading: the device's clock was set back. */
const setBackMs = 60_000;

export function createRawRing(capacity: number, keepMs: number): RawRing {
  const times = new Float64Array(capacity);
  const values = new Float64Array(capacity);
  let first = 0;
  let count = 0;
  const at = (index: number) => (first + index) % capacity;

  function dropOldest(): void {
    first = at(1);
    count -= 1;
  }

  return {
    add(atMs, value) {
      const newest = count === 0 ? -Infinity : (times[at(count - 1)] ?? 0);
      if (atMs <= newest) {
        if (newest - atMs < setBackMs) return false;
        count = 0;
      }
      if (count === capacity) dropOldest();
      while (count > 0 && (times[first] ?? 0) < atMs - keepMs) dropOldest();
      times[at(count)] = atMs;
      values[at(count)] = value;
      count += 1;
      return true;
    },
    oldestMs: () => (count === 0 ? undefined : times[first]),
    between(fromMs, toMs) {
      const found: Bucket[] = [];
      for (let index = 0; index < count; index += 1) {
        const time = times[at(index)] ?? 0;
        if (time >= fromMs && time <= toMs) found.push(bucketOf(time, values[at(index)] ?? 0));
      }
      return found;
    },
    size: () => count,
  };
}
