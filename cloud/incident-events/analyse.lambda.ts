import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { writeToLake } from '../shared/event-lake.aws.ts';
import { createParking } from '../shared/parking.aws.ts';
import { createTelemetry } from '../shared/telemetry.aws.ts';
import { incidentEvent } from './contract.ts';

const { BUCKET_NAME, PARKING_QUEUE_URL } = readEnvironment(
  z.object({ BUCKET_NAME: z.string(), PARKING_QUEUE_URL: z.url() }),
);

/** The analytics service: every event of every incident into the lake. */
export const handler = writeToLake({
  schema: incidentEvent,
  s3: new S3Client(),
  bucketName: BUCKET_NAME,
  parking: createParking(new SQSClient(), PARKING_QUEUE_URL),
  telemetry: createTelemetry(),
});
