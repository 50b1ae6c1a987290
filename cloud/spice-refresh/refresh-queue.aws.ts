import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { RefreshPorts } from './refresh.ts';

/** SQS delays a message by so much at most. */
const longestDelaySeconds = 900;

export function createRefreshQueue(sqs: Pick<SQSClient, 'send'>, QueueUrl: string): RefreshPorts['queue'] {
  return {
    async send(request, delayMs) {
      const DelaySeconds = Math.min(longestDelaySeconds, Math.ceil(Math.max(0, delayMs) / 1_000));
      await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(request), DelaySeconds }));
    },
  };
}
