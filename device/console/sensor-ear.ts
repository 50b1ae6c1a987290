import { deviceStatusMessage, maxMessageBytes } from '../anomaly/anomaly.ts';
import { readingMessage } from '../reading/reading.ts';
import { handlerDevice, type Topics } from '../transport/topics.ts';
import type { InboundMessage, Subscription, Transport } from '../transport/transport.ts';
import type { Measured } from './history.ts';

/** What a heartbeat says of a device and its sensor. */
export interface Heartbeat {
  site: string;
  deviceId: string;
  atMs: number;
  lastReadingAtMs: number | null;
  sensor: string;
  clockSynchronised: boolean;
}

export interface SensorEarOptions {
  transport: Pick<Transport, 'subscribe'>;
  topics: Topics;
  serves: (deviceId: string) => boolean;
  onReading: (reading: Measured) => void;
  onHeartbeat: (heartbeat: Heartbeat) => void;
}

/** Hears readings and heartbeats of the devices that are served. What does not fit its schema is not for the console. */
export function createSensorEar(options: SensorEarOptions): { start(): Promise<void>; stop(): Promise<void> } {
  const { transport, topics, serves } = options;
  const subscriptions: Subscription[] = [];

  /** Where the topic names a device, the payload of another is none of its. */
  const isOf = (topic: string, deviceId: string) => {
    const named = topics.deviceOf(topic);
    return (named === undefined || named === deviceId) && serves(deviceId);
  };

  function onReading({ topic, payload }: InboundMessage): void {
    const parsed = readingMessage.safeParse(jsonOf(payload));
    if (!parsed.success || !isOf(topic, parsed.data.deviceId)) return;
    const { site, deviceId, ts, metrics } = parsed.data;
    options.onReading({ site, deviceId, atMs: Date.parse(ts), metrics });
  }

  function onStatus({ topic, payload }: InboundMessage): void {
    if (topics.deviceOf(topic) === handlerDevice) return;
    const parsed = deviceStatusMessage.safeParse(jsonOf(payload));
    if (!parsed.success || parsed.data.kind !== 'heartbeat' || !isOf(topic, parsed.data.deviceId)) return;
    const { site, deviceId, at, lastReadingAt, sensor, clockSynchronised } = parsed.data;
    const lastReadingAtMs = lastReadingAt === null ? null : Date.parse(lastReadingAt);
    options.onHeartbeat({ site, deviceId, atMs: Date.parse(at), lastReadingAtMs, sensor, clockSynchronised });
  }

  return {
    async start() {
      subscriptions.push(await transport.subscribe(topics.sensorDataFilter, onReading));
      subscriptions.push(await transport.subscribe(topics.statusFilter, onStatus));
    },
    async stop() {
      await Promise.all(subscriptions.splice(0).map((subscription) => subscription.unsubscribe()));
    },
  };
}

function jsonOf(payload: Uint8Array): unknown {
  if (payload.byteLength > maxMessageBytes) return undefined;
  try {
    return JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('utf8'));
  } catch {
    return undefined;
  }
}
