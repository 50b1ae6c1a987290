import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createTelemetry } from '../shared/telemetry.aws.ts';
import { reportUpstreamFailure } from './report-upstream-failure.aws.ts';

const printed: unknown[] = [];

beforeEach(() => {
  vi.stubEnv('POWERTOOLS_DEV', 'true');
  vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false');
  vi.stubEnv('POWERTOOLS_SERVICE_NAME', 'api-facade');
  vi.stubEnv('POWERTOOLS_METRICS_NAMESPACE', 'GreengrassItsm');
  for (const level of ['log', 'warn'] as const) {
    vi.spyOn(console, level).mockImplementation((line: string) => void printed.push(JSON.parse(line)));
  }
});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  printed.length = 0;
});

test('a failure of ServiceNow is logged with its cause and its exchange, and counted by its kind', () => {
  reportUpstreamFailure(createTelemetry(), {
    ...{ kind: 'upstream_unreachable', correlationId: 'order-7', detail: 'it failed', cause: 'TypeError ECONNREFUSED' },
  });
  expect(printed).toContainEqual(expect.objectContaining({ kind: 'upstream_unreachable', UpstreamFailures: 1 }));
  expect(printed).toContainEqual(
    expect.objectContaining({ level: 'WARN', correlationId: 'order-7', cause: 'TypeError ECONNREFUSED' }),
  );
});
