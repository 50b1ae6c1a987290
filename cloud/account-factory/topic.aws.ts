import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns';
import type { Notice } from './notices.ts';

/** Tells the topic. */
export function createNotify(sns: Pick<SNSClient, 'send'>, TopicArn: string): (notice: Notice) => Promise<void> {
  return async ({ subject, message }) => {
    // SNS takes printable ASCII on one line.
    const Subject = subject.replaceAll(/[^\x20-\x7e]/g, '?');
    await sns.send(new PublishCommand({ TopicArn, Subject, Message: message }));
  };
}
