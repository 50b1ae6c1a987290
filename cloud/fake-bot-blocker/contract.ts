import { z } from 'zod';
import { parseAddress, parseRange } from './address.ts';
import { crawlersCalled } from './crawlers.ts';

/** Name of the web ACL's rule, which the log of each request that it stopped has. */
export const blockRule = 'BlockFakeBots';

/** Addresses that an IP set holds; a quota of WAF. */
export const mostBlocked = 10_000;

/** Index of the table of blocked addresses, by instant. */
export const newestIndex = 'newest';

/** What Firehose calls a function with (Amazon Data Firehose developer guide, "Data transformation"). */
export const firehoseEvent = z.object({
  records: z.array(z.object({ recordId: z.string(), data: z.string().describe('base64') })),
});
export type FirehoseRecord = z.infer<typeof firehoseEvent>['records'][number];

/** What it takes back: each record under its own id, in any order. */
export interface TransformedRecord {
  recordId: string;
  /** `ProcessingFailed`: Firehose puts the original bytes and the id below `undelivered/processing-failed/`. */
  result: 'Ok' | 'ProcessingFailed';
  /** base64 */
  data: string;
}

/** One request in the log of WAF (AWS WAF developer guide, "Log fields"), as far as it is used. */
export const wafLog = z.object({
  terminatingRuleId: z.string().optional(),
  httpRequest: z.object({
    clientIp: z.string().transform((text, { addIssue }) => {
      const address = parseAddress(text);
      if (address !== undefined) return address;
      addIssue({ code: 'custom', message: 'is no address' });
      return z.NEVER;
    }),
    headers: z.array(z.object({ name: z.string(), value: z.string() })),
  }),
});

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
