import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { countParked, createTelemetry } from './telemetry.aws.ts';

const printed: unknown[] = [];

beforeEach(() => {
  vi.stubEnv('POWERTOOLS_DEV', 'true');
  vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false');
  vi.stubEnv('POWERTOOLS_SERVICE_NAME', 'a-room');
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

test('parked records are counted in all and by reason, and logged by id without their bytes', () => {
  const telemetry = createTelemetry();
  const parked = ['bad-schema', 'other-device', 'bad-schema'].map((reason, index) => ({
    ...{ id: `shard:${index}`, reason, detail: 'x', bytes: Buffer.from('secret') },
  }));
  countParked(telemetry, parked);
  telemetry.metrics.publishStoredMetrics();
  expect(printed).toContainEqual(expect.objectContaining({ service: 'a-room', RecordsParked: 3 }));
  expect(printed).toContainEqual(expect.objectContaining({ reason: 'bad-schema', RecordsParked: 2 }));
  expect(printed).toContainEqual(expect.objectContaining({ reason: 'other-device', RecordsParked: 1 }));
  expect(printed).toContainEqual(
    expect.objectContaining({ level: 'WARN', reason: 'bad-schema', ids: ['shard:0', 'shard:2'] }),
  );
  countParked(telemetry, [
    { ...{ id: 'object', reason: 'many', detail: 'x', bytes: Buffer.from('secret') }, records: 500 },
  ]);
  expect(printed).toContainEqual(expect.objectContaining({ reason: 'many', RecordsParked: 500 }));
  expect(JSON.stringify(printed)).not.toContain('secret');
});
