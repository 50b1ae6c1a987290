import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { uploadHeaders } from './offer.ts';

/** An address by which an object is written once, with this type and this size and no other. */
export function uploadAddress(
  s3: S3Client,
  {
    bucket,
    key,
    contentType,
    bytes,
    seconds,
  }: {
    bucket: string;
    key: string;
    contentType: string;
    bytes: number;
    seconds: number;
  },
): Promise<string> {
  const command = new PutObjectCommand({
    ...{ Bucket: bucket, Key: key, ContentType: contentType, ContentLength: bytes, IfNoneMatch: '*' },
  });
  const signed = new Set(Object.keys(uploadHeaders({ contentType, bytes })));
  // What is not named here the signer would leave to the uploader, or put into the query, where S3 does not look for it.
  return getSignedUrl(s3, command, {
    expiresIn: seconds,
    signableHeaders: new Set([...signed, 'host']),
    unhoistableHeaders: signed,
  });
}

/** An address by which an object is read. */
export function readAddress(s3: S3Client, object: { bucket: string; key: string; seconds: number }): Promise<string> {
  const command = new GetObjectCommand({ Bucket: object.bucket, Key: object.key });
  return getSignedUrl(s3, command, { expiresIn: object.seconds });
}
