import { readEnvironment } from '../shared/environment.ts';
import { createTelemetry } from '../shared/telemetry.aws.ts';
import { families } from './address.ts';
import { createBlockerOf } from './blocker.aws.ts';
import { blockerEnvironment } from './environment.ts';

const blocker = createBlockerOf(readEnvironment(blockerEnvironment));
const { logger } = createTelemetry();

/** Each hour: lets go whose time is over, and blocks whom a batch could not. What the schedule sends is of no interest. */
export async function handler(): Promise<void> {
  for (const refreshed of await blocker.refresh(families)) logger.info('set refreshed', { ...refreshed });
}
