import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { CodeBuildClient } from '@aws-sdk/client-codebuild';
import { SQSClient } from '@aws-sdk/client-sqs';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { SQSBatchResponse } from 'aws-lambda';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { createParking } from '../shared/parking.aws.ts';
import { countParked, createTelemetry } from '../shared/telemetry.aws.ts';
import { createBuilds } from './builds.aws.ts';
import { commitBatch } from './contract.ts';
import { rebuildSite } from './rebuild.ts';

const environment = readEnvironment(
  z.object({ PROJECT_NAME: z.string().min(1), REPOSITORY: z.string().min(1), PARKING_QUEUE_URL: z.url() }),
);
const telemetry = createTelemetry();
// Three attempts of both take 24 s, and fit into the function's half minute.
const requestHandler = () =>
  new NodeHttpHandler({ connectionTimeout: 1_000, requestTimeout: 3_000, throwOnRequestTimeout: true });
const ports = {
  parking: createParking(new SQSClient({ requestHandler: requestHandler() }), environment.PARKING_QUEUE_URL),
  builds: createBuilds(new CodeBuildClient({ requestHandler: requestHandler() }), environment.PROJECT_NAME),
};

/** Commits to the site's repository start one build of it. */
export async function handler(event: unknown): Promise<SQSBatchResponse> {
  const { Records } = commitBatch.parse(event);
  const { logger, metrics } = telemetry;
  try {
    const { build, wanted, dropped, parked, error, batchItemFailures } = await rebuildSite(
      Records,
      environment.REPOSITORY,
      ports,
    );
    metrics.addMetric('CommitsBuilt', MetricUnit.Count, build === undefined ? 0 : wanted.length);
    metrics.addMetric('CommitsDropped', MetricUnit.Count, dropped);
    if (parked.length > 0) countParked(telemetry, [...parked]);
    if (build !== undefined) logger.info('build started', { build, commits: wanted.length });
    if (error !== undefined) logger.warn('no build started, SQS sends the commits again', { error });
    return { batchItemFailures };
  } finally {
    if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
  }
}
