import { GetObjectCommand, NoSuchKey, type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { maxFileBytes } from './configuration-file.ts';
import type { StartPorts } from './start.ts';

/** The configuration bucket. */
export function createFiles(s3: Pick<S3Client, 'send'>, Bucket: string): StartPorts['files'] {
  return {
    async read(Key, VersionId) {
      try {
        const {
          Body,
          ContentLength,
          VersionId: found,
          ETag = '',
        } = await s3.send(new GetObjectCommand({ Bucket, Key, ...(VersionId === undefined ? {} : { VersionId }) }));
        const version = VersionId ?? found ?? ETag.replaceAll('"', '');
        if (Body === undefined) return { kind: 'absent' };
        if (ContentLength === undefined || ContentLength > maxFileBytes) {
          // Unread, it would hold its connection.
          if ('destroy' in Body && typeof Body.destroy === 'function') Body.destroy();
          return { kind: 'too-large', version };
        }
        return { kind: 'file', text: await Body.transformToString(), version };
      } catch (error) {
        const isGone = error instanceof S3ServiceException && error.name === 'NoSuchVersion';
        if (error instanceof NoSuchKey || isGone) return { kind: 'absent' };
        throw error;
      }
    },
  };
}
