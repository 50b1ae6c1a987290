import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { ParkedRecord } from './parked-record.ts';

/** Logs and metrics of one function, under the room's name (set by `NodeFunction`). One for each `.lambda.ts`. */
export interface Telemetry {
  logger: Logger;
  metrics: Metrics;
}

export function createTelemetry(): Telemetry {
  return { logger: new Logger(), metrics: new Metrics() };
}

/**
 * Counts parked records: `RecordsParked` in all, and once more by `reason`. Logs their ids, never their bytes. What is tried
 * again after it was parked is counted again: the parking queue, which drops the second one, says how many there are.
 */
export function countParked({ logger, metrics }: Telemetry, parked: readonly ParkedRecord[]): void {
  metrics.addMetric('RecordsParked', MetricUnit.Count, recordsIn(parked));
  for (const reason of new Set(parked.map((record) => record.reason))) {
    const records = parked.filter((record) => record.reason === reason);
    const byReason = metrics.singleMetric();
    byReason.addDimension('reason', reason);
    byReason.addMetric('RecordsParked', MetricUnit.Count, recordsIn(records));
    logger.warn('records parked', { reason, ids: records.map(({ id }) => id) });
  }
}

function recordsIn(parked: readonly ParkedRecord[]): number {
  return parked.reduce((sum, { records = 1 }) => sum + records, 0);
}
