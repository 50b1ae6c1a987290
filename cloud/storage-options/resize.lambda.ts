import { GetObjectCommand, PutObjectCommand, S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { createTelemetry } from '../shared/telemetry.aws.ts';
import { type Conclusion, checkedUpload, pictureType, type Settled } from './contract.ts';
import { derive } from './derive.ts';
import { resize } from './resize.ts';

const environment = readEnvironment(
  z.object({
    UPLOADS_BUCKET: z.string(),
    PICTURES_BUCKET: z.string(),
    ALLOWED_TYPES: z
      .string()
      .transform((types) => types.split(','))
      .pipe(z.array(pictureType)),
    MAX_BYTES: z.coerce.number(),
    MIN_PIXELS: z.coerce.number(),
    MAX_PIXELS: z.coerce.number(),
  }),
);
const rules = {
  allowedTypes: environment.ALLOWED_TYPES,
  minPixels: environment.MIN_PIXELS,
  maxPixels: environment.MAX_PIXELS,
};
const s3 = new S3Client({
  requestHandler: { connectionTimeout: 2_000, requestTimeout: 15_000, throwOnRequestTimeout: true },
});
const { logger } = createTelemetry();
/** S3's words for: it is another one now, or none. */
const changed = [404, 412];

/** The second state of the workflow: the files of a picture. */
export async function handler(event: unknown): Promise<Conclusion | Settled> {
  const upload = checkedUpload.parse(event);
  const outcome = await resize(upload, { read, write, derive: (bytes, type) => derive(bytes, type, rules) });
  logger.info('picture resized', { id: upload.id, outcome: outcome.outcome });
  return outcome;
}

async function read(Key: string, IfMatch: string): Promise<Uint8Array | undefined> {
  try {
    const { Body, ContentLength = Number.POSITIVE_INFINITY } = await s3.send(
      new GetObjectCommand({ Bucket: environment.UPLOADS_BUCKET, Key, IfMatch }),
    );
    if (Body === undefined || ContentLength > environment.MAX_BYTES) {
      throw new Error(`S3 sends ${Key} with ${ContentLength} bytes, of which it said another number before.`);
    }
    return await Body.transformToByteArray();
  } catch (error) {
    if (error instanceof S3ServiceException && changed.includes(error.$metadata.httpStatusCode ?? 0)) return undefined;
    throw error;
  }
}

async function write(Key: string, Body: Uint8Array | string, ContentType: string): Promise<void> {
  await s3.send(new PutObjectCommand({ Bucket: environment.PICTURES_BUCKET, Key, Body, ContentType }));
}
