import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { StorePorts } from './store.ts';

/** S3's words for: not there, or another one by now. */
const lost = new Set(['NoSuchKey', 'PreconditionFailed']);

/** The room's own bucket alone: a claim check for another one is lost, and nothing is asked. */
export function createLargeItems(s3: Pick<S3Client, 'send'>, bucketName: string): StorePorts['large'] {
  return {
    async get({ s3: { bucket, key, etag } }) {
      if (bucket !== bucketName) return undefined;
      try {
        const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key, IfMatch: etag }));
        return await Body?.transformToString();
      } catch (error) {
        if (error instanceof Error && lost.has(error.name)) return undefined;
        throw error;
      }
    },
  };
}
