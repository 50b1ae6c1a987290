import type { QueuedMessage } from './sqs-event.ts';

export interface Consumed {
  /** What SQS keeps and sends again. */
  batchItemFailures: { itemIdentifier: string }[];
  /** What the first message of each failed group failed with. */
  errors: unknown[];
}

/**
 * Takes messages of a FIFO queue one after the other. Where one fails, its followers of the same group fail with it, so
 * that none overtakes it; other groups go on.
 * @param take Fails by throwing, and only for what a retry can cure.
 */
export async function consumeInOrder<M extends Pick<QueuedMessage, 'messageId' | 'groupId'>>(
  messages: readonly M[],
  take: (message: M) => Promise<void>,
): Promise<Consumed> {
  const failedGroups = new Set<string>();
  const consumed: Consumed = { batchItemFailures: [], errors: [] };
  for (const message of messages) {
    if (!failedGroups.has(message.groupId)) {
      try {
        await take(message);
        continue;
      } catch (error) {
        failedGroups.add(message.groupId);
        consumed.errors.push(error);
      }
    }
    consumed.batchItemFailures.push({ itemIdentifier: message.messageId });
  }
  return consumed;
}
