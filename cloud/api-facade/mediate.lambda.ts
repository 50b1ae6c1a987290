import { randomUUID } from 'node:crypto';
import { getSecret } from '@aws-lambda-powertools/parameters/secrets';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { createTelemetry } from '../shared/telemetry.aws.ts';
import { withCircuit } from './circuit.ts';
import { createMediation } from './mediate.ts';
import { reportUpstreamFailure } from './report-upstream-failure.aws.ts';
import { type RestAnswer, serve } from './rest-event.ts';
import { createIncidentTable, instanceSecret } from './service-now.ts';
import { jsonFormat, xmlFormat } from './table-format.ts';

const { SECRET_ARN, FORMAT } = readEnvironment(z.object({ SECRET_ARN: z.string(), FORMAT: z.enum(['xml', 'json']) }));
const telemetry = createTelemetry();

/** How long a secret is believed after a rotation, s: credentials that no longer fit cost as much of an outage. */
const secretSeconds = 30;

async function readSecret() {
  const text = await getSecret(SECRET_ARN, { maxAge: secretSeconds });
  const parsed = z
    .string()
    .transform((json, context): unknown => {
      try {
        return JSON.parse(json);
      } catch {
        context.addIssue('is not JSON');
        return z.NEVER;
      }
    })
    .pipe(instanceSecret)
    .safeParse(text);
  if (parsed.success) return parsed.data;
  throw new Error(
    `The secret does not hold {"url","username","password"}: ${z.prettifyError(parsed.error)}. Write it.`,
  );
}

const app = createMediation({
  table: withCircuit(
    createIncidentTable({ fetch, format: FORMAT === 'xml' ? xmlFormat : jsonFormat, readSecret, timeoutMs: 10_000 }),
    { failures: 5, openMs: 30_000 },
  ),
  newId: () => randomUUID().replaceAll('-', ''),
  onFailure: ({ error, correlationId }) => telemetry.logger.error('request failed', { error, correlationId }),
  onUpstreamFailure: (failure) => reportUpstreamFailure(telemetry, failure),
});

/** `/v1/incidents` and below. */
export function handler(event: unknown): Promise<RestAnswer> {
  return serve(app, event);
}
