import type { ParkedRecord } from '../shared/parked-record.ts';
import type { ClaimCheck, ItemRow, PackedItem, PackMessage, ParkingReason } from './contract.ts';
import { unpack } from './unpack.ts';

export interface StorePorts {
  /** The item that a claim check names; undefined where the object is gone or another one. @throws what a retry may cure */
  large: { get(claim: ClaimCheck): Promise<string | undefined> };
  /** Writes each row, whether it is there or not. @throws what a retry may cure */
  items: { put(rows: readonly ItemRow[]): Promise<void> };
  /** @throws what a retry may cure */
  parking: { park(records: readonly ParkedRecord[]): Promise<void> };
}

export interface StoredBatch {
  items: number;
  parked: ParkedRecord[];
  /** What SQS sends again. */
  batchItemFailures: { itemIdentifier: string }[];
  /** What they failed with. */
  errors: unknown[];
}

/** Messages into rows, an item each. A message that fails comes again alone; writing it twice changes nothing. */
export async function storeMessages(messages: readonly PackMessage[], ports: StorePorts): Promise<StoredBatch> {
  const batch: StoredBatch = { items: 0, parked: [], batchItemFailures: [], errors: [] };
  for (const message of messages) {
    try {
      const held = await itemsOf(message, ports);
      if ('reason' in held) {
        const { messageId: id, body } = message;
        const parked = { id, ...held, bytes: Buffer.from(body) };
        await ports.parking.park([parked]);
        batch.parked.push(parked);
      } else {
        await ports.items.put(held.items.map((item) => rowOf(item, message.routingKey)));
        batch.items += held.items.length;
      }
    } catch (error) {
      batch.errors.push(error);
      batch.batchItemFailures.push({ itemIdentifier: message.messageId });
    }
  }
  return batch;
}

type Held = { items: readonly PackedItem[] } | { reason: ParkingReason; detail: string };

async function itemsOf({ body }: PackMessage, { large }: StorePorts): Promise<Held> {
  const unpacked = unpack(body);
  if (unpacked.kind === 'items') return unpacked;
  if (unpacked.kind === 'unusable') return { reason: unpacked.reason, detail: unpacked.detail };
  const { bucket, key, etag } = unpacked.claim.s3;
  const text = await large.get(unpacked.claim);
  if (text === undefined) return { reason: 'claim-lost', detail: `no object ${key} of ${bucket} with the tag ${etag}` };
  const claimed = unpack(text);
  if (claimed.kind === 'items') return claimed;
  return { reason: 'claim-lost', detail: `the object ${key} of ${bucket} holds no item` };
}

function rowOf({ id, value }: PackedItem, routingKey: string): ItemRow {
  return { id, value: JSON.stringify(value ?? null), routingKey };
}
