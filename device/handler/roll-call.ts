import type { DeviceStatusMessage, RollCallKey } from '../anomaly/anomaly.ts';

type RollCallPage = Extract<DeviceStatusMessage, { kind: 'roll-call' }>;

/** A whole roll call: every key of a device, whether it fires, and up to which sequence it has spoken. */
export interface RollCall {
  site: string;
  deviceId: string;
  installationId: string;
  installationCreatedAt: string;
  atMs: number;
  opener: 'edge' | 'cloud';
  stamps: Pick<RollCallPage, 'bootId' | 'monotonicMs' | 'clockSynchronised' | 'clockSource'>;
  keys: readonly RollCallKey[];
}

/** Pages of one call that are kept; a longer call is not believed. */
const mostPages = 500;

/** Puts the pages of a call together: it is acted on once all are there. A newer call of a device replaces an older one. */
export function createRollCallAssembly(maxDevices: number) {
  const calls = new Map<string, { callId: string; pages: Map<number, RollCallPage> }>();

  return {
    /** Answers the whole call with its last page, else undefined. */
    add(page: RollCallPage): RollCall | undefined {
      const device = `${page.site}\n${page.deviceId}`;
      if (page.page > page.pages || page.pages > mostPages) return undefined;
      let call = calls.get(device);
      if (call?.callId !== page.callId) {
        call = { callId: page.callId, pages: new Map() };
        calls.delete(device);
        calls.set(device, call);
        const [oldest] = calls.keys();
        if (calls.size > maxDevices && oldest !== undefined) calls.delete(oldest);
      }
      call.pages.set(page.page, page);
      if (call.pages.size < page.pages) return undefined;
      calls.delete(device);
      const { site, deviceId, installationId, installationCreatedAt } = page;
      const { bootId, monotonicMs, clockSynchronised, clockSource } = page;
      return {
        site,
        deviceId,
        installationId,
        installationCreatedAt,
        atMs: Date.parse(page.at),
        opener: page.opener ?? 'edge',
        stamps: { bootId, monotonicMs, clockSynchronised, clockSource },
        keys: [...call.pages.values()].flatMap((part) => part.keys),
      };
    },
  };
}
