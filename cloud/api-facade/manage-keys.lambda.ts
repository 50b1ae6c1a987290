import { randomBytes } from 'node:crypto';
import { getParameter } from '@aws-lambda-powertools/parameters/ssm';
import { APIGatewayClient } from '@aws-sdk/client-api-gateway';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { createTelemetry } from '../shared/telemetry.aws.ts';
import { type PlanName, planName } from './contract.ts';
import { createGatewayKeys } from './gateway-keys.aws.ts';
import { createKeyTable } from './key-table.aws.ts';
import { createKeysApi } from './keys.ts';
import { type RestAnswer, serve } from './rest-event.ts';

const environment = readEnvironment(
  z.object({
    KEY_TABLE: z.string(),
    PLANS_PARAMETER: z.string(),
    // The local account does not ask the authoriser which key of a plan a request counts for: it takes the header's.
    GATEWAY_KEY: z.enum(['hash', 'text']),
  }),
);
const planIds = z.record(planName, z.string());
const { logger } = createTelemetry();

/** Usage plans by the plan's name; read again after some minutes, as a deployment may replace them. */
async function readPlans(): Promise<Record<PlanName, string>> {
  return planIds.parse(await getParameter(environment.PLANS_PARAMETER, { transform: 'json', maxAge: 300 }));
}

const app = createKeysApi({
  rows: createKeyTable(new DynamoDBClient(), environment.KEY_TABLE),
  gateway: createGatewayKeys(new APIGatewayClient(), readPlans),
  gatewayValue: (key) => key[environment.GATEWAY_KEY],
  now: () => new Date(),
  random: () => randomBytes(32),
  onFailure: ({ error, correlationId }) => logger.error('request failed', { error, correlationId }),
});

/** `/portal/apikeys` and below. */
export function handler(event: unknown): Promise<RestAnswer> {
  return serve(app, event);
}
