import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { expect } from 'vitest';
import { z } from 'zod';
import { client } from './clients.ts';
import { eventually } from './eventually.ts';
import { statementsOf, withoutStatement } from './roles.ts';

export interface FailingConsumer {
  queueUrl: string;
  functionName: string;
  /** What the function is not allowed for the while, so that it fails. */
  without: string;
}

/**
 * Sends something to a consumer that fails on it, until it lies in the dead letters of its queue; answers the bodies of
 * what lies there, and after how many receives. A message is there again after a second meanwhile, so that the last receive is not minutes away.
 * No other test may use queue and function.
 */
export async function deadLettersAfter(
  { queueUrl, functionName, without }: FailingConsumer,
  send: () => Promise<unknown>,
): Promise<{ bodies: string[]; receives: number }> {
  const { Role } = await client(LambdaClient).send(new GetFunctionConfigurationCommand({ FunctionName: functionName }));
  const role = Role?.split('/').at(-1) ?? '';
  const statement = (await statementsOf(role)).find(({ actions }) => actions.includes(without));
  if (statement === undefined) throw new Error(`${functionName} has no right ${without} that could be taken away`);
  const { deadLettersUrl, receives } = await redriveOf(queueUrl);
  const bodies = await retryingSoon(queueUrl, () =>
    withoutStatement(role, statement, async () => {
      await send();
      return eventually(
        async () => {
          const taken = await peek(deadLettersUrl);
          expect(taken).not.toEqual([]);
          return taken;
        },
        { limitMs: 40_000 },
      );
    }),
  );
  return { bodies, receives };
}

const redrivePolicy = z.object({ deadLetterTargetArn: z.string(), maxReceiveCount: z.coerce.number() });

async function redriveOf(QueueUrl: string): Promise<{ deadLettersUrl: string; receives: number }> {
  const sqs = client(SQSClient);
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['RedrivePolicy'] }));
  const policy = redrivePolicy.parse(JSON.parse(Attributes?.RedrivePolicy ?? '{}'));
  const QueueName = policy.deadLetterTargetArn.split(':').at(-1);
  const found = await sqs.send(new GetQueueUrlCommand({ QueueName }));
  return { deadLettersUrl: z.string().parse(found.QueueUrl), receives: policy.maxReceiveCount };
}

async function peek(QueueUrl: string): Promise<string[]> {
  const { Messages = [] } = await client(SQSClient).send(
    new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 0 }),
  );
  return Messages.map(({ Body = '' }) => Body);
}

async function retryingSoon<T>(QueueUrl: string, work: () => Promise<T>): Promise<T> {
  const sqs = client(SQSClient);
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['VisibilityTimeout'] }),
  );
  const visibleAfter = (VisibilityTimeout = '30') =>
    sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { VisibilityTimeout } }));
  await visibleAfter('1');
  try {
    return await work();
  } finally {
    await visibleAfter(Attributes?.VisibilityTimeout);
  }
}
