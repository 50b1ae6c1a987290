import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { createTelemetry } from '../shared/telemetry.aws.ts';
import { uploadAddress } from './addresses.aws.ts';
import { originalKey, pictureType } from './contract.ts';
import { httpEvent, httpResponse } from './http.ts';
import { offer, offerEndsAtS, offered } from './offer.ts';
import { createPicturesTable } from './pictures-table.aws.ts';

const environment = readEnvironment(
  z.object({
    TABLE_NAME: z.string(),
    UPLOADS_BUCKET: z.string(),
    ALLOWED_TYPES: z
      .string()
      .transform((types) => types.split(','))
      .pipe(z.array(pictureType)),
    MAX_BYTES: z.coerce.number(),
    UPLOAD_SECONDS: z.coerce.number(),
  }),
);
const rules = {
  allowedTypes: environment.ALLOWED_TYPES,
  maxBytes: environment.MAX_BYTES,
  uploadSeconds: environment.UPLOAD_SECONDS,
};
const requestHandler = { connectionTimeout: 1_000, requestTimeout: 3_000, throwOnRequestTimeout: true };
const table = createPicturesTable(new DynamoDBClient({ requestHandler }), environment.TABLE_NAME);
// The checksum of a body that is not known yet would be that of none.
const s3 = new S3Client({ requestChecksumCalculation: 'WHEN_REQUIRED' });
const { logger } = createTelemetry();

/** `POST /pictures`: where a picture of an incident may be uploaded. */
export async function handler(event: unknown) {
  const nowMs = Date.now();
  const { body, caller } = httpEvent.parse(event);
  const asked = offer(body, rules, { id: randomUUID(), nowMs });
  if (!asked.ok) return httpResponse(asked.answer);
  const { picture } = asked;
  await table.insert(picture, offerEndsAtS(nowMs));
  const url = await uploadAddress(s3, {
    ...{ bucket: environment.UPLOADS_BUCKET, key: originalKey(picture.id), seconds: rules.uploadSeconds },
    ...{ contentType: picture.contentType, bytes: picture.bytes },
  });
  logger.info('upload offered', { id: picture.id, correlationId: picture.correlationId, caller });
  return httpResponse(offered(picture, { url, expiresAtMs: nowMs + rules.uploadSeconds * 1_000 }));
}
