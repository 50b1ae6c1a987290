import { DeleteObjectsCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';

/** All keys below a prefix. */
export async function listKeys(s3: Pick<S3Client, 'send'>, bucket: string, prefix: string): Promise<Set<string>> {
  const keys = new Set<string>();
  let ContinuationToken: string | undefined;
  do {
    const page = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken }));
    for (const { Key } of page.Contents ?? []) if (Key !== undefined) keys.add(Key);
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken !== undefined);
  return keys;
}

/** Keys that one request deletes. */
const most = 1_000;

/** @throws Error where S3 keeps any of them */
export async function deleteKeys(s3: Pick<S3Client, 'send'>, bucket: string, keys: readonly string[]): Promise<void> {
  for (let start = 0; start < keys.length; start += most) {
    const Objects = keys.slice(start, start + most).map((Key) => ({ Key }));
    const { Errors = [] } = await s3.send(
      new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }),
    );
    const [first] = Errors;
    if (first !== undefined) throw new Error(`${Errors.length} objects were not deleted: ${first.Code} ${first.Key}`);
  }
}
