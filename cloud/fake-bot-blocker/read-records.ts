import { z } from 'zod';
import { type Address, parseAddress } from './address.ts';
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
    const read = readLog(bytes, crawlers);
    if (!read.ok) {
      unreadable.push({ recordId, why: read.why });
      return { recordId, result: 'ProcessingFailed', data };
    }
    const { address, claims } = read.suspect;
    if (claims.length > 0 && !allows(address)) {
      const known = suspects.get(address.text)?.claims ?? [];
      suspects.set(address.text, { address, claims: [...new Set([...known, ...claims])] });
    }
    return { recordId, result: 'Ok', data: asLine(bytes).toString('base64') };
  });
  return { outputs, suspects: [...suspects.values()], unreadable };
}

type ReadLog = { ok: true; suspect: Suspect } | { ok: false; why: string };

/** Who has sent a request, and whom it said to be: nobody of interest, where it was stopped already. */
function readLog(bytes: Buffer, crawlers: readonly Crawler[]): ReadLog {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString());
  } catch {
    return { ok: false, why: 'it is not JSON' };
  }
  const parsed = wafLog.safeParse(json);
  if (!parsed.success) return { ok: false, why: z.prettifyError(parsed.error) };
  const { terminatingRuleId, httpRequest } = parsed.data;
  const address = parseAddress(httpRequest.clientIp);
  if (address === undefined) return { ok: false, why: 'clientIp is no address' };
  const claims = httpRequest.headers
    .filter(({ name }) => name.toLowerCase() === 'user-agent')
    .flatMap(({ value }) => claimedBy(value, crawlers));
  return { ok: true, suspect: { address, claims: terminatingRuleId === blockRule ? [] : claims } };
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
