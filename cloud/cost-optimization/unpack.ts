import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import { parseJson } from '../shared/domain-event.ts';
import {
  type ClaimCheck,
  claimCheck,
  largestUnpacked,
  mostItems,
  type PackedItem,
  type ParkingReason,
  pack,
  packedItem,
} from './contract.ts';

/** What a message holds. */
export type Unpacked =
  | { kind: 'items'; items: readonly PackedItem[] }
  /** One item, which lies in S3. */
  | { kind: 'claim'; claim: ClaimCheck }
  | { kind: 'unusable'; reason: ParkingReason; detail: string };

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
  if ('items' in json && hasTooMany(json.items)) return corrupt(tooMany);
  const parsed = pack.safeParse(json);
  if (!parsed.success) return corrupt(z.prettifyError(parsed.error));
  const items = parsed.data.codec === 'none' ? parsed.data.items : gunzippedItems(parsed.data.data);
  if (items === 'too-large') return tooLarge(`it unpacks to more than ${largestUnpacked} bytes`);
  if (typeof items === 'string') return corrupt(items);
  if (items.length !== parsed.data.n) return corrupt(`it says ${parsed.data.n} items and has ${items.length}`);
  return { kind: 'items', items };
}

/** The items, or what is wrong with the data. */
function gunzippedItems(data: string): PackedItem[] | string {
  let text: string;
  try {
    text = gunzipSync(Buffer.from(data, 'base64'), { maxOutputLength: largestUnpacked }).toString();
  } catch (error) {
    if (error instanceof RangeError) return 'too-large';
    return `its data is no gzip: ${error instanceof Error ? error.message : 'unknown'}`;
  }
  const json = parseJson(text);
  if (hasTooMany(json)) return tooMany;
  const items = z.array(packedItem).safeParse(json);
  return items.success ? items.data : 'its data is no list of items';
}

const tooMany = `it has more than ${mostItems} items`;

/** Asked before the schema is, which looks at each of them. */
function hasTooMany(items: unknown): boolean {
  return Array.isArray(items) && items.length > mostItems;
}

function tooLarge(detail: string): Unpacked {
  return { kind: 'unusable', reason: 'too-large', detail };
}

function corrupt(detail: string): Unpacked {
  return { kind: 'unusable', reason: 'corrupt-pack', detail };
}
