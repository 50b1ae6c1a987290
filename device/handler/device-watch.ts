/**
 * Event time of each device, and who has fallen silent. Event time is what a device last said; once it is silent, real
 * time goes on from there, so that what waits for a quiet period does not wait for ever.
 */
export interface DeviceWatch {
  /** A message of the device came in that speaks of the instant `eventMs`. */
  heard(site: string, deviceId: string, eventMs: number, nowMs: number): void;
  /** Starts the silence of all devices anew: nothing could be heard while the broker was away. */
  forgive(nowMs: number): void;
  /** Event time of a device at `nowMs` (monotonic); `fallbackMs` for a device that has not spoken yet. */
  eventTime(site: string, deviceId: string, nowMs: number, fallbackMs: number): number;
  /** Devices that became silent, and silent ones that spoke again, since the last call. */
  changes(nowMs: number): { silent: Device[]; speaking: Device[] };
  /** Devices that are known, as a console shows them. */
  list(nowMs: number): (Device & { unheardMs: number })[];
}

export interface Device {
  site: string;
  deviceId: string;
  /** Event time of its last word, epoch ms. */
  lastMs: number;
}

export function createDeviceWatch(options: { silentMs: number; maxDevices: number }): DeviceWatch {
  interface State extends Device {
    heardMs: number;
    silent: boolean;
  }
  /** In the order in which they were last heard: the longest silent first. */
  const devices = new Map<string, State>();
  const returned = new Map<string, State>();
  const keyOf = (site: string, deviceId: string) => `${site}\n${deviceId}`;
  const silentMs = options.silentMs > 0 ? options.silentMs : 300_000;

  return {
    heard(site, deviceId, eventMs, nowMs) {
      const key = keyOf(site, deviceId);
      const known = devices.get(key);
      const state: State = {
        site,
        deviceId,
        lastMs: Math.max(known?.lastMs ?? 0, eventMs),
        heardMs: nowMs,
        silent: false,
      };
      if (known?.silent === true || known === undefined) returned.set(key, state);
      devices.delete(key);
      devices.set(key, state);
      const [oldest] = devices.keys();
      if (devices.size > options.maxDevices && oldest !== undefined) devices.delete(oldest);
    },
    forgive(nowMs) {
      for (const state of devices.values()) if (!state.silent) state.heardMs = nowMs;
    },
    eventTime(site, deviceId, nowMs, fallbackMs) {
      const state = devices.get(keyOf(site, deviceId));
      if (state === undefined) return fallbackMs;
      const elapsedMs = nowMs - state.heardMs;
      return elapsedMs > silentMs ? state.lastMs + elapsedMs : state.lastMs;
    },
    changes(nowMs) {
      const silent: Device[] = [];
      if (options.silentMs > 0) {
        for (const state of devices.values()) {
          if (nowMs - state.heardMs <= silentMs) break;
          if (state.silent) continue;
          state.silent = true;
          silent.push(state);
        }
      }
      const speaking = [...returned.values()];
      returned.clear();
      return { silent, speaking };
    },
    list: (nowMs) =>
      [...devices.values()].map((state) => ({
        site: state.site,
        deviceId: state.deviceId,
        lastMs: state.lastMs,
        unheardMs: nowMs - state.heardMs,
      })),
  };
}
