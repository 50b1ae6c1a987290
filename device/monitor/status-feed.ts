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
  deliveryTime: Time;
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
 * Those of many devices are spread over up to a minute: all at once would hold up the breaches that come then.
 */
export interface StatusFeed {
  /** Of the monitor itself, and of each gateway device that was heard since the last one. */
  heartbeat(): void;
  /** Of all devices that ever spoke of a breach or are present; `heard`: of those heard since their last one. */
  rollCall(of: 'all' | 'heard'): void;
  /** The connection is back. */
  reconnected(): void;
  isIdle(): boolean;
  stop(): void;
}

interface Wanted {
  kind: 'heartbeat' | 'roll-call';
  site: string;
  deviceId: string;
}

const mostUnderWay = 32;
/**
 * So many go out at once, at a cost of some milliseconds, and after each pause again; more where all would take longer than
 * a minute.
 */
const leastPart = 16;
const pauseMs = 100;
const mostParts = 600;

export function createStatusFeed(deps: StatusFeedDeps): StatusFeed {
  const { transport, topics, clock, deliveryTime, devices, self } = deps;
  /** By kind and device: what is wanted twice is sent once. */
  const queue = new Map<string, Wanted>();
  let underWay = 0;
  let stopped = false;
  /** A roll call that could not be sent. */
  let owesRollCall = false;
  let part = leastPart;
  /** What may still be sent before the next pause. */
  let partLeft = 0;
  let pause: Timer | undefined;

  function want(kind: Wanted['kind'], { site, deviceId }: { site: string; deviceId: string }): void {
    queue.set(`${kind}\n${site}\n${deviceId}`, { kind, site, deviceId });
  }

  function pump(): void {
    for (const [name, wanted] of queue) {
      if (partLeft === 0 || underWay >= mostUnderWay || stopped) break;
      partLeft -= 1;
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
  function sendPart(): void {
    pause = undefined;
    if (transport.state().state !== 'connected') {
      for (const { kind } of queue.values()) owesRollCall ||= kind === 'roll-call';
      queue.clear();
    }
    partLeft = part;
    pump();
    if (queue.size > 0) pause = deliveryTime.after(pauseMs, sendPart);
  }

  function start(): void {
    part = Math.max(leastPart, Math.ceil(queue.size / mostParts));
    if (pause === undefined) sendPart();
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

  return {
    rollCall,
    heartbeat() {
      want('heartbeat', self);
      for (const device of devices.all()) {
        if (device.heard.sinceHeartbeat) want('heartbeat', device);
        device.heard.sinceHeartbeat = false;
      }
      start();
    },
    reconnected() {
      if (!owesRollCall) return;
      owesRollCall = false;
      rollCall('all');
    },
    isIdle: () => underWay === 0 && queue.size === 0,
    stop() {
      stopped = true;
      pause?.cancel();
      queue.clear();
    },
  };
}

function sensorText({ fault }: DeviceState): string {
  return fault === undefined ? 'ok' : `${fault.reason}: ${fault.message}`.slice(0, 300);
}
