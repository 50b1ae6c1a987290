import { GetObjectCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import type { SlicePorts } from './transform-slice.ts';

/** Gone, or another one than was cut. */
const changed = new Set(['NoSuchKey', 'PreconditionFailed', 'InvalidRange']);

export function createSource(s3: Pick<S3Client, 'send'>, bucketName: string): SlicePorts['source'] {
  return {
    async read({ key, etag }, from, to) {
      try {
        const { Body } = await s3.send(
          new GetObjectCommand({
            ...{ Bucket: bucketName, Key: key, Range: `bytes=${from}-${to - 1}` },
            IfMatch: `"${etag}"`,
          }),
        );
        if (Body === undefined) throw new Error(`S3 answered ${key} of ${bucketName} without a body.`);
        return chunksOf(Body);
      } catch (error) {
        if (error instanceof S3ServiceException && changed.has(error.name)) return undefined;
        throw error;
      }
    },
  };
}

async function* chunksOf(body: unknown): AsyncIterable<Uint8Array> {
  if (typeof body !== 'object' || body === null || !(Symbol.asyncIterator in body)) {
    throw new Error('The body of an object is no stream: this runs on Node alone.');
  }
  const { [Symbol.asyncIterator]: iterate } = body;
  if (typeof iterate !== 'function') throw new Error('The body of an object is no stream: this runs on Node alone.');
  const chunks: AsyncIterable<unknown> = { [Symbol.asyncIterator]: () => iterate.call(body) };
  for await (const chunk of chunks) if (chunk instanceof Uint8Array) yield chunk;
}
