import type { Occurrence } from '../incident/occurrence.ts';
import type { Clock } from '../platform/time.ts';
import type { ServedHandler } from './served-handler.ts';

/** Breaches as the handler knows them, read anew only when something has happened. */
export interface Breaches {
  /** Those that last, and the latest told; each once. */
  all(): readonly Occurrence[];
  byId(id: string): Occurrence | undefined;
  /** Of one device: the latest of each key, a firing one before ended ones. */
  ofDevice(site: string, deviceId: string): readonly Occurrence[];
  /** Devices that have one. */
  devices(): { site: string; deviceId: string }[];
}

const mostShown = 200;
const mostFiring = 1_000;
/** Another process (a redrive, a restore) changes the store without a word. */
const readAnewMs = 15_000;

export function createBreaches(handler: ServedHandler, clock: Pick<Clock, 'monotonicMs'>): Breaches {
  let known: readonly Occurrence[] = [];
  let byId = new Map<string, Occurrence>();
  let byDevice = new Map<string, Map<string, Occurrence>>();
  let seen = '';
  let readAtMs = -Infinity;

  function refresh(): void {
    const { messages, counts, relay, claim } = handler.status();
    const now = JSON.stringify([messages, counts, relay.told, claim]);
    if (now === seen && clock.monotonicMs() - readAtMs < readAnewMs) return;
    seen = now;
    readAtMs = clock.monotonicMs();
    byId = new Map([...handler.recent(mostShown), ...handler.firing(mostFiring)].map((one) => [one.id, one]));
    known = [...byId.values()].sort(
      (a, b) => Number(b.phase === 'firing') - Number(a.phase === 'firing') || startOf(b) - startOf(a),
    );
    byDevice = new Map();
    for (const one of known) {
      const key = deviceKey(one.message.site, one.message.deviceId);
      const ofDevice = byDevice.get(key) ?? new Map<string, Occurrence>();
      byDevice.set(key, ofDevice);
      if (!ofDevice.has(one.correlationId)) ofDevice.set(one.correlationId, one);
    }
  }

  return {
    all() {
      refresh();
      return known;
    },
    byId(id) {
      refresh();
      return byId.get(id) ?? handler.breach(id);
    },
    ofDevice(site, deviceId) {
      refresh();
      return [...(byDevice.get(deviceKey(site, deviceId))?.values() ?? [])];
    },
    devices() {
      refresh();
      return [...byDevice.values()].flatMap((ofDevice) =>
        [...ofDevice.values()].slice(0, 1).map(({ message }) => ({ site: message.site, deviceId: message.deviceId })),
      );
    },
  };
}

const startOf = ({ message }: Occurrence) => Date.parse(message.startedAt);
const deviceKey = (site: string, deviceId: string) => `${site}\n${deviceId}`;
