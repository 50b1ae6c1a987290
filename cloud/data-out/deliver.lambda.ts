import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { SQSBatchResponse } from 'aws-lambda';
import { z } from 'zod';
import { parseJson } from '../shared/domain-event.ts';
import { readEnvironment } from '../shared/environment.ts';
import { createParking } from '../shared/parking.aws.ts';
import { countParked, createTelemetry } from '../shared/telemetry.aws.ts';
import { queueBatch } from './contract.ts';
import { deliverSlice, type Outcome } from './deliver.ts';
import { createDelivered } from './delivered.aws.ts';
import { queuesVariable, templatesVariable } from './room-environment.ts';
import { createPostpone } from './slice-queues.aws.ts';
import { createSource } from './source.aws.ts';
import { createWorkTable } from './work-table.aws.ts';

const environment = readEnvironment(
  z.object({
    SOURCE_BUCKET: z.string(),
    DELIVERED_BUCKET: z.string(),
    WORK_TABLE: z.string(),
    PARKING_QUEUE_URL: z.url(),
    DESTINATIONS: templatesVariable,
    SLICE_QUEUES: queuesVariable,
    KEEP_DAYS: z.coerce.number().int().min(1),
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: z.coerce.number().int().min(128),
  }),
);
const telemetry = createTelemetry();
// What fails is told in the function's three minutes: reading, the upload that it meets, its abort and the message's
// postponement take 75 + 44 + 44 + 14 s at most.
const readLimitMs = 75_000;
const bounds = (requestTimeout: number) => ({
  maxAttempts: 2,
  requestHandler: new NodeHttpHandler({ connectionTimeout: 2_000, requestTimeout, throwOnRequestTimeout: true }),
});
const s3 = new S3Client(bounds(20_000));
const sqs = new SQSClient(bounds(5_000));
const named = z.object({ destination: z.string() });
const settings = {
  templates: environment.DESTINATIONS,
  memoryMb: environment.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
  random: Math.random,
};
const ports = {
  source: createSource(s3, environment.SOURCE_BUCKET, readLimitMs),
  delivered: createDelivered(s3, environment.DELIVERED_BUCKET),
  parking: createParking(sqs, environment.PARKING_QUEUE_URL),
  work: createWorkTable({
    documents: DynamoDBDocumentClient.from(new DynamoDBClient(bounds(5_000))),
    tableName: environment.WORK_TABLE,
    keepDays: environment.KEEP_DAYS,
    now: Date.now,
  }),
  postpone: createPostpone(sqs, (body) => {
    const slice = named.safeParse(parseJson(body));
    return slice.success ? environment.SLICE_QUEUES.get(slice.data.destination) : undefined;
  }),
  now: () => performance.now(),
};

/** Slices into files of their destination. */
export async function handler(event: unknown): Promise<SQSBatchResponse> {
  const { Records } = queueBatch.parse(event);
  const batchItemFailures: { itemIdentifier: string }[] = [];
  try {
    for (const message of Records) {
      const outcome = await deliverSlice(message, settings, ports);
      tell(outcome);
      if (outcome.kind === 'failed') batchItemFailures.push({ itemIdentifier: message.messageId });
    }
    return { batchItemFailures };
  } finally {
    if (telemetry.metrics.hasStoredMetrics()) telemetry.metrics.publishStoredMetrics();
  }
}

function tell(outcome: Outcome): void {
  const { logger, metrics } = telemetry;
  if (outcome.kind === 'failed') logger.error('slice not delivered, SQS sends it again', { error: outcome.error });
  if (outcome.kind === 'parked') countParked(telemetry, [outcome.parked]);
  if (outcome.kind === 'done-already') metrics.addMetric('SlicesDoneAlready', MetricUnit.Count, 1);
  if (outcome.kind !== 'delivered') return;
  const { delivered, meter } = outcome;
  metrics.addMetric('SlicesDelivered', MetricUnit.Count, 1);
  metrics.addMetric('LinesDelivered', MetricUnit.Count, delivered.lines);
  metrics.addMetric('LinesRejected', MetricUnit.Count, delivered.rejected);
  metrics.addMetric('BytesRead', MetricUnit.Bytes, delivered.bytesIn);
  // At list price, computed: the unit of CloudWatch for it is none.
  metrics.addMetric('ComputedMicroUsd', MetricUnit.NoUnit, meter.usd * 1_000_000);
}
