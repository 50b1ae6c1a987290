import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { calledFrom } from './call.ts';
import { type CallAnswer, callLimits, callRequest } from './contract.ts';

const { TARGET_ARN } = readEnvironment(z.object({ TARGET_ARN: z.string().startsWith('arn:') }));
// Without a way to the endpoint there is no connection at all.
const { tries: maxAttempts, connectMs: connectionTimeout, answerMs } = callLimits;
const lambda = new LambdaClient({
  maxAttempts,
  requestHandler: { connectionTimeout, requestTimeout: answerMs, throwOnRequestTimeout: true },
});

/**
 * Calls another function from a network without the Internet: by the endpoint, whose name is Lambda's own in there.
 * @throws z.ZodError where the request is none; Error where the call is denied, nobody answers, or the function failed
 */
export async function handler(event: unknown): Promise<CallAnswer> {
  const request = callRequest.parse(event);
  const { FunctionError, Payload = new Uint8Array() } = await lambda.send(
    new InvokeCommand({ FunctionName: TARGET_ARN, Payload: JSON.stringify(request) }),
  );
  const called = calledFrom({ functionError: FunctionError, payload: Payload }, TARGET_ARN);
  if (called.kind === 'answer') return called.answer;
  throw new Error(called.sentence);
}
