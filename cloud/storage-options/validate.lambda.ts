import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { HeadObjectCommand, NotFound, S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { createParking } from '../shared/parking.aws.ts';
import { countParked, createTelemetry } from '../shared/telemetry.aws.ts';
import { type CheckedUpload, pictureType, type Refusal, type Settled } from './contract.ts';
import { createPicturesTable } from './pictures-table.aws.ts';
import { type ObjectHead, validate } from './validate.ts';

const environment = readEnvironment(
  z.object({
    TABLE_NAME: z.string(),
    UPLOADS_BUCKET: z.string(),
    PARKING_QUEUE_URL: z.url(),
    ALLOWED_TYPES: z
      .string()
      .transform((types) => types.split(','))
      .pipe(z.array(pictureType)),
    MAX_BYTES: z.coerce.number(),
  }),
);
const rules = { allowedTypes: environment.ALLOWED_TYPES, maxBytes: environment.MAX_BYTES };
const requestHandler = { connectionTimeout: 1_000, requestTimeout: 5_000, throwOnRequestTimeout: true };
const table = createPicturesTable(new DynamoDBClient({ requestHandler }), environment.TABLE_NAME);
const s3 = new S3Client({ requestHandler });
const parking = createParking(new SQSClient({ requestHandler }), environment.PARKING_QUEUE_URL);
const telemetry = createTelemetry();

/** The first state of the workflow: what is to be done with an upload. */
export async function handler(event: unknown): Promise<CheckedUpload | Refusal | Settled> {
  const validated = await validate(event, rules, { find: table.find, head });
  if (validated.outcome !== 'park') return validated;
  const { id, reason, detail } = validated;
  const parked = [{ id, reason, detail, bytes: Buffer.from(JSON.stringify(event)) }];
  await parking.park(parked);
  countParked(telemetry, parked);
  telemetry.metrics.publishStoredMetrics();
  return { outcome: 'settled', why: 'parked' };
}

async function head(Key: string): Promise<ObjectHead | undefined> {
  try {
    const said = await s3.send(new HeadObjectCommand({ Bucket: environment.UPLOADS_BUCKET, Key }));
    const { ContentLength: bytes = 0, ETag: etag = '', ContentType: contentType = '' } = said;
    return { bytes, etag, contentType };
  } catch (error) {
    if (error instanceof NotFound) return undefined;
    throw error;
  }
}
