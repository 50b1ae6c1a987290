/**
 * The code under test, all that the simulated world runs of it and nothing else: `mutants.ts` bundles this file with one
 * line of it changed.
 */
export { configSchema } from '../../../device/config/schema.ts';
export { createHandler } from '../../../device/handler/handler.ts';
export { openHandlerStore } from '../../../device/handler/store.ts';
export { createServiceNow } from '../../../device/incident/servicenow/client.ts';
export { incidentTexts } from '../../../device/incident/texts.ts';
export { openJournal } from '../../../device/monitor/journal.ts';
export { createMonitor } from '../../../device/monitor/monitor.ts';
export { topics } from '../../../device/transport/topics.ts';
