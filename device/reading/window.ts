/**
 * Readings around a breach of one metric, in a bounded memory of typed arrays. While nothing happens it holds the latest
 * readings; from a firing on it grows to the whole breach, by thinning out evenly instead of forgetting the beginning.
 */
export interface ReadingWindow {
  /** `breached`: something fires on this metric, so its beginning is to be kept. */
  push(atMs: number, value: number, breached: boolean): void;
  /** Moves all instants, once it is known by how much the clock was wrong. */
  shift(byMs: number): void;
  /** `[epoch ms, value]`, oldest first. */
  points(): [number, number][];
}

/** @param capacity Most points; 0 keeps none. */
export function createReadingWindow(capacity: number): ReadingWindow {
  const times = new Float64Array(capacity);
  const values = new Float64Array(capacity);
  let first = 0;
  let size = 0;
  /** While breached, every so many readings one is kept; the latest always. */
  let stride = 1;
  let sinceKept = 0;

  function indexOf(position: number): number {
    return (first + position) % capacity;
  }

  function append(atMs: number, value: number): void {
    if (size === capacity) {
      first = indexOf(1);
      size -= 1;
    }
    const index = indexOf(size);
    times[index] = atMs;
    values[index] = value;
    size += 1;
  }

  function replaceLatest(atMs: number, value: number): void {
    const index = indexOf(size - 1);
    times[index] = atMs;
    values[index] = value;
  }

  /** Keeps every second point, the oldest among them; what comes next is appended. */
  function thin(): void {
    const kept = points().filter((_, position) => position % 2 === 0);
    first = 0;
    size = 0;
    for (const [atMs, value] of kept) append(atMs, value);
  }

  function points(): [number, number][] {
    return Array.from({ length: size }, (_, position) => {
      const index = indexOf(position);
      return [times[index] ?? 0, values[index] ?? 0];
    });
  }

  return {
    push(atMs, value, breached) {
      if (capacity === 0) return;
      if (!breached) {
        stride = 1;
        sinceKept = 0;
        append(atMs, value);
        return;
      }
      sinceKept += 1;
      // The latest reading stands provisionally in the last place until its stride is full.
      if (sinceKept > 1) replaceLatest(atMs, value);
      else {
        if (size === capacity && capacity > 2) {
          thin();
          stride *= 2;
        }
        append(atMs, value);
      }
      if (sinceKept >= stride) sinceKept = 0;
    },
    shift(byMs) {
      times.forEach((atMs, index) => {
        times[index] = atMs + byMs;
      });
    },
    points,
  };
}
