import { z } from 'zod';

/** A message of a FIFO queue as a function gets it. */
export interface QueuedMessage {
  /** What `batchItemFailures` names; the same whenever the message comes again. */
  messageId: string;
  /** Messages of one group are in order, and one at a time. */
  groupId: string;
  body: string;
}

const messageSchema = z
  .object({
    messageId: z.string(),
    body: z.string(),
    attributes: z.object({ MessageGroupId: z.string() }),
  })
  .transform(
    ({ messageId, body, attributes }): QueuedMessage => ({ messageId, body, groupId: attributes.MessageGroupId }),
  );

/** What Lambda sends for a batch of a FIFO queue. */
export const sqsFifoEvent = z.object({ Records: z.array(messageSchema) });
