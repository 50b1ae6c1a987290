import type { DeviceStatusMessage } from '../anomaly/anomaly.ts';
import { isoUtc, type Time, type Timer } from '../platform/time.ts';
import type { Topics } from '../transport/topics.ts';
import type { Transport } from '../transport/transport.ts';
import type { DeviceState } from './device-state.ts';
import type { Devices } from './devices.ts';
import type { Installation } from './journal.ts';
import { rollCallKeys, rollCallPages } from './roll-call.ts';
import type { StampClock } from './stamp-clock.ts';

export interface StatusFeedDeps {
  transport: Transport;
  topics: Topics;
  clock: StampClock;
  /** Event time, over which heartbeats are spread. */
  time: Time;
  devices: Devices;
  /** The monitor itself, also where it is a gateway. */
  self: { site: string; deviceId: string };
  software: string;
  opener: 'edge' | 'cloud';
  installation: () => Installation;
  waits: (key: string) => boolean;
  newId: () => string;
  changed: () => void;
}

/**
 * Heartbeats and roll calls of one device or of thousands: built when they are sent, a bounded number under way. What
 * cannot be sent is not kept, since the next one says it better; a roll call that failed is made up for at a reconnect.
 * Heartbeats of many devices are spread over the interval: all at once would hold up the breaches that come then.
 */
export interface StatusFeed {
  /**
   * Of the monitor itself, and of each gateway device that was heard since the last one: those beyond the first few in
   * equal parts until the next is due.
   * @param everyMs time until the next one
   */
  heartbeat(everyMs: number): void;
  /** Of all devices that ever spoke of a breach or are present; `heard`: of those heard since their last one. */
  rollCall(of: 'all' | 'heard'): void;
  /** The connection is back. */
  reconnected(): void;
  /** Nothing is under way; heartbeats that wait for their part of the interval do not count. */
  isIdle(): boolean;
  stop(): void;
}

interface Named {
  site: string;
  deviceId: string;
}

interface Wanted extends Named {
  kind: 'heartbeat' | 'roll-call';
}

const mostUnderWay = 32;
/** So many heartbeats go out at once; their cost is some milliseconds. */
const beatsAtOnce = 16;

export function createStatusFeed(deps: StatusFeedDeps): StatusFeed {
  const { transport, topics, clock, time, devices, self } = deps;
  /** By kind and device: what is wanted twice is sent once. */
  const queue = new Map<string, Wanted>();
  let underWay = 0;
  let stopped = false;
  /** A roll call that could not be sent. */
  let owesRollCall = false;
  /** Whose heartbeat is still to come in this interval. */
  const beats: Named[] = [];
  let nextBeats: Timer | undefined;

  function want(kind: Wanted['kind'], { site, deviceId }: Named): void {
    queue.set(`${kind}\n${site}\n${deviceId}`, { kind, site, deviceId });
  }

  function pump(): void {
    for (const [name, wanted] of queue) {
      if (underWay >= mostUnderWay || stopped) break;
      queue.delete(name);
      for (const message of messagesOf(wanted)) send(message);
    }
    deps.changed();
  }

  function messagesOf({ kind, site, deviceId }: Wanted): DeviceStatusMessage[] {
    const { id, createdAtMs } = deps.installation();
    const head = {
      version: 1,
      ...{ site, deviceId, at: isoUtc(clock.wallMs()), ...clock.fields() },
      ...{ installationId: id, installationCreatedAt: isoUtc(createdAtMs) },
    } as const;
    const device = devices.peek(site, deviceId);
    if (kind === 'heartbeat') {
      const lastReadingAt = device.lastReadingMs === null ? null : isoUtc(device.lastReadingMs);
      return [{ ...head, kind, lastReadingAt, sensor: sensorText(device) }];
    }
    const call = {
      ...head,
      kind,
      software: deps.software.slice(0, 64),
      opener: deps.opener,
      callId: deps.newId(),
    } as const;
    return rollCallPages(call, rollCallKeys(device, id, deps.waits));
  }

  function send(message: DeviceStatusMessage): void {
    underWay += 1;
    void transport.publish(topics.status(message.deviceId), JSON.stringify(message)).then((result) => {
      underWay -= 1;
      if (!result.ok && message.kind === 'roll-call') owesRollCall = true;
      pump();
    });
  }

  /** Nothing is built that cannot be sent. */
  function start(): void {
    if (transport.state().state === 'connected') {
      pump();
      return;
    }
    for (const { kind } of queue.values()) owesRollCall ||= kind === 'roll-call';
    queue.clear();
  }

  function rollCall(of: 'all' | 'heard'): void {
    want('roll-call', self);
    for (const device of devices.all()) {
      if (of === 'all' || device.heard.sinceRollCall) want('roll-call', device);
      device.heard.sinceRollCall = false;
    }
    if (of === 'all') for (const name of devices.awayNames()) want('roll-call', name);
    start();
  }

  function beat(everyMs: number): void {
    for (const device of beats.splice(0, beatsAtOnce)) want('heartbeat', device);
    start();
    nextBeats = beats.length === 0 ? undefined : time.after(everyMs, () => beat(everyMs));
  }

  return {
    rollCall,
    heartbeat(everyMs) {
      nextBeats?.cancel();
      want('heartbeat', self);
      for (const device of devices.all()) {
        if (device.heard.sinceHeartbeat) beats.push({ site: device.site, deviceId: device.deviceId });
        device.heard.sinceHeartbeat = false;
      }
      beat(everyMs / Math.ceil(beats.length / beatsAtOnce));
    },
    reconnected() {
      if (!owesRollCall) return;
      owesRollCall = false;
      rollCall('all');
    },
    isIdle: () => underWay === 0 && queue.size === 0,
    stop() {
      stopped = true;
      nextBeats?.cancel();
      queue.clear();
    },
  };
}

function sensorText({ fault }: DeviceState): string {
  return fault === undefined ? 'ok' : `${fault.reason}: ${fault.message}`.slice(0, 300);
}
