import type { Said } from './store/entries.ts';

/**
 * Event time of each device, and who has fallen silent. Event time is what a device last said; once it is silent, real
 * time goes on from there, so that what waits for a quiet period does not wait for ever.
 *
 * | a device is | until                                                                    |
 * |-------------|--------------------------------------------------------------------------|
 * | expected    | it speaks, or `silentMs` after the start: it spoke before that           |
 * | speaking    | nothing is heard of it for `silentMs`                                    |
 * | silent      | it speaks, or the rule is switched off: then it is expected              |
 */
export interface DeviceWatch {
  /** A device that is known from before; `wallMs` stands for its last word until it speaks. */
  expect(site: string, deviceId: string, wallMs: number, nowMs: number): void;
  /** A message of the device came in that speaks of this instant. */
  heard(site: string, deviceId: string, said: Said, nowMs: number): void;
  /** Starts the silence of all devices anew: nothing could be heard meanwhile. */
  forgive(nowMs: number): void;
  /** Event time of a device at `nowMs` (monotonic); undefined for one that has not spoken yet and may still. */
  eventTime(site: string, deviceId: string, nowMs: number, fallbackMs: number): number | undefined;
  /** Devices that became silent, and those that spoke for the first time or again, until `told`. */
  changes(nowMs: number): Changes;
  told(changes: Changes): void;
  /** Nobody is silent any more: the rule is off. */
  expectSilent(): void;
  /** Devices that are known, the longest unheard first, as a console shows them. */
  list(nowMs: number, limit: number): (Device & { unheardMs: number })[];
}

export interface Device {
  site: string;
  deviceId: string;
  /** Event time of its last word, epoch ms. */
  lastMs: number;
}

export interface Changes {
  silent: Device[];
  speaking: Device[];
}

/** Whether it was said after the last word: messages come late, and a clock that was ahead may be set back, or start anew. */
function isLater(said: Said, last: { lastMs: number; boot?: Said['boot'] }): boolean {
  return said.boot !== undefined && said.boot.id === last.boot?.id
    ? said.boot.monotonicMs >= last.boot.monotonicMs
    : said.isLive === true || said.atMs >= last.lastMs;
}

/** The policy is read whenever it is needed; without a time for silence, event time of the silent goes on all the same. */
export function createDeviceWatch(policy: {
  readonly deviceSilentMs: number;
  readonly maxDevices: number;
}): DeviceWatch {
  interface State extends Device {
    heardMs: number;
    boot?: Said['boot'];
    phase: 'expected' | 'speaking' | 'silent';
  }
  /** In the order in which they were last heard: the longest unheard first. */
  const devices = new Map<string, State>();
  const returned = new Map<string, State>();
  const keyOf = (site: string, deviceId: string) => `${site}\n${deviceId}`;
  const silentMs = () => (policy.deviceSilentMs > 0 ? policy.deviceSilentMs : 300_000);

  function put(key: string, state: State): void {
    devices.delete(key);
    devices.set(key, state);
    const [oldest] = devices.keys();
    if (devices.size > policy.maxDevices && oldest !== undefined) devices.delete(oldest);
  }

  return {
    expect(site, deviceId, wallMs, nowMs) {
      put(keyOf(site, deviceId), { site, deviceId, lastMs: wallMs, heardMs: nowMs, phase: 'expected' });
    },
    heard(site, deviceId, said, nowMs) {
      const key = keyOf(site, deviceId);
      const known = devices.get(key);
      const isLast = known === undefined || known.phase === 'expected' || isLater(said, known);
      const last = isLast ? { lastMs: said.atMs, boot: said.boot } : { lastMs: known.lastMs, boot: known.boot };
      const state: State = { site, deviceId, ...last, heardMs: nowMs, phase: 'speaking' };
      if (known?.phase !== 'speaking') returned.set(key, state);
      put(key, state);
    },
    forgive(nowMs) {
      for (const state of devices.values()) if (state.phase !== 'silent') state.heardMs = nowMs;
    },
    eventTime(site, deviceId, nowMs, fallbackMs) {
      const state = devices.get(keyOf(site, deviceId));
      if (state === undefined) return fallbackMs;
      const elapsedMs = nowMs - state.heardMs;
      if (elapsedMs > silentMs()) return state.lastMs + elapsedMs;
      return state.phase === 'expected' ? undefined : state.lastMs;
    },
    changes(nowMs) {
      const silent: Device[] = [];
      if (policy.deviceSilentMs > 0) {
        for (const state of devices.values()) {
          if (nowMs - state.heardMs <= policy.deviceSilentMs) break;
          if (state.phase !== 'silent') silent.push({ ...state });
        }
      }
      return { silent, speaking: [...returned.values()] };
    },
    told({ silent, speaking }) {
      for (const { site, deviceId } of speaking) returned.delete(keyOf(site, deviceId));
      for (const { site, deviceId, lastMs } of silent) {
        const state = devices.get(keyOf(site, deviceId));
        // It may have spoken meanwhile: then its return is to be told next.
        if (state === undefined) continue;
        if (state.lastMs === lastMs) state.phase = 'silent';
        else returned.set(keyOf(site, deviceId), state);
      }
    },
    expectSilent() {
      for (const state of devices.values()) if (state.phase === 'silent') state.phase = 'expected';
    },
    list(nowMs, limit) {
      const list: (Device & { unheardMs: number })[] = [];
      for (const { site, deviceId, lastMs, heardMs } of devices.values()) {
        if (list.length >= limit) break;
        list.push({ site, deviceId, lastMs, unheardMs: nowMs - heardMs });
      }
      return list;
    },
  };
}
