import type { StreamRecord } from '../shared/kinesis-event.ts';

export const settings = { gateways: { 'gateway-1': ['machine-7'] }, keepDays: 30 };

export const arrivedMs = Date.UTC(2026, 0, 2, 3, 4, 5);

/** A record of a shard: the number is its place. */
export function record(place: number, data: string | Uint8Array, partitionKey = '1301'): StreamRecord {
  return {
    eventId: `shardId-000000000000:${place}`,
    sequenceNumber: String(place),
    partitionKey,
    arrivedMs,
    bytes: typeof data === 'string' ? Buffer.from(data) : data,
  };
}

/** A reading as a device publishes it. */
export function reading(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    version: 1,
    site: 'hall-2',
    deviceId: 'press-4',
    ts: '2026-01-02T03:04:05.678Z',
    seq: 12,
    metrics: { temperature: 21.5, humidity: 40.25 },
    bootId: 'b1',
    monotonicMs: 5,
    clockSynchronised: true,
    clockSource: 'chrony',
    ...fields,
  };
}

/** The same as the IoT rule writes it. */
export function published(payload: string | Uint8Array, clientId = 'press-4'): string {
  return JSON.stringify({ data: Buffer.from(payload).toString('base64'), clientId, receivedAtMs: arrivedMs });
}
