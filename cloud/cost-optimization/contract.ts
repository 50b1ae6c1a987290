import { z } from 'zod';

/** What SQS, SNS and EventBridge bill as one request, bytes. A larger message is several. */
export const billedBytes = 65_536;

/** The SNS attribute that says what a pack is about; filter policies choose by it. One value a pack. */
export const routingAttribute = 'routingKey';

/** Something to be sent: an id that says it once, and what it is. */
export const packedItem = z.object({
  id: z.string().min(1).max(256),
  value: z.unknown(),
});
export type PackedItem = z.infer<typeof packedItem>;

/** Where an item lies that is too large for a message. */
export const claimCheck = z.object({
  s3: z.object({ bucket: z.string().min(1), key: z.string().min(1), etag: z.string().min(1) }),
});
export type ClaimCheck = z.infer<typeof claimCheck>;

/** More items than that are not worth the memory of who unpacks them. */
export const mostItems = 10_000;

/** A pack holds no more, unzipped; nor does an object of a claim check. What does is a bomb, bytes. */
export const largestUnpacked = 16 * 1_024 * 1_024;

/** DynamoDB takes no larger row, bytes: names and values together. */
export const largestRow = 400 * 1_024;

const count = z.int().min(1).max(mostItems);

/** A message that holds several items. `data` is the same list of items as JSON, gzipped, in base64. */
export const pack = z.discriminatedUnion('codec', [
  z.object({ v: z.literal(1), codec: z.literal('none'), n: count, items: z.array(packedItem) }),
  z.object({ v: z.literal(1), codec: z.literal('gzip'), n: count, data: z.base64() }),
]);
export type Pack = z.infer<typeof pack>;

/** Why a message can never be used. */
export const parkingReasons = [
  /** Not JSON. */
  'not-json',
  /** It calls itself a pack, and cannot be unpacked: another version, a count that is wrong, data that is broken. */
  'corrupt-pack',
  /** Neither a pack nor an item nor a claim check. */
  'bad-schema',
  /** An item of it is larger than a row may be, or it unpacks to more than 16 MiB, or the object of its claim check is larger. */
  'too-large',
  /** It came without its routing key. */
  'no-routing-key',
  /** The object of a claim check is gone, or another one by now. */
  'claim-lost',
] as const;
export type ParkingReason = (typeof parkingReasons)[number];

/** A row of the table `Items`. Who sends an id again sends the same, so it is written again. */
export interface ItemRow {
  id: string;
  /** JSON. */
  value: string;
  routingKey: string;
}

/** What Lambda sends for a batch of the queue; attributes come along, as delivery is raw. */
export const packEvent = z.object({
  Records: z.array(
    z
      .object({
        messageId: z.string(),
        body: z.string(),
        // What somebody sends to the queue himself may lack it; its neighbours in the batch do not.
        messageAttributes: z
          .object({ [routingAttribute]: z.object({ stringValue: z.string().optional() }).optional() })
          .optional(),
      })
      .transform(({ messageId, body, messageAttributes }) => ({
        messageId,
        body,
        routingKey: messageAttributes?.[routingAttribute]?.stringValue,
      })),
  ),
});
export type PackMessage = z.infer<typeof packEvent>['Records'][number];
