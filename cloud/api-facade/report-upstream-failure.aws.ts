import { MetricUnit } from '@aws-lambda-powertools/metrics';
import type { Telemetry } from '../shared/telemetry.aws.ts';
import type { UpstreamFailure } from './mediate.ts';

/** Logs why ServiceNow did not serve a request, and counts it: `UpstreamFailures` by `kind`. */
export function reportUpstreamFailure({ logger, metrics }: Telemetry, failure: UpstreamFailure): void {
  const { kind, correlationId, detail, cause } = failure;
  logger.warn('ServiceNow did not serve a request', { kind, correlationId, detail, cause });
  const byKind = metrics.singleMetric();
  byKind.addDimension('kind', kind);
  byKind.addMetric('UpstreamFailures', MetricUnit.Count, 1);
}
