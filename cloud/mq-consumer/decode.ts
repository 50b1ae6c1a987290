import { createHash } from 'node:crypto';
import { z } from 'zod';
import { maxMessageBytes } from '../../device/anomaly/anomaly.ts';
import { readingMessage } from '../../device/reading/reading.ts';
import { parseJson } from '../shared/domain-event.ts';
import type { ParkedRecord } from '../shared/parked-record.ts';
import { expiryOf, rowOfReading } from '../shared/readings/row-of-reading.ts';
import type { ReadingItem } from '../stream-ingestion/contract.ts';
import { type MqMessage, messageTypes, mqMessage, type ParkingReason } from './contract.ts';

/** A row to write, and how it stands to others of its key. */
export interface ArrivedReading {
  item: ReadingItem;
  /**
   * Place in the order in which messages were made: of two readings with one key the greater is the later one. It is the
   * message's own, so that a message that comes again, also by way of the dead letters, changes nothing.
   */
  arrival: string;
  atMs: number;
}

export type Decoded = { id: string; bytes: Uint8Array; redelivered: boolean } & (
  | { kind: 'reading'; reading: ArrivedReading }
  | { kind: 'unusable'; reason: ParkingReason; detail: string }
);

/** What a message of the event is; `value` is whatever stands there. */
export function decode(value: unknown, { keepDays }: { keepDays: number }): Decoded {
  const parsed = mqMessage.safeParse(value);
  if (!parsed.success) {
    const bytes = Buffer.from(JSON.stringify(value) ?? '');
    // It may have no name, so its content is its name.
    const id = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    return { id, bytes, redelivered: false, kind: 'unusable', reason: 'not-a-message', detail: issueOf(parsed.error) };
  }
  const message = parsed.data;
  const { messageID: id, redelivered, messageType, data, brokerInTime } = message;
  const unusable = (reason: ParkingReason, detail: string, bytes: Uint8Array): Decoded => {
    return { id, bytes, redelivered, kind: 'unusable', reason, detail };
  };
  if (!z.base64().safeParse(data).success) return unusable('not-base64', 'the body is no base64', Buffer.from(data));
  const bytes = Buffer.from(data, 'base64');
  if (!isOneOf(messageTypes, messageType)) return unusable('unknown-type', messageType, bytes);
  if (bytes.length > maxMessageBytes) {
    return unusable('too-large', `${bytes.length} bytes; a message has at most ${maxMessageBytes}`, bytes);
  }
  const text = utf8(bytes);
  const json = text === undefined ? undefined : parseJson(text);
  if (json === undefined) {
    return unusable('not-a-reading', text === undefined ? 'the body is not UTF-8' : 'the body is not JSON', bytes);
  }
  const reading = readingMessage.safeParse(json);
  if (!reading.success) return unusable('bad-schema', issueOf(reading.error), bytes);
  const row = rowOfReading(reading.data, expiryOf(brokerInTime, keepDays));
  if (row.kind !== 'row') return unusable(row.kind, row.detail, bytes);
  const { item, atMs } = row;
  return { id, bytes, redelivered, kind: 'reading', reading: { item, atMs, arrival: arrivalOf(message) } };
}

/** As a parked record. */
export function parkedFor({ id, bytes }: Decoded, reason: ParkingReason, detail: string): ParkedRecord {
  return { id, bytes, reason, detail };
}

/**
 * When its sender made it, as the broker's own instant is a new one once the message is moved back from the dead letters;
 * but no later than the broker took it, so that no clock that is ahead puts a message before all that follow. A name ends
 * with its sender's count, which is padded so that ten comes after nine in text order too.
 */
function arrivalOf({ timestamp = 0, brokerInTime, messageID }: MqMessage): string {
  const madeMs = timestamp === 0 ? brokerInTime : Math.min(timestamp, brokerInTime);
  const counted = messageID.replace(/\d{1,20}$/, (digits) => digits.padStart(20, '0'));
  return `${new Date(madeMs).toISOString()} ${counted}`;
}

function isOneOf<T extends string>(values: readonly T[], text: string): boolean {
  return values.some((value) => value === text);
}

function issueOf(error: z.ZodError): string {
  const [issue] = error.issues;
  return `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`;
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
