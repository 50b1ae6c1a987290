import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns';
import type { PublishedEvent } from './domain-event.ts';

/** The owner's side of a fan-out. */
export interface Publisher {
  /**
   * Publishes the events one after the other.
   * @throws the SDK's error at the first that the topic does not take; all from it on are unpublished.
   */
  publish(events: readonly PublishedEvent[]): Promise<void>;
}

export function createPublisher(sns: Pick<SNSClient, 'send'>, topicArn: string): Publisher {
  return {
    async publish(events) {
      for (const { id, groupId, eventType, subject, body } of events) {
        await sns.send(
          new PublishCommand({
            TopicArn: topicArn,
            Subject: subject,
            Message: body,
            MessageGroupId: groupId,
            MessageDeduplicationId: id,
            MessageAttributes: { eventType: { DataType: 'String', StringValue: eventType } },
          }),
        );
      }
    },
  };
}
