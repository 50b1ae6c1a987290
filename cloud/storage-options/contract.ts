import { z } from 'zod';

/** Types that a stack may allow; what else a decoder knows is never let in. */
export const pictureType = z.enum(['image/jpeg', 'image/png']);
export type PictureType = z.infer<typeof pictureType>;

export const pictureId = z.uuid().describe('Names the picture, its objects and its events.');

/** As ServiceNow has it: `correlationId` of `device/anomaly/identity.ts`, which says device, metric and rule. */
export const correlationKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,100}$/)
  .describe('`correlation_id` of the incident that the picture is for.');

/** Body of `POST /pictures`. */
export const newPicture = z.strictObject({
  correlationId: correlationKey,
  contentType: pictureType.describe('What the file is, and what the upload has to say that it is.'),
  bytes: z.int().min(1).max(1_000_000_000).describe('Exact size of the file; an upload of another size is refused.'),
});

/** Body of its 201: where the file goes, once, by `PUT` with these headers. */
export const uploadOffer = z.object({
  id: pictureId,
  uploadUrl: z.url(),
  headers: z.record(z.string(), z.string()).describe('Part of the signature: send exactly these.'),
  expiresAt: z.iso.datetime().describe('The upload has to begin before.'),
});

/** Why a picture is not shown. The first two are the words of the post. */
export const failureReason = z.enum([
  'IMAGE_TOO_SMALL',
  'UNSUPPORTED_TYPE',
  /** More bytes than are taken; seen before anything is downloaded. */
  'FILE_TOO_LARGE',
  /** More pixels than are decoded: a decompression bomb, or a camera of another league. */
  'TOO_MANY_PIXELS',
  /** It cannot be decoded, or not within its time and memory. */
  'CORRUPT_IMAGE',
]);
export type FailureReason = z.infer<typeof failureReason>;

const times = { createdAt: z.iso.datetime(), concludedAt: z.iso.datetime() };
const about = { id: pictureId, correlationId: correlationKey, contentType: pictureType, bytes: z.int().min(1) };

/** A picture as the table has it, by its `status`. */
export const picture = z.discriminatedUnion('status', [
  z.object({ ...about, status: z.literal('PENDING_UPLOAD'), createdAt: times.createdAt }),
  z.object({
    ...{ ...about, ...times, status: z.literal('PROCESSED') },
    width: z.int().min(1),
    height: z.int().min(1),
  }),
  z.object({ ...about, ...times, status: z.literal('FAILED'), reason: failureReason, reasonDetail: z.string() }),
]);
export type Picture = z.infer<typeof picture>;
export type PendingPicture = Extract<Picture, { status: 'PENDING_UPLOAD' }>;
export type ConcludedPicture = Exclude<Picture, { status: 'PENDING_UPLOAD' }>;

/** Index of the table: the pictures of an incident, by the instant of their offer. */
export const incidentIndex = 'incident';
/** Attribute that DynamoDB's time to live looks at, epoch seconds. */
export const timeToLiveField = 'expiresAt';

/** Where a list goes on: behind this picture of the incident. */
export const listPlace = z.strictObject({ createdAt: z.string().min(1), id: z.string().min(1) });
export type ListPlace = z.infer<typeof listPlace>;

/** `next` of a list as it travels: opaque to who sends it back. */
export const listCursor = z
  .string()
  .max(5_000)
  .transform((text, context): unknown => {
    try {
      return JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    } catch {
      context.addIssue('It is not the `next` of an answer.');
      return z.NEVER;
    }
  })
  .pipe(listPlace);
export const cursorOf = (place: ListPlace): string => Buffer.from(JSON.stringify(place)).toString('base64url');

/**
 * Body of `GET /pictures?correlationId=…&next=…`: newest first, those of one incident: at most 50 that are concluded, at most 50 that
 * are not.
 */
export const pictureList = z.object({
  next: z.string().optional().describe('There is more: ask again with it. Absent in the last answer.'),
  pictures: z.array(
    z.object({
      picture,
      links: z
        .object({ tile: z.url(), scaled: z.url(), exif: z.url() })
        .optional()
        .describe('Of what is PROCESSED, for five minutes each.'),
    }),
  ),
});

/** `source` of the events. */
export const eventSource = 'greengrass-itsm.pictures';
export const eventTypes = { PROCESSED: 'PictureProcessed', FAILED: 'PictureFailed' } as const;

/** `detail` of an event. EventBridge delivers at least once: `eventId` tells a copy, and a picture has one event. */
export const eventDetail = z.object({ eventId: pictureId, picture });

/** Where things lie. A key follows from the id, so that whatever is done twice lies in the same place. */
export const originals = 'originals/';
export const archives = 'archives/';
export const originalKey = (id: string): string => `${originals}${id}`;
export const derivedKeys = (id: string) => ({
  tile: `pictures/${id}-tile.jpg`,
  scaled: `pictures/${id}-scaled.jpg`,
  exif: `pictures/${id}-exif.json`,
});

/** What EventBridge says of a new object, as far as it is read. */
export const uploadEvent = z.object({
  id: z.string(),
  detail: z.object({ object: z.object({ key: z.string().startsWith(originals).max(1_024) }) }),
});

/** What goes from state to state of the workflow. */
export const checkedUpload = z.object({
  outcome: z.literal('valid'),
  id: pictureId,
  /** Of the object that was looked at: another one under its key is another upload. */
  etag: z.string().min(1),
  contentType: pictureType,
});
export type CheckedUpload = z.infer<typeof checkedUpload>;

const refusal = z.object({
  outcome: z.literal('refused'),
  id: pictureId,
  reason: failureReason,
  reasonDetail: z.string().max(500),
});
export type Refusal = z.infer<typeof refusal>;

/** What `Publish` is told: the end of a picture, good or bad. */
export const conclusion = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('resized'),
    id: pictureId,
    width: z.int().min(1),
    height: z.int().min(1),
  }),
  refusal,
]);
export type Conclusion = z.infer<typeof conclusion>;

/** Nothing is left to do: it is concluded, parked, or its object is gone. */
export interface Settled {
  outcome: 'settled';
  why: 'concluded' | 'parked' | 'gone';
}

/** Why an upload can never be a picture of an incident. */
export const parkingReasons = [
  /** No event of S3 about an original. */
  'bad-schema',
  /** Its key was never offered, or its offer has ended (`offerDays`). */
  'not-offered',
] as const;
export type ParkingReason = (typeof parkingReasons)[number];

/** What the demonstration of `/tmp` is asked: an archive of the uploads bucket. */
export const unzipRequest = z.object({
  key: z
    .string()
    .regex(/^archives\/[\w.-]{1,200}\.zip$/)
    .describe('`archives/<name>.zip`'),
});

/** What the demonstration of EFS is asked. */
export const logRequest = z.discriminatedUnion('do', [
  z.object({
    do: z.literal('append'),
    entries: z
      .array(z.object({ id: z.string().min(1).max(100), text: z.string().max(10_000) }))
      .min(1)
      .max(100),
  }),
  z.object({
    do: z.literal('read'),
    day: z.iso.date(),
    limit: z.int().min(1).max(1_000).default(100),
    /** Entries that an earlier answer had, of one that says there is `more`. */
    after: z.int().min(0).default(0),
  }),
]);
