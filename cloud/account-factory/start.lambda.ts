import { createHash } from 'node:crypto';
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { OrganizationsClient } from '@aws-sdk/client-organizations';
import { S3Client } from '@aws-sdk/client-s3';
import { ServiceCatalogClient } from '@aws-sdk/client-service-catalog';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { SQSBatchResponse } from 'aws-lambda';
import { z } from 'zod';
import { consumeInOrder } from '../shared/consume-in-order.ts';
import { parseMessage } from '../shared/domain-event.ts';
import { readEnvironment } from '../shared/environment.ts';
import type { ParkedRecord } from '../shared/parked-record.ts';
import { createParking } from '../shared/parking.aws.ts';
import { sqsFifoEvent } from '../shared/sqs-event.ts';
import { countParked, createTelemetry } from '../shared/telemetry.aws.ts';
import { createCatalogue } from './catalogue.aws.ts';
import { factoryEvent } from './contract.ts';
import { createFiles } from './files.aws.ts';
import { createMachine } from './machine.aws.ts';
import { createOrganization } from './organization.aws.ts';
import { takeEvent } from './start.ts';
import { createNotify } from './topic.aws.ts';

const environment = readEnvironment(
  z.object({
    ACCOUNT_ID: z.string(),
    ADMIN_ROLE_ARN: z.string(),
    BUCKET: z.string(),
    CONFIGURATION_FILE: z.string(),
    EXECUTION_ROLE: z.string(),
    MACHINE_ARN: z.string(),
    MAX_ITERATIONS: z.coerce.number().int(),
    PARKING_QUEUE_URL: z.url(),
    TOPIC_ARN: z.string(),
    UPDATE_FILE: z.string(),
  }),
);
/** A call that hangs is cut off and tried again, long before the function's own time is up. */
const patience = {
  maxAttempts: 5,
  requestHandler: { connectionTimeout: 2_000, requestTimeout: 10_000, throwOnRequestTimeout: true },
};
const telemetry = createTelemetry();
const parking = createParking(new SQSClient(patience), environment.PARKING_QUEUE_URL);
const ports = {
  files: createFiles(new S3Client(patience), environment.BUCKET),
  catalogue: createCatalogue(new ServiceCatalogClient(patience)),
  organization: createOrganization(new OrganizationsClient(patience)),
  machine: createMachine(new SFNClient(patience), environment.MACHINE_ARN),
  notify: createNotify(new SNSClient(patience), environment.TOPIC_ARN),
  digestOf: (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 20),
};
const settings = {
  bucket: environment.BUCKET,
  configurationKey: environment.CONFIGURATION_FILE,
  updateKey: environment.UPDATE_FILE,
  maxIterations: environment.MAX_ITERATIONS,
  masterAccount: environment.ACCOUNT_ID,
  stackSetRoles: { adminRoleArn: environment.ADMIN_ROLE_ARN, executionRole: environment.EXECUTION_ROLE },
};

/** Baselines for each account that Control Tower has made and each file that was uploaded, one after the other. */
export async function handler(event: unknown): Promise<SQSBatchResponse> {
  const { logger, metrics } = telemetry;
  const parked: ParkedRecord[] = [];
  const park = async (record: ParkedRecord) => {
    await parking.park([record]);
    parked.push(record);
  };
  const { batchItemFailures, errors } = await consumeInOrder(sqsFifoEvent.parse(event).Records, async (message) => {
    const parsed = parseMessage(factoryEvent, message);
    if (!parsed.ok) return park(parsed.parked);
    const taken = await takeEvent(parsed.value, ports, settings);
    logger.info('event taken', { event: parsed.value, taken });
    if (taken.kind === 'parked') {
      const { reason, detail } = taken;
      await park({ id: message.messageId, reason, detail, bytes: Buffer.from(message.body) });
    }
    if (taken.kind === 'started') metrics.addMetric('BaselinesStarted', MetricUnit.Count, taken.executions);
  });
  for (const error of errors) logger.error('event not taken, SQS sends it again', { error });
  if (parked.length > 0) countParked(telemetry, parked);
  if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
  return { batchItemFailures };
}
