import { z } from 'zod';
import type { Address } from './address.ts';
import { blockRule, type FirehoseRecord, type TransformedRecord, wafLog } from './contract.ts';
import { type Crawler, claimedBy } from './crawlers.ts';
import type { Suspect } from './judge.ts';

export interface ReadRecords {
  /** One for each record, in order. */
  outputs: readonly TransformedRecord[];
  /** Each address that says it is a crawler, once. */
  suspects: readonly Suspect[];
  /** Records that are no log of WAF, and why. */
  unreadable: readonly { recordId: string; why: string }[];
}

/** What goes on to S3, and who is to be looked up. */
export function readRecords(
  records: readonly FirehoseRecord[],
  { crawlers, allows }: { crawlers: readonly Crawler[]; allows(address: Address): boolean },
): ReadRecords {
  const suspects = new Map<string, Suspect>();
  const unreadable: { recordId: string; why: string }[] = [];
  const outputs = records.map(({ recordId, data }): TransformedRecord => {
    const bytes = Buffer.from(data, 'base64');
    const log = parseLog(bytes);
    if (!log.ok) {
      unreadable.push({ recordId, why: log.why });
      return { recordId, result: 'ProcessingFailed', data };
    }
    const { address, claims } = suspectOf(log.request, crawlers);
    if (claims.length > 0 && !allows(address)) {
      const known = suspects.get(address.text)?.claims ?? [];
      suspects.set(address.text, { address, claims: [...new Set([...known, ...claims])] });
    }
    return { recordId, result: 'Ok', data: asLine(bytes).toString('base64') };
  });
  return { outputs, suspects: [...suspects.values()], unreadable };
}

function parseLog(bytes: Buffer): { ok: true; request: z.output<typeof wafLog> } | { ok: false; why: string } {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString());
  } catch {
    return { ok: false, why: 'it is not JSON' };
  }
  const parsed = wafLog.safeParse(json);
  return parsed.success ? { ok: true, request: parsed.data } : { ok: false, why: z.prettifyError(parsed.error) };
}

/** Who has sent a request, and whom it said to be: nobody of interest, where it was stopped already. */
function suspectOf({ terminatingRuleId, httpRequest }: z.output<typeof wafLog>, crawlers: readonly Crawler[]): Suspect {
  const { clientIp: address, headers } = httpRequest;
  if (terminatingRuleId === blockRule) return { address, claims: [] };
  const claims = headers
    .filter(({ name }) => name.toLowerCase() === 'user-agent')
    .flatMap(({ value }) => claimedBy(value, crawlers));
  return { address, claims };
}

/** The same JSON in one line that ends: a break within it can only lie between two of its signs, never in a text. */
function asLine(bytes: Buffer): Buffer {
  const line = Buffer.from(
    bytes
      .toString('latin1')
      .trimEnd()
      .replaceAll(/[\r\n]/g, ' '),
    'latin1',
  );
  return Buffer.concat([line, Buffer.from('\n')]);
}
