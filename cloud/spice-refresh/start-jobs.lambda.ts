import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { GlueClient } from '@aws-sdk/client-glue';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { SQSBatchResponse } from 'aws-lambda';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { createParking } from '../shared/parking.aws.ts';
import { countParked, createTelemetry } from '../shared/telemetry.aws.ts';
import { sqsEvent } from './contract.ts';
import { createGlueJobs } from './glue-jobs.aws.ts';
import { startJobs } from './start-jobs.ts';

const environment = readEnvironment(z.object({ JOB_NAME: z.string(), PARKING_QUEUE_URL: z.url() }));
const telemetry = createTelemetry();
const ports = {
  jobs: createGlueJobs(new GlueClient(), environment.JOB_NAME),
  parking: createParking(new SQSClient(), environment.PARKING_QUEUE_URL),
};

/** A run of the job for each raw file that S3 tells of. */
export async function handler(event: unknown): Promise<SQSBatchResponse> {
  const { Records } = sqsEvent.parse(event);
  const { logger, metrics } = telemetry;
  const { started, ignored, parked, batchItemFailures, errors } = await startJobs(Records, ports);
  if (ignored.length > 0) logger.info('uploads ignored, they are no raw files', { ignored });
  metrics.addMetric('JobsStarted', MetricUnit.Count, started);
  metrics.addMetric('UploadsIgnored', MetricUnit.Count, ignored.length);
  if (parked.length > 0) countParked(telemetry, parked);
  metrics.publishStoredMetrics();
  // An upload that is early comes again for hours, in silence; what is wrong has to be told at once. A batch is one message.
  if (errors.length > 0) throw new AggregateError(errors, `The job was not started: ${String(errors[0])}`);
  return { batchItemFailures };
}
