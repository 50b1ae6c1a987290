import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { type CallAnswer, callRequest } from './contract.ts';

const { AWS_LAMBDA_FUNCTION_VERSION } = readEnvironment(z.object({ AWS_LAMBDA_FUNCTION_VERSION: z.string() }));

/**
 * The function that is called: stands for whichever one a plant is to reach without the Internet.
 * @throws z.ZodError where the request is none
 */
export async function handler(event: unknown): Promise<CallAnswer> {
  const { deviceId } = callRequest.parse(event);
  return { deviceId, version: AWS_LAMBDA_FUNCTION_VERSION };
}
