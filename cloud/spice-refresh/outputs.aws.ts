import { createHash } from 'node:crypto';
import { GetObjectCommand, NoSuchKey, type S3Client } from '@aws-sdk/client-s3';
import { prefixes } from './contract.ts';
import type { RefreshPorts } from './refresh.ts';

/** Name of the manifest of a raw object, as transform.py makes it. */
export function manifestKey(rawKey: string): string {
  return `${prefixes.manifests}${createHash('sha256').update(rawKey).digest('hex').slice(0, 16)}.json`;
}

/** S3 says that an object is not there only to whoever may list the bucket. */
export function createOutputs(s3: Pick<S3Client, 'send'>, Bucket: string): RefreshPorts['outputs'] {
  return {
    async manifestOf(rawKey) {
      try {
        const { Body, LastModified } = await s3.send(new GetObjectCommand({ Bucket, Key: manifestKey(rawKey) }));
        return { text: (await Body?.transformToString()) ?? '', writtenMs: LastModified?.getTime() ?? 0 };
      } catch (error) {
        if (error instanceof NoSuchKey) return undefined;
        throw error;
      }
    },
  };
}
