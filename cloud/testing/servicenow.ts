import { createLogger } from '../../device/platform/logger.ts';
import { type ServiceNow, startServiceNow } from '../../device/simulation/servicenow/start-servicenow.ts';

/**
 * A ServiceNow of the test's own, in memory, on a free port of loopback, which functions of the local account reach as
 * well. The test stops it.
 */
export function startTestServiceNow(): Promise<ServiceNow> {
  return startServiceNow({
    port: 0,
    dataDir: ':memory:',
    password: 'twin-password',
    logger: createLogger({ level: 'silent' }),
  });
}
