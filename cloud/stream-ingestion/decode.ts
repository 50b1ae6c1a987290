import { maxMessageBytes } from '../../device/anomaly/anomaly.ts';
import { namePart } from '../../device/reading/reading.ts';
import type { StreamRecord } from '../shared/kinesis-event.ts';
import { storableDecimal } from '../shared/readings/decimal.ts';
import { expiryOf, rowOfReading } from '../shared/readings/row-of-reading.ts';
import {
  type Gateways,
  maySpeakFor,
  type ParkingReason,
  publishedMessage,
  type ReadingItem,
  reading,
} from './contract.ts';

export interface DecodeSettings {
  gateways: Gateways;
  /** Days after its arrival that a reading is kept. */
  keepDays: number;
}

export type Decoded =
  | { kind: 'reading'; item: ReadingItem; atMs: number }
  | { kind: 'parked'; reason: ParkingReason; detail: string; bytes: Uint8Array };

/**
 * What a record of the stream is. Three shapes come in: what the IoT rule wrote (`publishedMessage`), a reading as JSON
 * and `value|timestamp`, both of a producer that may put to the stream. Only the first says which client spoke.
 */
export function decode(record: StreamRecord, settings: DecodeSettings): Decoded {
  const text = utf8(record.bytes);
  if (text === undefined) return parked('not-a-reading', 'not UTF-8', record.bytes);
  if (!text.trimStart().startsWith('{')) return decodePair(text, record, settings);
  const json = parseJson(text);
  if (json === undefined) return parked('not-a-reading', 'begins like JSON and is none', record.bytes);
  const published = publishedMessage.safeParse(json);
  if (!published.success) return decodeReading(json, record.bytes, record, settings, undefined);
  const { data, clientId } = published.data;
  const bytes = Buffer.from(data, 'base64');
  const payload = parseJson(utf8(bytes) ?? '');
  if (payload === undefined) return parked('not-a-reading', `message of ${clientId} is not JSON`, bytes);
  return decodeReading(payload, bytes, record, settings, clientId);
}

/** A reading as JSON; `bytes` are those that its sender wrote. */
function decodeReading(
  json: unknown,
  bytes: Uint8Array,
  record: StreamRecord,
  settings: DecodeSettings,
  clientId: string | undefined,
): Decoded {
  if (bytes.length > maxMessageBytes) {
    return parked('too-large', `${bytes.length} bytes; a message has at most ${maxMessageBytes}`, bytes);
  }
  const parsed = reading.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return parked('bad-schema', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`, bytes);
  }
  const { deviceId } = parsed.data;
  if (clientId !== undefined && !maySpeakFor(clientId, deviceId, settings.gateways)) {
    return parked('other-device', `client ${clientId} published a reading of ${deviceId}`, bytes);
  }
  const row = rowOfReading(parsed.data, expiry(record, settings));
  if (row.kind !== 'row') return parked(row.kind, row.detail, bytes);
  return { kind: 'reading', atMs: row.atMs, item: row.item };
}

/** RFC 3339: a date, a time, and an offset from UTC. */
const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/i;

/** `value|timestamp`, split at the first `|`; the partition key of the record is the sensor. */
function decodePair(text: string, record: StreamRecord, settings: DecodeSettings): Decoded {
  const { bytes } = record;
  if (bytes.length > maxMessageBytes) {
    return parked('too-large', `${bytes.length} bytes; a message has at most ${maxMessageBytes}`, bytes);
  }
  const split = text.indexOf('|');
  if (split < 0) return parked('not-a-reading', 'neither JSON nor value|timestamp', bytes);
  const value = storableDecimal(text.slice(0, split));
  if (value === undefined) return parked('bad-schema', 'the value is not a number', bytes);
  if (value === 'out-of-range') return parked('number-out-of-range', text.slice(0, split), bytes);
  const written = text.slice(split + 1).trimEnd();
  const atMs = rfc3339.test(written) ? Date.parse(written) : Number.NaN;
  if (Number.isNaN(atMs)) return parked('bad-schema', 'the timestamp is not one of RFC 3339', bytes);
  const sensor = namePart.safeParse(record.partitionKey);
  if (!sensor.success) return parked('bad-schema', 'the partition key cannot name a sensor', bytes);
  return {
    kind: 'reading',
    atMs,
    item: {
      partitionKey: sensor.data,
      timestamp: new Date(atMs).toISOString(),
      value,
      expiresAt: expiry(record, settings),
    },
  };
}

function expiry({ arrivedMs }: StreamRecord, { keepDays }: DecodeSettings): number {
  return expiryOf(arrivedMs, keepDays);
}

function parked(reason: ParkingReason, detail: string, bytes: Uint8Array): Decoded {
  return { kind: 'parked', reason, detail, bytes };
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** @returns undefined where it is not JSON, which no JSON text means. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
