import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { createTelemetry } from '../shared/telemetry.aws.ts';
import { admit } from './admit.ts';
import { fleetParameters, type HookAnswer, hookEvent, type Refusal } from './contract.ts';
import { createRegistry } from './registry.aws.ts';

const environment = readEnvironment(
  z.object({
    REGISTRY_TABLE: z.string().min(1),
    MOST_CLAIMS: z.coerce.number().int().min(1),
    FLEET: z
      .string()
      .transform((text): unknown => JSON.parse(text))
      .pipe(fleetParameters),
  }),
);
const telemetry = createTelemetry();
// AWS IoT waits five seconds; one repetition of a request fits in.
const dynamo = new DynamoDBClient({ maxAttempts: 2 });
const registry = createRegistry(dynamo, { tableName: environment.REGISTRY_TABLE, mostClaims: environment.MOST_CLAIMS });

/** Asked by AWS IoT before it makes a device of a claim: only serial numbers of the registry are admitted. */
export async function handler(event: unknown): Promise<HookAnswer> {
  const parsed = hookEvent.safeParse(event);
  if (!parsed.success) return refuse('bad-request', { detail: z.prettifyError(parsed.error) });
  const { certificateId, claimCertificateId, clientId, parameters } = parsed.data;
  const { SerialNumber: serialNumber } = parameters;
  const claim = await registry.claim(serialNumber, { certificateId, at: new Date() });
  if (!claim.ok) {
    return refuse(claim.reason, { detail: claim.detail, serialNumber, clientId, claimCertificateId });
  }
  telemetry.metrics.addMetric('DevicesAdmitted', MetricUnit.Count, 1);
  telemetry.metrics.publishStoredMetrics();
  return admit(claim.device, environment.FLEET);
}

/** The device learns that it is refused, and no more; why stands in the log. */
function refuse(reason: Refusal, about: Record<string, string | undefined>): HookAnswer {
  telemetry.logger.warn('claim refused', { reason, ...about });
  telemetry.metrics.addMetric('ClaimsFailed', MetricUnit.Count, 1);
  telemetry.metrics.publishStoredMetrics();
  return { allowProvisioning: false };
}
