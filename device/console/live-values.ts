import type { LiveValues } from './contract.ts';
import type { Measured } from './history.ts';

type Value = LiveValues['devices'][number]['metrics'][number];

/** What came in between two events: of each metric the latest value, and the extremes so that none is passed over. */
export function createLiveValues() {
  let devices = new Map<string, { site: string; deviceId: string; metrics: Map<string, Value> }>();
  return {
    add({ site, deviceId, atMs, metrics }: Measured): void {
      const key = `${site}\n${deviceId}`;
      const device = devices.get(key) ?? { site, deviceId, metrics: new Map<string, Value>() };
      devices.set(key, device);
      for (const [metric, value] of Object.entries(metrics)) {
        const known = device.metrics.get(metric);
        const min = Math.min(value, known?.min ?? value);
        const max = Math.max(value, known?.max ?? value);
        device.metrics.set(metric, { metric, atMs, value, min, max });
      }
    },
    /** All since the last call. */
    take(): LiveValues['devices'] {
      const taken = [...devices.values()].map(({ metrics, ...name }) => ({ ...name, metrics: [...metrics.values()] }));
      devices = new Map();
      return taken;
    },
  };
}
