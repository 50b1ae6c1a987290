import { Readable } from 'node:stream';
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { largestUnpacked } from './contract.ts';
import type { StorePorts } from './store.ts';

/** S3's words for: not there, or another one by now. */
const lost = new Set(['NoSuchKey', 'PreconditionFailed']);

/**
 * The room's own bucket alone: a claim check for another one is lost, and nothing is asked. An object that is larger than
 * any item is not read.
 */
export function createLargeItems(s3: Pick<S3Client, 'send'>, bucketName: string): StorePorts['large'] {
  return {
    async get({ s3: { bucket, key, etag } }) {
      if (bucket !== bucketName) return undefined;
      try {
        const { Body, ContentLength = Number.POSITIVE_INFINITY } = await s3.send(
          new GetObjectCommand({ Bucket: bucket, Key: key, IfMatch: etag }),
        );
        if (ContentLength > largestUnpacked) {
          if (Body instanceof Readable) Body.destroy();
          return 'too-large';
        }
        return { text: (await Body?.transformToString()) ?? '' };
      } catch (error) {
        if (error instanceof Error && lost.has(error.name)) return undefined;
        throw error;
      }
    },
  };
}
