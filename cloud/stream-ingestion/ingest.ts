import type { StreamRecord } from '../shared/kinesis-event.ts';
import type { ParkedRecord } from '../shared/parked-record.ts';
import type { ReadingItem } from './contract.ts';
import { type DecodeSettings, decode } from './decode.ts';

/** One row to write, and the first record that asked for it. */
export interface Write {
  item: ReadingItem;
  /** Where to begin again if the row cannot be written. */
  sequenceNumber: string;
}

export interface BatchPlan {
  /** One for each key: of two records with one key the later one is written. */
  writes: readonly Write[];
  parked: readonly ParkedRecord[];
  /** Instant of the newest reading, epoch ms; undefined where the batch has none. */
  newestMs: number | undefined;
}

/** What is to be done with a batch of one shard, in its order. */
export function planBatch(records: readonly StreamRecord[], settings: DecodeSettings): BatchPlan {
  const writes = new Map<string, Write>();
  const parked: ParkedRecord[] = [];
  let newestMs: number | undefined;
  for (const record of records) {
    const decoded = decode(record, settings);
    if (decoded.kind === 'parked') {
      const { reason, detail, bytes } = decoded;
      parked.push({ id: record.eventId, reason, detail, bytes });
      continue;
    }
    const { item, atMs } = decoded;
    const key = itemKey(item);
    const first = writes.get(key)?.sequenceNumber ?? record.sequenceNumber;
    writes.set(key, { item, sequenceNumber: first });
    newestMs = Math.max(newestMs ?? atMs, atMs);
  }
  return { writes: [...writes.values()], parked, newestMs };
}

/** Unique for each row: no name has a control character. */
export function itemKey({ partitionKey, timestamp }: Pick<ReadingItem, 'partitionKey' | 'timestamp'>): string {
  return `${partitionKey}\n${timestamp}`;
}

/**
 * What Lambda is told of rows that could not be written: to begin again at the first record of any of them. What comes
 * after it is written twice, which changes nothing, as the order is kept.
 */
export function batchItemFailures(unwritten: readonly Write[]): { itemIdentifier: string }[] {
  const [first] = unwritten
    .map(({ sequenceNumber }) => sequenceNumber)
    .toSorted((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
  return first === undefined ? [] : [{ itemIdentifier: first }];
}
