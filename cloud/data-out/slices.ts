import { createHash } from 'node:crypto';
import { type CreatedObject, largestSlice, mostSlices, type Slice } from './contract.ts';

export type Cut =
  | { ok: true; job: string; destination: string; slices: Slice[] }
  | { ok: false; reason: 'unknown-destination' | 'object-too-large'; detail: string };

/**
 * Cuts an object into slices of `sliceBytes`. The same object, by key and digest, is the same job with the same slices
 * whenever S3 tells of it.
 */
export function cutObject(
  { key, size, eTag }: CreatedObject,
  { sliceBytes, destinations }: { sliceBytes: number; destinations: readonly string[] },
): Cut {
  const [, destination = '', name = ''] = /^exports\/([^/]+)\/(.+)$/.exec(key) ?? [];
  if (
    !destinations.includes(destination) ||
    name === '' ||
    name.split('/').some((part) => part === '..' || part === '.')
  ) {
    const known = destinations.join(', ');
    return {
      ok: false,
      reason: 'unknown-destination',
      detail: `the key is none of exports/<destination>/<name>; destinations are ${known}`,
    };
  }
  const count = Math.ceil(size / Math.min(sliceBytes, largestSlice));
  if (count > mostSlices) {
    return {
      ok: false,
      reason: 'object-too-large',
      detail: `${size} bytes are ${count} slices; at most ${mostSlices}`,
    };
  }
  const etag = eTag.replaceAll('"', '');
  const job = createHash('sha256')
    .update(JSON.stringify([key, etag, size, sliceBytes]))
    .digest('hex')
    .slice(0, 32);
  const slices = Array.from({ length: count }, (_, index): Slice => {
    const start = index * sliceBytes;
    return { job, destination, key, etag, size, index, start, end: Math.min(size, start + sliceBytes) };
  });
  return { ok: true, job, destination, slices };
}
