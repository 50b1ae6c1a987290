import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { SlicePorts } from './transform-slice.ts';

/** S3 takes parts of 5 MiB or more, but for the last; each is billed as a request. */
export const partBytes = 32 * 1_024 * 1_024;

/** Objects of the bucket of deliveries. What is larger than a part is uploaded in parts, and is there when all are. */
export function createDelivered(
  s3: Pick<S3Client, 'send'>,
  bucketName: string,
  bytesAPart = partBytes,
): SlicePorts['delivered'] {
  return {
    open(key, contentType) {
      const to = { Bucket: bucketName, Key: key };
      const parts: CompletedPart[] = [];
      let upload: string | undefined;
      let held: Uint8Array[] = [];
      let heldBytes = 0;

      async function sendPart(): Promise<void> {
        if (upload === undefined) {
          const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ ...to, ContentType: contentType }));
          if (UploadId === undefined) throw new Error(`S3 began an upload of ${key} without an id.`);
          upload = UploadId;
        }
        const PartNumber = parts.length + 1;
        const Body = Buffer.concat(held);
        const { ETag } = await s3.send(new UploadPartCommand({ ...to, UploadId: upload, PartNumber, Body }));
        parts.push({ PartNumber, ...(ETag === undefined ? {} : { ETag }) });
        held = [];
        heldBytes = 0;
      }

      return {
        async write(bytes) {
          held.push(bytes);
          heldBytes += bytes.length;
          if (heldBytes >= bytesAPart) await sendPart();
        },
        async end() {
          if (upload === undefined) {
            if (heldBytes === 0) return 0;
            await s3.send(new PutObjectCommand({ ...to, Body: Buffer.concat(held), ContentType: contentType }));
            return 1;
          }
          if (heldBytes > 0) await sendPart();
          await s3.send(
            new CompleteMultipartUploadCommand({ ...to, UploadId: upload, MultipartUpload: { Parts: parts } }),
          );
          return parts.length + 2;
        },
        async abort() {
          if (upload === undefined) return;
          // What cannot be aborted now ends with the bucket's rule for uploads that nobody ended.
          await s3.send(new AbortMultipartUploadCommand({ ...to, UploadId: upload })).catch(() => undefined);
        },
      };
    },
    async put(key, text) {
      await s3.send(
        new PutObjectCommand({ Bucket: bucketName, Key: key, Body: text, ContentType: 'application/json' }),
      );
    },
  };
}
