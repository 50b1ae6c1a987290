import { createHash } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ServiceCatalogClient } from '@aws-sdk/client-service-catalog';
import { SNSClient } from '@aws-sdk/client-sns';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { createTelemetry } from '../shared/telemetry.aws.ts';
import { abandon, baselineStep } from './baseline.ts';
import { type BaselineDocument, baselineDocument } from './contract.ts';
import { createProvisioning } from './provisioning.aws.ts';
import { createNotify } from './topic.aws.ts';
import { createTracking } from './tracking.aws.ts';

const { HELD_HOURS, ROLE_ARN, TABLE, TOPIC_ARN } = readEnvironment(
  z.object({
    HELD_HOURS: z.coerce.number().int(),
    ROLE_ARN: z.string(),
    TABLE: z.string(),
    TOPIC_ARN: z.string(),
  }),
);
/** A call that hangs is cut off and tried again, long before the function's own time is up. */
const patience = {
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 2_000, requestTimeout: 10_000, throwOnRequestTimeout: true },
};
const { logger } = createTelemetry();
const ports = {
  provisioning: createProvisioning(new ServiceCatalogClient(patience), ROLE_ARN),
  tracking: createTracking({
    documents: DynamoDBDocumentClient.from(new DynamoDBClient(patience)),
    ...{ tableName: TABLE, now: Date.now, heldMs: HELD_HOURS * 3_600_000 },
  }),
  notify: createNotify(new SNSClient(patience), TOPIC_ARN),
  tokenOf: (text: string) => createHash('sha256').update(text).digest('hex'),
};
const input = z.object({
  execution: z.string().min(1).max(80),
  document: baselineDocument.extend({
    error: z.object({ Error: z.string().default(''), Cause: z.string().default('') }).optional(),
  }),
});

/** One step of a baseline; with an `error` of the machine, its end. */
export async function handler(event: unknown): Promise<BaselineDocument> {
  const {
    execution,
    document: { error, ...document },
  } = input.parse(event);
  const next =
    error === undefined
      ? await baselineStep(document, execution, ports)
      : await abandon(document, `${error.Error}: ${error.Cause}`, execution, ports);
  const { account, status, iteration, deployed_products, failed_products, skipped_products } = next;
  logger.info('step taken', {
    ...{ execution, account, status, iteration },
    deployed_products,
    failed_products,
    skipped_products,
  });
  return next;
}
