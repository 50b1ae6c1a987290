import { setTimeout as sleep } from 'node:timers/promises';
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { KinesisStreamBatchResponse } from 'aws-lambda';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { kinesisEvent } from '../shared/kinesis-event.ts';
import { createParking } from '../shared/parking.aws.ts';
import { countParked, createTelemetry } from '../shared/telemetry.aws.ts';
import { gatewaysSchema } from './contract.ts';
import { ingestBatch } from './ingest-batch.ts';
import { createReadingsTable } from './readings-table.aws.ts';

const environment = readEnvironment(
  z.object({
    DDB_TABLE_NAME: z.string(),
    PARKING_QUEUE_URL: z.url(),
    KEEP_DAYS: z.coerce.number().int().min(1),
    GATEWAYS: z
      .string()
      .transform((text): unknown => JSON.parse(text))
      .pipe(gatewaysSchema),
  }),
);
const settings = { gateways: environment.GATEWAYS, keepDays: environment.KEEP_DAYS };
const telemetry = createTelemetry();
const table = createReadingsTable({
  dynamo: new DynamoDBClient(),
  tableName: environment.DDB_TABLE_NAME,
  sleep: (ms) => sleep(ms),
  random: Math.random,
});
const parking = createParking(new SQSClient(), environment.PARKING_QUEUE_URL);

/** A batch of the stream into the table; what can never be a reading into the parking queue. */
export async function handler(event: unknown): Promise<KinesisStreamBatchResponse> {
  const { Records } = kinesisEvent.parse(event);
  const { metrics } = telemetry;
  try {
    const result = await ingestBatch(Records, settings, { table, parking });
    metrics.addMetric('ReadingsStored', MetricUnit.Count, result.stored);
    if (result.parked.length > 0) countParked(telemetry, result.parked);
    if (result.newestMs !== undefined) {
      metrics.addMetric('NewestReadingAge', MetricUnit.Milliseconds, Date.now() - result.newestMs);
    }
    return { batchItemFailures: result.batchItemFailures };
  } finally {
    if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
  }
}
