import { createHash } from 'node:crypto';

/** A record that can never succeed. */
export interface ParkedRecord {
  /** Where it was: event id of a stream record, message id of a queue. The same record has the same id when it comes again. */
  id: string;
  /** Why, in a word of the room's closed list: `not-json`, `bad-schema`. */
  reason: string;
  /** What exactly, for people. */
  detail: string;
  /** As they came. */
  bytes: Uint8Array;
  /** How many records it stands for, where it names what holds them instead of being one of them. */
  records?: number;
}

/** More is cut, as SQS takes 1 MiB a request; the digest and the size are those of the whole. */
const largestBytes = 700_000;
const largestDetail = 1_000;

/** What JSON does not escape and SQS does not take: it would refuse the record for the words of who sent it. */
const notXml = /[\ufffe\uffff]/g;

/** Body of a parked message, for people and for the tools that put its record back: JSON with the bytes in base64. */
export function parkedBody({ id, reason, detail, bytes, records }: ParkedRecord): string {
  const body = JSON.stringify({
    id,
    reason,
    detail: detail.slice(0, largestDetail),
    ...(records === undefined ? {} : { records }),
    size: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    data: Buffer.from(bytes.subarray(0, largestBytes)).toString('base64'),
  });
  return body.replaceAll(notXml, (character) => `\\u${character.charCodeAt(0).toString(16)}`);
}
