import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { SQSBatchResponse } from 'aws-lambda';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { createParking } from '../shared/parking.aws.ts';
import { countParked, createTelemetry } from '../shared/telemetry.aws.ts';
import { packEvent } from './contract.ts';
import { createItems } from './items.aws.ts';
import { createLargeItems } from './large-items.aws.ts';
import { storeMessages } from './store.ts';

const environment = readEnvironment(
  z.object({ TABLE_NAME: z.string(), BUCKET_NAME: z.string(), PARKING_QUEUE_URL: z.url() }),
);
const telemetry = createTelemetry();
const ports = {
  large: createLargeItems(new S3Client(), environment.BUCKET_NAME),
  items: createItems(DynamoDBDocumentClient.from(new DynamoDBClient()), environment.TABLE_NAME),
  parking: createParking(new SQSClient(), environment.PARKING_QUEUE_URL),
};

/** Packs, single items and claim checks into rows. */
export async function handler(event: unknown): Promise<SQSBatchResponse> {
  const { Records } = packEvent.parse(event);
  const { logger, metrics } = telemetry;
  const { items, parked, batchItemFailures, errors } = await storeMessages(Records, ports);
  for (const error of errors) logger.error('message not stored, SQS sends it again', { error });
  metrics.addMetric('ItemsStored', MetricUnit.Count, items);
  metrics.addMetric('MessagesTaken', MetricUnit.Count, Records.length);
  if (parked.length > 0) countParked(telemetry, parked);
  metrics.publishStoredMetrics();
  return { batchItemFailures };
}
