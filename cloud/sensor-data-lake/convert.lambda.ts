import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { SQSBatchResponse } from 'aws-lambda';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { createObjects } from '../shared/lake/objects.aws.ts';
import { createParking } from '../shared/parking.aws.ts';
import { countParked, createTelemetry } from '../shared/telemetry.aws.ts';
import { gatewaysSchema } from '../stream-ingestion/contract.ts';
import { convertBatch } from './convert-batch.ts';

const environment = readEnvironment(
  z.object({
    RAW_BUCKET: z.string(),
    PROCESSED_BUCKET: z.string(),
    PARKING_QUEUE_URL: z.url(),
    GATEWAYS: z
      .string()
      .transform((text): unknown => JSON.parse(text))
      .pipe(gatewaysSchema),
  }),
);
const s3 = new S3Client();
const telemetry = createTelemetry();
const ports = {
  raw: createObjects(s3, environment.RAW_BUCKET),
  processed: createObjects(s3, environment.PROCESSED_BUCKET),
  parking: createParking(new SQSClient(), environment.PARKING_QUEUE_URL),
};
const sqsEvent = z.object({ Records: z.array(z.object({ messageId: z.string(), body: z.string() })) });

/** Raw objects that Firehose wrote, into files of the table `samples`. */
export async function handler(event: unknown): Promise<SQSBatchResponse> {
  const { Records } = sqsEvent.parse(event);
  const { logger, metrics } = telemetry;
  try {
    const batch = await convertBatch(Records, environment.GATEWAYS, ports);
    for (const error of batch.errors) logger.error('object not converted, SQS sends it again', { error });
    metrics.addMetric('SamplesStored', MetricUnit.Count, batch.samples);
    if (batch.parked.length > 0) countParked(telemetry, batch.parked);
    if (batch.newestMs !== undefined) {
      metrics.addMetric('NewestSampleAge', MetricUnit.Milliseconds, Date.now() - batch.newestMs);
    }
    return { batchItemFailures: batch.batchItemFailures };
  } finally {
    if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
  }
}
