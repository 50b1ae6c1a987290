import type { AnomalyMessage } from '../../device/anomaly/anomaly.ts';
import type { Reading } from '../../device/reading/reading.ts';
import { isBeyond } from './view/gauge.ts';
import type { DeviceView, FiringRule } from './view/view-model.ts';

export interface DeviceBoard {
  reading(reading: Reading): void;
  anomaly(message: AnomalyMessage): void;
  /** Undefined when the sensor is well again. */
  sensorFault(deviceId: string, message: string | undefined): void;
  devices(): DeviceView[];
}

export interface BoardOptions {
  /** Limits by metric. */
  thresholds: Readonly<
    Record<string, { upper?: number | undefined; lower?: number | undefined; deadband?: number | undefined }>
  >;
  unitOf(metric: string): string;
}

interface MetricState {
  value: number;
  history: number[];
  pendingSinceMs: number | undefined;
  firing: Map<string, FiringRule>;
}

interface DeviceState {
  metrics: Map<string, MetricState>;
  sensorFault: string | undefined;
  firing: Map<string, FiringRule>;
}

const keptValues = 60;
/** A gateway may bring thousands of devices: the view keeps the first so many. */
const mostDevices = 200;

/** Keeps of readings and anomalies what a view shows of each device. */
export function createDeviceBoard({ thresholds, unitOf }: BoardOptions): DeviceBoard {
  const limitsOf = new Map(Object.entries(thresholds));
  const states = new Map<string, DeviceState>();

  function stateOf(deviceId: string): DeviceState | undefined {
    const known = states.get(deviceId);
    if (known !== undefined || states.size >= mostDevices) return known;
    const fresh: DeviceState = { metrics: new Map(), sensorFault: undefined, firing: new Map() };
    states.set(deviceId, fresh);
    return fresh;
  }

  function firingOf(state: DeviceState, metric: string): Map<string, FiringRule> {
    return metric === '*' ? state.firing : (state.metrics.get(metric)?.firing ?? state.firing);
  }

  function pendingSince(metric: string, value: number, before: number | undefined, atMs: number): number | undefined {
    const limits = limitsOf.get(metric);
    if (limits === undefined) return undefined;
    const { upper, lower, deadband = 0 } = limits;
    if (isBeyond({ value, upper, lower })) return before ?? atMs;
    const cleared =
      (upper === undefined || value <= upper - deadband) && (lower === undefined || value >= lower + deadband);
    return cleared ? undefined : before;
  }

  return {
    reading({ deviceId, atMs, metrics }) {
      const state = stateOf(deviceId);
      if (state === undefined) return;
      state.sensorFault = undefined;
      for (const [metric, value] of Object.entries(metrics)) {
        const before = state.metrics.get(metric);
        const history = before?.history ?? [];
        history.push(value);
        if (history.length > keptValues) history.shift();
        const pendingSinceMs = pendingSince(metric, value, before?.pendingSinceMs, atMs);
        state.metrics.set(metric, { value, history, pendingSinceMs, firing: before?.firing ?? new Map() });
      }
    },
    anomaly({ deviceId, metric, rule, phase, severity, startedAt }) {
      const state = stateOf(deviceId);
      if (state === undefined) return;
      const firing = firingOf(state, metric);
      if (phase === 'resolved') firing.delete(rule);
      else firing.set(rule, { rule, severity, sinceMs: Date.parse(startedAt) });
    },
    sensorFault(deviceId, message) {
      const state = stateOf(deviceId);
      if (state !== undefined) state.sensorFault = message;
    },
    devices: () =>
      [...states].map(([name, { metrics, sensorFault, firing }]) => ({
        name,
        sensorFault,
        firing: [...firing.values()],
        metrics: [...metrics].map(([metric, state]) => ({
          metric,
          unit: unitOf(metric),
          value: state.value,
          upper: limitsOf.get(metric)?.upper,
          lower: limitsOf.get(metric)?.lower,
          history: [...state.history],
          pendingSinceMs: state.pendingSinceMs,
          firing: [...state.firing.values()],
        })),
      })),
  };
}
