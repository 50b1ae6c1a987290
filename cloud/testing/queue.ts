import { DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { z } from 'zod';
import { client } from './clients.ts';

/** A test's view of a queue that nobody consumes: each call takes what lies in it, and answers all that was taken so far. */
export function takeMessages<S extends z.ZodType>(QueueUrl: string, schema: S): () => Promise<readonly z.output<S>[]> {
  const taken: z.output<S>[] = [];
  return async () => {
    const sqs = client(SQSClient);
    for (;;) {
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
      if (Messages.length === 0) return taken;
      for (const { Body = '', ReceiptHandle } of Messages) {
        taken.push(schema.parse(JSON.parse(Body)));
        await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
      }
    }
  };
}
