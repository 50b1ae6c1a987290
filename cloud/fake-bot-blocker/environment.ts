import { z } from 'zod';
import { parseRange } from './address.ts';
import { crawlersCalled } from './crawlers.ts';

const list = z.string().transform((text) => text.split(',').filter((item) => item !== ''));
const ranges = list.refine(
  (all) => all.every((one) => parseRange(one) !== undefined),
  'has something that is no range',
);
const ipSet = z.object({ name: z.string(), id: z.string() });

/** Environment of both functions. */
export const blockerEnvironment = z.object({
  TABLE_NAME: z.string(),
  SCOPE: z.enum(['CLOUDFRONT', 'REGIONAL']),
  /** JSON */
  IP_SETS: z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(z.object({ ipv4: ipSet, ipv6: ipSet })),
  /** Never blocked. */
  ALLOW_CIDRS: ranges,
  TTL_DAYS: z.coerce.number().positive(),
});

/** Environment of the function behind Firehose. */
export const transformEnvironment = blockerEnvironment.extend({
  CRAWLERS: list.transform(crawlersCalled),
  DNS_SERVERS: list,
  DNS_TIMEOUT_MS: z.coerce.number().int().min(1),
});
