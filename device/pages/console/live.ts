import type { LiveValues, Overview } from '../../console/contract.ts';

export type Live = LiveValues;

/** Hands on each event as it comes: several may come between two renderings, and none of them is to be passed over. */
export interface LiveFeed {
  publish(live: Live): void;
  /** Answers its own removal. */
  subscribe(listener: (live: Live) => void): () => void;
}

export function createLiveFeed(): LiveFeed {
  const listeners = new Set<(live: Live) => void>();
  return {
    publish(live) {
      for (const listener of listeners) listener(live);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** The overview with the latest values in it. Devices that it does not know come with the next one. */
export function withValues(overview: Overview, live: Live): Overview {
  const byDevice = new Map(live.devices.map((device) => [`${device.site}\n${device.deviceId}`, device]));
  return {
    ...overview,
    nowMs: Math.max(overview.nowMs, live.nowMs),
    devices: overview.devices.map((device) => {
      const values = byDevice.get(`${device.site}\n${device.deviceId}`);
      if (values === undefined) return device;
      const byMetric = new Map(values.metrics.map((value) => [value.metric, value]));
      const latestMs = Math.max(...values.metrics.map(({ atMs }) => atMs));
      return {
        ...device,
        heardAtMs: Math.max(device.heardAtMs ?? 0, latestMs),
        lastReadingAtMs: Math.max(device.lastReadingAtMs ?? 0, latestMs),
        metrics: device.metrics.map((metric) => {
          const value = byMetric.get(metric.metric);
          return value === undefined ? metric : { ...metric, value: value.value, atMs: value.atMs };
        }),
      };
    }),
  };
}
