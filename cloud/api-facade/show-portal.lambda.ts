import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { createTelemetry } from '../shared/telemetry.aws.ts';
import { createPortal } from './portal.ts';
import { type RestAnswer, serve } from './rest-event.ts';

const environment = readEnvironment(
  z.object({
    CLIENT_ID: z.string(),
    USER_POOL_URL: z.url(),
    SIGN_UP: z.enum(['open', 'closed']),
    // Set where the account is not AWS.
    AWS_ENDPOINT_URL: z.url().optional(),
  }),
);
const { logger } = createTelemetry();
const beside = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8');
const app = createPortal({
  settings: {
    userPool: environment.AWS_ENDPOINT_URL ?? environment.USER_POOL_URL,
    clientId: environment.CLIENT_ID,
    signUp: environment.SIGN_UP,
  },
  page: { script: beside('./page.js'), style: beside('./page.css') },
  onFailure: ({ error, correlationId }) => logger.error('request failed', { error, correlationId }),
});

/** `/portal` and `/openapi.json`. */
export function handler(event: unknown): Promise<RestAnswer> {
  return serve(app, event);
}
