import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { SQSBatchResponse } from 'aws-lambda';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { createParking } from '../shared/parking.aws.ts';
import { countParked, createTelemetry } from '../shared/telemetry.aws.ts';
import { largestSlice, queueBatch } from './contract.ts';
import { planExports } from './plan.ts';
import { queuesVariable, templatesVariable } from './room-environment.ts';
import { createSliceQueues } from './slice-queues.aws.ts';
import { createWorkTable } from './work-table.aws.ts';

const environment = readEnvironment(
  z.object({
    WORK_TABLE: z.string(),
    PARKING_QUEUE_URL: z.url(),
    SLICE_BYTES: z.coerce.number().int().min(1).max(largestSlice),
    DESTINATIONS: templatesVariable,
    SLICE_QUEUES: queuesVariable,
    KEEP_DAYS: z.coerce.number().int().min(1),
  }),
);
const telemetry = createTelemetry();
// A call takes 14 s at most: the five of an object fit twice into the function's three minutes.
const bounds = () => ({
  maxAttempts: 2,
  requestHandler: new NodeHttpHandler({ connectionTimeout: 2_000, requestTimeout: 5_000, throwOnRequestTimeout: true }),
});
const sqs = new SQSClient(bounds());
const settings = { sliceBytes: environment.SLICE_BYTES, templates: environment.DESTINATIONS };
const ports = {
  parking: createParking(sqs, environment.PARKING_QUEUE_URL),
  work: createWorkTable({
    documents: DynamoDBDocumentClient.from(new DynamoDBClient(bounds())),
    tableName: environment.WORK_TABLE,
    keepDays: environment.KEEP_DAYS,
    now: Date.now,
  }),
  queues: createSliceQueues(sqs, environment.SLICE_QUEUES),
};

/** Objects that were put below `exports/`, into slices on the queues of their destinations. */
export async function handler(event: unknown): Promise<SQSBatchResponse> {
  const { Records } = queueBatch.parse(event);
  const { logger, metrics } = telemetry;
  try {
    const { slices, empty, parked, errors, batchItemFailures } = await planExports(Records, settings, ports);
    metrics.addMetric('SlicesPlanned', MetricUnit.Count, slices);
    metrics.addMetric('ObjectsEmpty', MetricUnit.Count, empty);
    if (parked.length > 0) countParked(telemetry, [...parked]);
    for (const error of errors) logger.error('object not cut, SQS sends it again', { error });
    return { batchItemFailures };
  } finally {
    if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
  }
}
