import { z } from 'zod';
import type { Breach } from '../../audit/breach.ts';

export interface WavesOptions {
  devices: readonly string[];
  random: () => number;
  nowMs: () => number;
  publish: (deviceId: string, celsius: number) => void;
}

/**
 * Devices whose temperature rises over the limit and falls again, each at moments of its own. A device waits for a
 * monitor that is dead: what nobody could see is no breach.
 *
 * | state   | `begin` | `calm`  | all are calm |
 * |---------|---------|---------|--------------|
 * | calm    | waves   | –       | –            |
 * | waves   | waves   | calming | –            |
 * | calming | waves   | –       | calm         |
 */
export interface Waves {
  /** Calm readings go out. */
  start(): void;
  /** Whether the monitor publishes what it hears of every device. */
  areHeard(): boolean;
  /** Turns begin, and what was breached before is forgotten. */
  begin(): void;
  /** Devices stay calm once they are; readings go on until `stop`. */
  calm(): void;
  stop(): void;
  /** Makes the device breach, once it is its turn, and stay so until `release`. */
  hold(deviceId: string): void;
  release(deviceId: string): void;
  /** Whether any device breaches. */
  isHot(): boolean;
  /** A reading that the monitor has published. */
  heard(payload: Uint8Array): void;
  /**
   * Up to when the monitor is known to have seen what a device did: until now, or until its last turn where no reading
   * since has been heard.
   */
  seenUntilMs(): (deviceId: string) => number;
  /** How far ahead the monitor's wall clock is, ms. */
  clockIsAhead(byMs: number): void;
  /** Longest time since `begin` in which the monitor published nothing: no told time can be truer than that. */
  longestSilenceMs(): number;
  /** What the audit is to find since `begin`. */
  breaches(): Breach[];
}

interface Device {
  id: string;
  hot: boolean;
  held: boolean;
  /** It turns when this time has come and one run of the monitor has published `enough` readings since the last turn. */
  turnsAtMs: number;
  turnedAtMs: number;
  heard: number;
  /** Of the reading that was heard last: each run of the monitor counts anew. */
  seq: number;
}

const everyMs = 50;
const calmCelsius = 20;
const hotCelsius = 35;
/** The first may go out before the turn is written; with so many of one run it is, also if the monitor is killed now. */
const enough = 2;

const published = z.object({
  deviceId: z.string(),
  ts: z.iso.datetime(),
  seq: z.number(),
  metrics: z.object({ temperature: z.number() }),
});

export function createWaves({ devices: ids, random, nowMs: now, publish }: WavesOptions): Waves {
  const devices = new Map<string, Device>(
    ids.map((id) => [id, { id, hot: false, held: false, turnsAtMs: 0, turnedAtMs: now(), heard: 0, seq: -1 }]),
  );
  let breaches: Breach[] = [];
  let rising = false;
  let timer: NodeJS.Timeout | undefined;
  let lastHeardMs = now();
  let longestSilenceMs = 0;
  let aheadMs = 0;

  function turn(device: Device, nowMs: number): void {
    device.hot = !device.hot;
    device.heard = 0;
    device.turnedAtMs = nowMs;
    device.turnsAtMs = nowMs + 500 + random() * 1_000;
    if (device.hot) {
      const key = { site: 'test', deviceId: device.id, metric: 'temperature', rule: 'upper' };
      const times = { startedAtMs: nowMs, firedAtMs: nowMs, endedAtMs: null, resolvedAtMs: null };
      breaches.push({ ...key, ...times, optional: false });
      return;
    }
    const at = breaches.findLastIndex(({ deviceId }) => deviceId === device.id);
    const breach = breaches[at];
    if (breach !== undefined) breaches[at] = { ...breach, endedAtMs: nowMs, resolvedAtMs: nowMs };
  }

  function beat(): void {
    const nowMs = now();
    longestSilenceMs = Math.max(longestSilenceMs, nowMs - lastHeardMs);
    for (const device of devices.values()) {
      const mayTurn = device.hot ? !device.held : rising || device.held;
      if (nowMs >= device.turnsAtMs && device.heard >= enough && mayTurn) turn(device, nowMs);
      publish(device.id, device.hot ? hotCelsius : calmCelsius);
    }
  }

  function of(id: string): Device {
    const device = devices.get(id);
    if (device === undefined) throw new Error(`no device ${id}`);
    return device;
  }

  return {
    start() {
      timer ??= setInterval(beat, everyMs);
    },
    areHeard: () => [...devices.values()].every(({ heard }) => heard >= enough),
    begin() {
      const nowMs = now();
      breaches = [];
      [rising, lastHeardMs, longestSilenceMs] = [true, nowMs, 0];
      for (const device of devices.values()) device.turnsAtMs = nowMs + random() * 500;
    },
    calm() {
      rising = false;
      for (const device of devices.values()) Object.assign(device, { held: false, turnsAtMs: 0 });
    },
    stop() {
      clearInterval(timer);
      timer = undefined;
    },
    hold(id) {
      Object.assign(of(id), { held: true });
    },
    release(id) {
      Object.assign(of(id), { held: false });
    },
    isHot: () => [...devices.values()].some(({ hot }) => hot),
    heard(payload) {
      const nowMs = now();
      longestSilenceMs = Math.max(longestSilenceMs, nowMs - lastHeardMs);
      lastHeardMs = nowMs;
      const reading = published.parse(JSON.parse(Buffer.from(payload).toString('utf8')));
      const device = devices.get(reading.deviceId);
      if (device === undefined || Date.parse(reading.ts) - aheadMs < device.turnedAtMs) return;
      if (reading.seq <= device.seq) device.heard = 0;
      device.seq = reading.seq;
      if (reading.metrics.temperature === (device.hot ? hotCelsius : calmCelsius)) device.heard += 1;
    },
    seenUntilMs() {
      const nowMs = now();
      const unheard = [...devices.values()].filter(({ heard }) => heard === 0);
      const turns = new Map(unheard.map(({ id, turnedAtMs }) => [id, turnedAtMs]));
      return (id) => turns.get(id) ?? nowMs;
    },
    clockIsAhead(byMs) {
      aheadMs = byMs;
    },
    longestSilenceMs: () => longestSilenceMs,
    breaches: () => [...breaches],
  };
}
