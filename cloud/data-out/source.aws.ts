import { addAbortSignal, Readable } from 'node:stream';
import { GetObjectCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import type { SlicePorts } from './transform-slice.ts';

/** Gone, or another one than was cut. */
const changed = new Set(['NoSuchKey', 'PreconditionFailed', 'InvalidRange']);

/**
 * Objects of the bucket of sources.
 * @param limitMs of reading a slice, from the request to its last byte: a body that does not go on fails then
 */
export function createSource(s3: Pick<S3Client, 'send'>, bucketName: string, limitMs: number): SlicePorts['source'] {
  return {
    async read({ key, etag }, from, to) {
      const signal = AbortSignal.timeout(limitMs);
      try {
        const { Body } = await s3.send(
          new GetObjectCommand({
            ...{ Bucket: bucketName, Key: key, Range: `bytes=${from}-${to - 1}` },
            IfMatch: `"${etag}"`,
          }),
          { abortSignal: signal },
        );
        if (Body === undefined) throw new Error(`S3 answered ${key} of ${bucketName} without a body.`);
        return chunksOf(Body, signal);
      } catch (error) {
        if (error instanceof S3ServiceException && changed.has(error.name)) return undefined;
        throw error;
      }
    },
  };
}

async function* chunksOf(body: unknown, signal: AbortSignal): AsyncIterable<Uint8Array> {
  if (!(body instanceof Readable)) throw new Error('The body of an object is no stream: this runs on Node alone.');
  for await (const chunk of addAbortSignal(signal, body)) if (chunk instanceof Uint8Array) yield chunk;
}
