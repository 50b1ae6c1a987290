import { z } from 'zod';
import { type ApiKey, hashOf, monthOf, parseApiKey } from './api-key.ts';
import type { PlanName } from './contract.ts';

/** What API Gateway asks an authoriser (type REQUEST). */
export const authoriserEvent = z.object({
  methodArn: z.string().min(1),
  headers: z.record(z.string(), z.string()).nullish(),
});

/** The rows that keys belong to. */
export interface PresentedKeys {
  /**
   * Counts a request of a key that has this hash, is not revoked, and whose slot has requests of the month left, in one write.
   * @returns its plan; undefined where there is no such key, or its month is used up.
   */
  count(key: Pick<ApiKey, 'account' | 'slot'>, hash: string, month: string): Promise<PlanName | undefined>;
}

export interface AuthoriserAnswer {
  principalId: string;
  policyDocument: {
    Version: '2012-10-17';
    Statement: [{ Effect: 'Allow' | 'Deny'; Action: 'execute-api:Invoke'; Resource: string }];
  };
  context: Record<string, string>;
  /** The key of the usage plan that the request counts for. */
  usageIdentifierKey?: string;
}

/**
 * Whether the key in `x-api-key` may call the route. Asked for each request, as nothing is cached: what is revoked is
 * refused from the next request on.
 */
export async function authorise(event: unknown, keys: PresentedKeys, now: Date): Promise<AuthoriserAnswer> {
  const { methodArn, headers } = authoriserEvent.parse(event);
  const presented = Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === 'x-api-key')?.[1];
  const key = parseApiKey(presented);
  if (key === undefined) return answer('nobody', 'Deny', methodArn);
  const hash = hashOf(key.text);
  const plan = await keys.count(key, hash, monthOf(now));
  const keyId = `${key.account}.${key.slot}`;
  if (plan === undefined) return answer(keyId, 'Deny', methodArn);
  return { ...answer(keyId, 'Allow', methodArn), context: { keyId, plan }, usageIdentifierKey: hash };
}

function answer(principalId: string, Effect: 'Allow' | 'Deny', Resource: string): AuthoriserAnswer {
  return {
    principalId,
    policyDocument: { Version: '2012-10-17', Statement: [{ Effect, Action: 'execute-api:Invoke', Resource }] },
    context: {},
  };
}
