import { z } from 'zod';

/** An error of an AWS service, as all clients of the SDK throw it. */
const serviceError = z.object({ name: z.string(), $fault: z.enum(['client', 'server']) });
/** Refused now, not for good: the service is crowded, something is in use, or credentials have just ended. */
const passing = /Throttl|TooManyRequests|RequestLimitExceeded|InUse|ConcurrentModification|Expired|TimeTooSkewed/;

/** Whether a later try may have more luck: the service is crowded or away, or the connection broke. */
export function isCurable(error: unknown): boolean {
  const { data } = serviceError.safeParse(error);
  return data === undefined || data.$fault === 'server' || passing.test(data.name);
}
