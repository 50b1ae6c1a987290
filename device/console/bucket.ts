/** What was measured within a stretch of time; a single reading is a bucket of one. */
export interface Bucket {
  /** Instant of its first reading (of a minute: its begin), epoch ms. */
  atMs: number;
  min: number;
  max: number;
  sum: number;
  count: number;
}

export function bucketOf(atMs: number, value: number): Bucket {
  return { atMs, min: value, max: value, sum: value, count: 1 };
}

/** Takes `other` in; keeps the earlier instant. */
export function mergeInto(bucket: Bucket, other: Bucket): void {
  bucket.atMs = Math.min(bucket.atMs, other.atMs);
  bucket.min = Math.min(bucket.min, other.min);
  bucket.max = Math.max(bucket.max, other.max);
  bucket.sum += other.sum;
  bucket.count += other.count;
}

/**
 * At most `points + 1` buckets that stand for all of `buckets` (ascending). Each keeps the least and the greatest of what
 * it stands for, so that no extreme is lost. Edges are multiples of the width, so that a curve which moves on keeps its
 * shape.
 */
export function downsample(buckets: readonly Bucket[], spanMs: number, points: number): Bucket[] {
  if (buckets.length <= points) return buckets.map((bucket) => ({ ...bucket }));
  const widthMs = Math.max(1, Math.ceil(spanMs / points));
  const merged: Bucket[] = [];
  let lastSlot: number | undefined;
  for (const bucket of buckets) {
    const slot = Math.floor(bucket.atMs / widthMs);
    const last = merged.at(-1);
    if (last !== undefined && slot === lastSlot) mergeInto(last, bucket);
    else merged.push({ ...bucket });
    lastSlot = slot;
  }
  return merged;
}
