import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import { parseJson } from '../shared/domain-event.ts';
import { type ClaimCheck, claimCheck, type PackedItem, type ParkingReason, pack, packedItem } from './contract.ts';

/** What a message holds. */
export type Unpacked =
  | { kind: 'items'; items: readonly PackedItem[] }
  /** One item, which lies in S3. */
  | { kind: 'claim'; claim: ClaimCheck }
  | { kind: 'unusable'; reason: ParkingReason; detail: string };

/** A pack of 64 KB does not hold more; what does is a bomb. */
const largestItems = 16 * 1_024 * 1_024;

/** Takes packs, single items of senders that do not pack, and claim checks. Never throws. */
export function unpack(body: string): Unpacked {
  const json = parseJson(body);
  if (json === undefined) return { kind: 'unusable', reason: 'not-json', detail: 'the message is not JSON' };
  const single = packedItem.safeParse(json);
  if (single.success) return { kind: 'items', items: [single.data] };
  const claim = claimCheck.safeParse(json);
  if (claim.success) return { kind: 'claim', claim: claim.data };
  const claimsToBePack = typeof json === 'object' && json !== null && ('codec' in json || 'v' in json);
  if (!claimsToBePack) return { kind: 'unusable', reason: 'bad-schema', detail: 'neither pack, item nor claim check' };
  const parsed = pack.safeParse(json);
  if (!parsed.success) return corrupt(z.prettifyError(parsed.error));
  const items = parsed.data.codec === 'none' ? parsed.data.items : gunzippedItems(parsed.data.data);
  if (typeof items === 'string') return corrupt(items);
  if (items.length !== parsed.data.n) return corrupt(`it says ${parsed.data.n} items and has ${items.length}`);
  return { kind: 'items', items };
}

/** The items, or what is wrong with the data. */
function gunzippedItems(data: string): PackedItem[] | string {
  let text: string;
  try {
    text = gunzipSync(Buffer.from(data, 'base64'), { maxOutputLength: largestItems }).toString();
  } catch (error) {
    return `its data is no gzip of at most ${largestItems} bytes: ${error instanceof Error ? error.message : 'unknown'}`;
  }
  const items = z.array(packedItem).safeParse(parseJson(text));
  return items.success ? items.data : 'its data is no list of items';
}

function corrupt(detail: string): Unpacked {
  return { kind: 'unusable', reason: 'corrupt-pack', detail };
}
