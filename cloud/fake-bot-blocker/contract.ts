import { z } from 'zod';

/** Name of the web ACL's rule, which the log of each request that it stopped has. */
export const blockRule = 'BlockFakeBots';

/** Addresses that an IP set holds; a quota of WAF. */
export const mostBlocked = 10_000;

/**
 * Rows that a family takes in an hour: as many as its set holds. A flood pushes others out of the set no faster, and does not fill the
 * table: with an index of its own a partition has 10 GB, and a row stays for weeks.
 */
export const mostCaughtAnHour = 10_000;

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
    clientIp: z.string(),
    headers: z.array(z.object({ name: z.string(), value: z.string() })),
  }),
});
