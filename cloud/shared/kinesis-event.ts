import { z } from 'zod';

/** A record of a stream as a function gets it, with its bytes as they were put. */
export interface StreamRecord {
  /** Unique: shard and sequence number. */
  eventId: string;
  /** Its place in the shard, a decimal of up to 56 digits; what `batchItemFailures` names. */
  sequenceNumber: string;
  partitionKey: string;
  arrivedMs: number;
  bytes: Uint8Array;
}

const recordSchema = z
  .object({
    eventID: z.string(),
    kinesis: z.object({
      sequenceNumber: z.string().regex(/^\d+$/),
      partitionKey: z.string(),
      data: z.base64(),
      approximateArrivalTimestamp: z.number(),
    }),
  })
  .transform(
    ({ eventID, kinesis }): StreamRecord => ({
      eventId: eventID,
      sequenceNumber: kinesis.sequenceNumber,
      partitionKey: kinesis.partitionKey,
      arrivedMs: Math.round(kinesis.approximateArrivalTimestamp * 1_000),
      bytes: Buffer.from(kinesis.data, 'base64'),
    }),
  );

/** What Lambda sends for a batch of a Kinesis stream. */
export const kinesisEvent = z.object({ Records: z.array(recordSchema) });
