import { type DetectionState, firing } from '../anomaly/detect.ts';
import type { Transition } from '../anomaly/detection.ts';
import type { Metrics } from '../reading/reading.ts';
import { createReadingWindow, type ReadingWindow } from '../reading/window.ts';
import type { SensorFault } from '../sensor/source.ts';
import type { SavedDevice, SavedKey } from './journal.ts';

/** A device that is watched: what is known of it in memory. */
export interface DeviceState {
  readonly site: string;
  readonly deviceId: string;
  readonly gateway: boolean;
  detection: DetectionState;
  /** By `metric/rule`, as they stand in the journal. */
  keys: Map<string, SavedKey>;
  /** Ends of recorded breaches that the journal could not take. */
  unsaid: ReadonlyMap<string, Transition>;
  /** Of the metrics that have rules. */
  windows: ReadonlyMap<string, ReadingWindow>;
  /** Metrics on which something fires. */
  breached: ReadonlySet<string>;
  /** Keys that fired when another boot ended: what its clock was worth will not be known any more. */
  otherBoot: ReadonlySet<string>;
  lastReadingMs: number | null;
  metrics: Metrics;
  seq: number;
  fault: SensorFault | undefined;
  /** Heard since the last heartbeat, and since the last roll call. */
  heard: { sinceHeartbeat: boolean; sinceRollCall: boolean };
}

export function createDeviceState(
  of: Pick<DeviceState, 'site' | 'deviceId' | 'gateway' | 'detection' | 'keys' | 'otherBoot' | 'lastReadingMs' | 'seq'>,
  windows: { metrics: readonly string[]; points: number },
): DeviceState {
  return {
    ...of,
    unsaid: new Map(),
    windows: new Map(windows.metrics.map((metric) => [metric, createReadingWindow(windows.points)])),
    breached: breachedMetrics(of.detection),
    metrics: {},
    fault: undefined,
    heard: { sinceHeartbeat: false, sinceRollCall: false },
  };
}

/** Windows for the metrics that have rules now; those that had some keep what they hold. */
export function watchMetrics(device: DeviceState, windows: { metrics: readonly string[]; points: number }): void {
  device.windows = new Map(
    windows.metrics.map((metric) => [metric, device.windows.get(metric) ?? createReadingWindow(windows.points)]),
  );
}

export function breachedMetrics(detection: DetectionState): ReadonlySet<string> {
  return new Set(firing(detection).map(({ metric }) => metric));
}

export function keyName(of: { metric: string; rule: string }): string {
  return `${of.metric}/${of.rule}`;
}

export function savedDeviceOf(
  device: DeviceState,
  saved: Pick<SavedDevice, 'away' | 'runId' | 'wallMs' | 'stamp'>,
): SavedDevice {
  const { site, deviceId, gateway, lastReadingMs, seq, detection } = device;
  return {
    site,
    deviceId,
    gateway,
    lastReadingMs,
    seq,
    state: detection,
    firing: firing(detection).length > 0,
    ...saved,
  };
}
