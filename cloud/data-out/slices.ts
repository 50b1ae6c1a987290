import { createHash } from 'node:crypto';
import { type CreatedObject, type DestinationTemplate, largestSlice, mostSlices, type Slice } from './contract.ts';

export type Cut =
  | { ok: true; job: string; destination: string; slices: Slice[] }
  | { ok: false; reason: 'unknown-destination' | 'key-too-long' | 'object-too-large'; detail: string };

/** Of a key, bytes: S3 takes 1,024 of a file's, which has the key without `exports/`, the job, and its own name. */
const longestKey = 1_024 + 'exports/'.length - '/'.length - 32 - '/rejected-00000.ndjson'.length;

/**
 * Cuts an object into slices of `sliceBytes`. The same notification is the same job with the same slices, however often
 * S3 tells it; an object that is put again, though it is the same, is another job, and so is one for a template that has
 * changed.
 */
export function cutObject(
  { key, size, eTag, sequencer }: CreatedObject,
  { sliceBytes, templates }: { sliceBytes: number; templates: ReadonlyMap<string, DestinationTemplate> },
): Cut {
  const [, destination = '', name = ''] = /^exports\/([^/]+)\/(.+)$/.exec(key) ?? [];
  const template = templates.get(destination);
  if (template === undefined || name === '' || name.split('/').some((part) => part === '..' || part === '.')) {
    const known = [...templates.keys()].join(', ');
    return {
      ok: false,
      reason: 'unknown-destination',
      detail: `the key is none of exports/<destination>/<name>; destinations are ${known}`,
    };
  }
  const keyBytes = Buffer.byteLength(key);
  if (keyBytes > longestKey) {
    const detail = `the key has ${keyBytes} bytes, of at most ${longestKey}: files of it could not be named`;
    return { ok: false, reason: 'key-too-long', detail };
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
    .update(JSON.stringify([key, etag, size, sliceBytes, sequencer, template]))
    .digest('hex')
    .slice(0, 32);
  const slices = Array.from({ length: count }, (_, index): Slice => {
    const start = index * sliceBytes;
    return { job, destination, key, etag, size, index, start, end: Math.min(size, start + sliceBytes) };
  });
  return { ok: true, job, destination, slices };
}
