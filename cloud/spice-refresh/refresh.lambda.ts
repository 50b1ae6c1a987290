import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GlueClient } from '@aws-sdk/client-glue';
import { QuickSightClient } from '@aws-sdk/client-quicksight';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { SQSBatchResponse } from 'aws-lambda';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { createParking } from '../shared/parking.aws.ts';
import { countParked, createTelemetry } from '../shared/telemetry.aws.ts';
import { sqsEvent } from './contract.ts';
import { createGlueJobs } from './glue-jobs.aws.ts';
import { createOutputs } from './outputs.aws.ts';
import { createQuickSight } from './quick-sight.aws.ts';
import { createRefreshQueue } from './refresh-queue.aws.ts';
import { createDataSetMap, createRefreshStates } from './refresh-states.aws.ts';
import { takeMessages } from './take-messages.ts';

const environment = readEnvironment(
  z.object({
    ACCOUNT_ID: z.string(),
    JOB_NAME: z.string(),
    MAP_TABLE: z.string(),
    STATE_TABLE: z.string(),
    PROCESSED_BUCKET: z.string(),
    QUEUE_URL: z.url(),
    PARKING_QUEUE_URL: z.url(),
    PER_DAY: z.coerce.number().int().min(1),
    RESERVE: z.coerce.number().int().min(0),
  }),
);
const { JOB_NAME: jobName, PER_DAY: perDay, RESERVE: reserve } = environment;
const documents = DynamoDBDocumentClient.from(new DynamoDBClient());
const sqs = new SQSClient();
const telemetry = createTelemetry();
const ports = {
  map: createDataSetMap(documents, environment.MAP_TABLE),
  runs: createGlueJobs(new GlueClient(), jobName),
  outputs: createOutputs(new S3Client(), environment.PROCESSED_BUCKET),
  states: createRefreshStates(documents, environment.STATE_TABLE),
  quickSight: createQuickSight(new QuickSightClient(), environment.ACCOUNT_ID),
  queue: createRefreshQueue(sqs, environment.QUEUE_URL),
  parking: createParking(sqs, environment.PARKING_QUEUE_URL),
  now: Date.now,
};

/** Ends of jobs, and requests that have waited: data sets are refreshed, or wait. */
export async function handler(event: unknown): Promise<SQSBatchResponse> {
  const { Records } = sqsEvent.parse(event);
  const { logger, metrics } = telemetry;
  const { outcomes, parked, batchItemFailures, errors } = await takeMessages(
    Records,
    { jobName, perDay, reserve },
    ports,
  );
  for (const error of errors) logger.error('message not taken, SQS sends it again', { error });
  for (const outcome of outcomes) {
    logger.info('refresh', { outcome });
    const byOutcome = metrics.singleMetric();
    byOutcome.addDimension('outcome', outcome.kind);
    byOutcome.addMetric('Refreshes', MetricUnit.Count, 1);
  }
  if (parked.length > 0) countParked(telemetry, parked);
  if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
  return { batchItemFailures };
}
