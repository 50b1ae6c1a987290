import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { createOpener, telemetry } from './opener.aws.ts';

const { LIMIT_MS } = readEnvironment(z.object({ LIMIT_MS: z.coerce.number().int().positive() }));

/** What the schedule sends is of no interest; a person may name a key (`correlation_id`) whose refused record is mended. */
const dueEvent = z.object({ redrive: z.string().min(1).max(100).optional() });

/** Once a minute: tells ServiceNow what has waited until now. */
export async function handler(event: unknown): Promise<void> {
  const { redrive } = dueEvent.parse(event);
  const opener = await createOpener(Date.now() + LIMIT_MS);
  try {
    if (redrive !== undefined) await opener.redrive(redrive);
    await opener.tellDue();
  } finally {
    await opener.close();
    if (telemetry.metrics.hasStoredMetrics()) telemetry.metrics.publishStoredMetrics();
  }
}
