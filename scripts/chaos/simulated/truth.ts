import type { Breach } from '../../audit/breach.ts';
import { breachesIn, type PublishedReading, type RuleParameters } from '../../audit/truth.ts';
import { limits, metricNames } from './schedule.ts';

export const rules: readonly RuleParameters[] = metricNames.map((metric) => ({
  rule: 'upper',
  metric,
  limit: limits[metric].upper,
  deadband: limits[metric].deadband,
  onDelayMs: 0,
  offDelayMs: 0,
}));

interface SeenReading {
  site: string;
  deviceId: string;
  atMs: number;
  metrics: Readonly<Record<string, number>>;
}

/**
 * What truly happened: every reading that a living monitor was shown, at its true time.
 */
export interface Truth {
  see(reading: SeenReading): void;
  /** The last reading did not survive the crash that struck while it was taken in. */
  unsee(): void;
  /** When a living monitor was next shown something of a device; a reading at that instant struck before. Infinite: never. */
  nextSeenMs(deviceId: string, afterMs: number): number;
  /** When a living monitor was next shown, after an instant of a breach and before its end, that its limit is exceeded. */
  nextExceededMs(breach: Breach, afterMs: number): number | undefined;
  /** When a living monitor was next shown that a metric is far from its limit, which ends what fires. Infinite: never. */
  nextClearMs(of: Pick<Breach, 'deviceId' | 'metric'>, afterMs: number): number;
  breaches(): Breach[];
}

export function createTruth(): Truth {
  const seen: SeenReading[] = [];
  return {
    see: (reading) => void seen.push(reading),
    unsee: () => void seen.pop(),
    nextSeenMs: (deviceId, afterMs) =>
      seen.find((reading) => reading.deviceId === deviceId && reading.atMs > afterMs)?.atMs ?? Number.POSITIVE_INFINITY,
    nextExceededMs: ({ deviceId, metric, endedAtMs }, afterMs) =>
      seen.find(
        (reading) =>
          reading.deviceId === deviceId &&
          reading.atMs > afterMs &&
          reading.atMs < (endedAtMs ?? Number.POSITIVE_INFINITY) &&
          metricNames.some((name) => name === metric && (reading.metrics[name] ?? 0) > limits[name].upper),
      )?.atMs,
    nextClearMs: ({ deviceId, metric }, afterMs) =>
      seen.find(
        (reading) =>
          reading.deviceId === deviceId &&
          reading.atMs > afterMs &&
          metricNames.some(
            (name) => name === metric && (reading.metrics[name] ?? 0) <= limits[name].upper - limits[name].deadband,
          ),
      )?.atMs ?? Number.POSITIVE_INFINITY,
    breaches: () => breachesIn(seen satisfies PublishedReading[], rules),
  };
}
