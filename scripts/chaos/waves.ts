import { z } from 'zod';
import type { Breach } from '../audit/breach.ts';

export interface WavesOptions {
  devices: readonly string[];
  random: () => number;
  publish: (deviceId: string, celsius: number) => void;
}

export interface Waves {
  start(): void;
  /** A reading that the monitor has published. */
  heard(payload: Uint8Array): void;
  /** The wave that this device is in lasts until `finish`. */
  hold(deviceId: string): void;
  /** Devices stay calm once they are; readings go on until `stop`. */
  finish(): void;
  stop(): void;
  /** Whether any device is hot. */
  isHot(): boolean;
  /** Longest time in which the monitor published nothing: no told time can be truer than that. */
  longestSilenceMs(): number;
  /** What the audit is to find. */
  breaches(): Breach[];
}

interface Device {
  id: string;
  hot: boolean;
  /** It turns when this time has come and the monitor has published `enough` readings since the last turn. */
  turnsAtMs: number;
  turnedAtMs: number;
  heard: number;
}

const everyMs = 50;
const calmCelsius = 20;
const hotCelsius = 35;
/** So many published readings: the monitor knows of the turn, also if it is killed now. */
const enough = 2;

const published = z.object({
  deviceId: z.string(),
  ts: z.iso.datetime(),
  metrics: z.object({ temperature: z.number() }),
});

/**
 * Devices whose temperature rises over the limit and falls again, each at moments of its own. A device waits for a
 * monitor that is dead: what nobody could see is no breach.
 */
export function createWaves({ devices: ids, random, publish }: WavesOptions): Waves {
  const devices = new Map<string, Device>();
  const breaches: Breach[] = [];
  let finished = false;
  let timer: NodeJS.Timeout | undefined;
  let lastHeardMs: number | undefined;
  let longestSilenceMs = 0;

  function turn(device: Device, nowMs: number): void {
    device.hot = !device.hot;
    device.heard = 0;
    device.turnedAtMs = nowMs;
    device.turnsAtMs = nowMs + 1_500 + random() * 2_500;
    if (device.hot) {
      const key = { site: 'test', deviceId: device.id, metric: 'temperature', rule: 'upper' };
      const times = { startedAtMs: nowMs, firedAtMs: nowMs, endedAtMs: null, resolvedAtMs: null };
      breaches.push({ ...key, ...times, optional: false });
      return;
    }
    const breach = breaches.findLast(({ deviceId }) => deviceId === device.id);
    if (breach !== undefined) breaches[breaches.indexOf(breach)] = { ...breach, endedAtMs: nowMs, resolvedAtMs: nowMs };
  }

  function beat(): void {
    const nowMs = Date.now();
    for (const device of devices.values()) {
      if (nowMs >= device.turnsAtMs && device.heard >= enough && (device.hot || !finished)) turn(device, nowMs);
      publish(device.id, device.hot ? hotCelsius : calmCelsius);
    }
  }

  return {
    start() {
      const nowMs = Date.now();
      lastHeardMs = nowMs;
      for (const id of ids) {
        devices.set(id, { id, hot: false, turnsAtMs: nowMs + random() * 2_000, turnedAtMs: nowMs, heard: 0 });
      }
      timer = setInterval(beat, everyMs);
    },
    heard(payload) {
      const nowMs = Date.now();
      longestSilenceMs = Math.max(longestSilenceMs, nowMs - (lastHeardMs ?? nowMs));
      lastHeardMs = nowMs;
      const reading = published.parse(JSON.parse(Buffer.from(payload).toString('utf8')));
      const device = devices.get(reading.deviceId);
      if (device === undefined || Date.parse(reading.ts) < device.turnedAtMs) return;
      if (reading.metrics.temperature === (device.hot ? hotCelsius : calmCelsius)) device.heard += 1;
    },
    hold(deviceId) {
      const device = devices.get(deviceId);
      if (device !== undefined) device.turnsAtMs = Number.POSITIVE_INFINITY;
    },
    finish() {
      finished = true;
      for (const device of devices.values()) if (device.hot) device.turnsAtMs = 0;
    },
    stop() {
      clearInterval(timer);
    },
    isHot: () => [...devices.values()].some(({ hot }) => hot),
    longestSilenceMs: () => longestSilenceMs,
    breaches: () => [...breaches],
  };
}
