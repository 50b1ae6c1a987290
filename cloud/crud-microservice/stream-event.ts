import { z } from 'zod';

const recordSchema = z
  .object({
    eventID: z.string(),
    eventName: z.enum(['INSERT', 'MODIFY', 'REMOVE']),
    dynamodb: z.object({
      SequenceNumber: z.string().regex(/^\d+$/),
      ApproximateCreationDateTime: z.number(),
      NewImage: z.unknown().optional(),
      OldImage: z.unknown().optional(),
    }),
  })
  .transform(({ eventID, eventName, dynamodb }) => ({
    eventId: eventID,
    change: eventName,
    /** Its place in the shard; what `batchItemFailures` names. */
    sequenceNumber: dynamodb.SequenceNumber,
    /** When DynamoDB wrote it, epoch ms; it knows seconds. */
    arrivedMs: Math.round(dynamodb.ApproximateCreationDateTime * 1_000),
    after: dynamodb.NewImage,
    before: dynamodb.OldImage,
  }));

/** A change of a row, with the row before and after it as DynamoDB writes them. */
export type RowChange = z.output<typeof recordSchema>;

/** What Lambda sends for a batch of a table's stream. */
export const tableStreamEvent = z.object({ Records: z.array(recordSchema) });
