import { SetTopicAttributesCommand, SNSClient } from '@aws-sdk/client-sns';
import { account, client } from './clients.ts';

/**
 * The local account makes a topic of a template without the property that makes it FIFO, so it would publish an event
 * twice that comes twice. This sets it; AWS has it already, and would refuse.
 */
export async function completeFifoTopic(TopicArn: string): Promise<void> {
  if (!account.isLocal) return;
  await client(SNSClient).send(
    new SetTopicAttributesCommand({ TopicArn, AttributeName: 'FifoTopic', AttributeValue: 'true' }),
  );
}
