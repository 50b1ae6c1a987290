import { GetObjectCommand, NoSuchKey, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';

/** Objects of one bucket, read and written whole. */
export interface Objects {
  /** @throws the SDK's error, also where there is no such object */
  get(key: string): Promise<Uint8Array>;
  /**
   * @returns undefined where there is no such object; S3 tells so only who may list the bucket, and anybody else that the
   *   access is denied
   * @throws the SDK's error
   */
  find(key: string): Promise<Uint8Array | undefined>;
  /** @throws the SDK's error */
  put(key: string, bytes: Uint8Array, contentType?: string): Promise<void>;
}

export function createObjects(s3: Pick<S3Client, 'send'>, bucketName: string): Objects {
  async function get(key: string): Promise<Uint8Array> {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucketName, Key: key }));
    if (Body === undefined) throw new Error(`S3 answered ${key} of ${bucketName} without a body.`);
    return Body.transformToByteArray();
  }

  return {
    get,
    async find(key) {
      try {
        return await get(key);
      } catch (error) {
        if (error instanceof NoSuchKey) return undefined;
        throw error;
      }
    },
    async put(key, bytes, contentType) {
      await s3.send(
        new PutObjectCommand({
          Bucket: bucketName,
          Key: key,
          Body: bytes,
          ...(contentType === undefined ? {} : { ContentType: contentType }),
        }),
      );
    },
  };
}
