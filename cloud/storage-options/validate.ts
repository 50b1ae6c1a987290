import {
  type CheckedUpload,
  originalKey,
  originals,
  type ParkingReason,
  type PictureType,
  pictureId,
  type Refusal,
  type Settled,
  uploadEvent,
} from './contract.ts';
import type { PictureRow } from './pictures-table.aws.ts';

export interface ValidateRules {
  allowedTypes: readonly PictureType[];
  maxBytes: number;
}

/** What S3 says of an object without sending it. */
export interface ObjectHead {
  bytes: number;
  etag: string;
  contentType: string;
}

export interface ValidatePorts {
  find(id: string): Promise<PictureRow | undefined>;
  /** @returns undefined where there is no such object any more */
  head(key: string): Promise<ObjectHead | undefined>;
}

export type Validated =
  | CheckedUpload
  | Refusal
  | Settled
  | { outcome: 'park'; id: string; reason: ParkingReason; detail: string };

/**
 * What becomes of an upload, seen by its head alone: nothing of it is downloaded before.
 *
 * | the event | its row | its object | then |
 * |---|---|---|---|
 * | none of an original | – | – | park: bad-schema |
 * | of a key | none | – | park: not-offered |
 * | of a key | concluded and told | – | settled |
 * | of a key | pending, or concluded and not told | gone | settled |
 * | of a key | pending, or concluded and not told | too large, or of another type | refused |
 * | of a key | pending, or concluded and not told | as offered | valid |
 *
 * What is concluded and not told goes through once more: the same bytes come to the same conclusion, and it is told then.
 */
export async function validate(event: unknown, rules: ValidateRules, ports: ValidatePorts): Promise<Validated> {
  const parsed = uploadEvent.safeParse(event);
  if (!parsed.success) {
    return {
      outcome: 'park',
      id: idOf(event),
      reason: 'bad-schema',
      detail: 'It is no event of S3 about an original.',
    };
  }
  const { id: eventId, detail } = parsed.data;
  const { key } = detail.object;
  const id = pictureId.safeParse(key.slice(originals.length));
  const row = id.success ? await ports.find(id.data) : undefined;
  if (!id.success || row === undefined) {
    return { outcome: 'park', id: eventId, reason: 'not-offered', detail: `Nobody was offered to upload ${key}.` };
  }
  if (row.picture.status !== 'PENDING_UPLOAD' && row.told) return { outcome: 'settled', why: 'concluded' };
  const head = await ports.head(originalKey(id.data));
  if (head === undefined) return { outcome: 'settled', why: 'gone' };
  const refuse = (reason: Refusal['reason'], reasonDetail: string): Refusal => ({
    ...{ outcome: 'refused', id: id.data, reason, reasonDetail: reasonDetail.slice(0, 500) },
  });
  if (head.bytes > rules.maxBytes) {
    return refuse('FILE_TOO_LARGE', `${head.bytes} bytes; at most ${rules.maxBytes} are taken.`);
  }
  const { contentType } = row.picture;
  if (head.contentType !== contentType || !rules.allowedTypes.includes(contentType)) {
    return refuse('UNSUPPORTED_TYPE', `The object says ${head.contentType}; offered was ${contentType}.`);
  }
  return { outcome: 'valid', id: id.data, etag: head.etag, contentType };
}

function idOf(event: unknown): string {
  const named = uploadEvent.pick({ id: true }).safeParse(event);
  return named.success ? named.data.id.slice(0, 100) : 'unknown';
}
