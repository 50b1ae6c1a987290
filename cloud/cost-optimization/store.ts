import type { ParkedRecord } from '../shared/parked-record.ts';
import {
  type ClaimCheck,
  type ItemRow,
  largestRow,
  type PackedItem,
  type PackMessage,
  type ParkingReason,
} from './contract.ts';
import { unpack } from './unpack.ts';

export interface StorePorts {
  /**
   * The item that a claim check names; undefined where the object is gone or another one, `too-large` where nobody should
   * read it.
   * @throws what a retry may cure
   */
  large: { get(claim: ClaimCheck): Promise<{ text: string } | 'too-large' | undefined> };
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

/**
 * Messages into rows, an item each. A message that fails comes again alone; writing it twice changes nothing. Of a message
 * with items that are larger than a row the others are stored, and it is parked for those.
 */
export async function storeMessages(messages: readonly PackMessage[], ports: StorePorts): Promise<StoredBatch> {
  const batch: StoredBatch = { items: 0, parked: [], batchItemFailures: [], errors: [] };
  for (const message of messages) {
    try {
      const { rows, unusable } = await heldBy(message, ports);
      await ports.items.put(rows);
      batch.items += rows.length;
      if (unusable !== undefined) {
        const { messageId: id, body } = message;
        const parked = { id, ...unusable, bytes: Buffer.from(body) };
        await ports.parking.park([parked]);
        batch.parked.push(parked);
      }
    } catch (error) {
      batch.errors.push(error);
      batch.batchItemFailures.push({ itemIdentifier: message.messageId });
    }
  }
  return batch;
}

interface Unusable {
  reason: ParkingReason;
  detail: string;
}

async function heldBy(
  message: PackMessage,
  ports: StorePorts,
): Promise<{ rows: readonly ItemRow[]; unusable?: Unusable }> {
  const { routingKey } = message;
  if (routingKey === undefined) {
    return { rows: [], unusable: { reason: 'no-routing-key', detail: 'the message has no attribute routingKey' } };
  }
  const held = await itemsOf(message, ports);
  if ('reason' in held) return { rows: [], unusable: held };
  const rows = held.items.map((item) => rowOf(item, routingKey));
  const tooLarge = rows.filter((row) => sizeOf(row) > largestRow).map(({ id }) => id);
  if (tooLarge.length === 0) return { rows };
  return {
    rows: rows.filter((row) => sizeOf(row) <= largestRow),
    unusable: { reason: 'too-large', detail: `larger than ${largestRow} bytes: ${tooLarge.join(', ')}` },
  };
}

/** As DynamoDB counts: names and values, UTF-8. */
function sizeOf(row: ItemRow): number {
  return Object.entries(row).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value),
    0,
  );
}

type Held = { items: readonly PackedItem[] } | Unusable;

async function itemsOf({ body }: PackMessage, { large }: StorePorts): Promise<Held> {
  const unpacked = unpack(body);
  if (unpacked.kind === 'items') return unpacked;
  if (unpacked.kind === 'unusable') return { reason: unpacked.reason, detail: unpacked.detail };
  const { bucket, key, etag } = unpacked.claim.s3;
  const object = await large.get(unpacked.claim);
  if (object === undefined) {
    return { reason: 'claim-lost', detail: `no object ${key} of ${bucket} with the tag ${etag}` };
  }
  if (object === 'too-large') return { reason: 'too-large', detail: `the object ${key} of ${bucket} is no item` };
  const claimed = unpack(object.text);
  if (claimed.kind === 'items') return claimed;
  if (claimed.kind === 'unusable' && claimed.reason === 'too-large') {
    return { reason: 'too-large', detail: `the object ${key} of ${bucket}: ${claimed.detail}` };
  }
  return { reason: 'claim-lost', detail: `the object ${key} of ${bucket} holds no item` };
}

function rowOf({ id, value }: PackedItem, routingKey: string): ItemRow {
  return { id, value: JSON.stringify(value ?? null), routingKey };
}
