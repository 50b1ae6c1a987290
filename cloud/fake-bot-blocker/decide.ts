import { type Address, parseAddress, withinRanges } from './address.ts';
import { type Crawler, rangesHoldDays } from './crawlers.ts';

/** What DNS says to one question. */
export type Answer =
  | { kind: 'found'; values: readonly string[] }
  /** There is no such name, or no such record of it: the owner of the zone has said so. */
  | { kind: 'none' }
  /** Nobody has said anything: no answer in time, a failing or refusing server, an answer that cannot be read. */
  | { kind: 'failed'; why: string };

/**
 * | what DNS says                                                       | verdict   |
 * |---------------------------------------------------------------------|-----------|
 * | the address has no name, or none in the domains of its crawler      | fake      |
 * | one such name has the address                                       | real      |
 * | all such names were looked up, and none has it                      | fake      |
 * | anything failed on the way, or there were more names than looked up | undecided |
 */
export type Verdict = { kind: 'real' } | { kind: 'fake'; why: string } | { kind: 'undecided'; why: string };

/** What an address was found to be by, without a further question. */
export interface Findings {
  address: Address;
  /** Those that it says it is. */
  claims: readonly Crawler[];
  /** Names of the address. */
  pointers: Answer;
  /** Addresses of those of its names that are in a domain of a claimed crawler. */
  forwards: ReadonlyMap<string, Answer>;
}

/** Names that are looked up for one address; crawlers have one. */
export const mostNames = 5;

/** Without DNS: by published ranges, or because nothing but those can prove the claim. An old list is no proof against anybody. */
export function decideByRanges(
  { address, claims }: Pick<Findings, 'address' | 'claims'>,
  nowMs: number,
): Verdict | undefined {
  const lists = claims.flatMap((crawler) => ('publishedRanges' in crawler ? [crawler] : []));
  if (withinRanges(lists.flatMap(({ publishedRanges }) => publishedRanges))(address)) return { kind: 'real' };
  if (claims.some((crawler) => 'ptrSuffixes' in crawler)) return undefined;
  const old = lists.find(({ asOf }) => nowMs > Date.parse(asOf) + rangesHoldDays * 86_400_000);
  return old === undefined
    ? { kind: 'fake', why: 'not in the published ranges' }
    : { kind: 'undecided', why: `not in the ranges of ${old.name}, which are of ${old.asOf}: too old` };
}

export function decide({ address, claims, pointers, forwards }: Findings): Verdict {
  if (pointers.kind === 'failed') return { kind: 'undecided', why: `its name: ${pointers.why}` };
  if (pointers.kind === 'none') return { kind: 'fake', why: 'it has no name' };
  const names = namesOfCrawlers(pointers.values, claims);
  if (names.length === 0) return { kind: 'fake', why: 'its name is in no domain of the crawler' };
  const answers = names.map((name) => forwards.get(name) ?? { kind: 'failed' as const, why: 'too many names' });
  if (answers.some((answer) => answer.kind === 'found' && answer.values.some((value) => isSame(value, address)))) {
    return { kind: 'real' };
  }
  const failed = answers.find((answer) => answer.kind === 'failed');
  return failed === undefined
    ? { kind: 'fake', why: 'its name belongs to another address' }
    : { kind: 'undecided', why: `the address of its name: ${failed.why}` };
}

/**
 * Of the names of an address those in a domain of a claimed crawler, each once: `crawl-1.googlebot.com`, and neither
 * `evilgooglebot.com` nor `googlebot.com.example`. A name is taken only if it is one of a host: DNS carries any bytes, also a
 * dot within a label, which is written `\.`.
 */
export function namesOfCrawlers(names: readonly string[], claims: readonly Crawler[]): readonly string[] {
  const domains = claims.flatMap((crawler) => ('ptrSuffixes' in crawler ? crawler.ptrSuffixes : []));
  const written = names.map((name) => name.toLowerCase().replace(/\.$/, ''));
  return [...new Set(written)].filter(
    (name) =>
      name.length <= 253 &&
      hostName.test(name) &&
      domains.some((domain) => name === domain || name.endsWith(`.${domain}`)),
  );
}

const hostName = /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z]{2,63}$/;

function isSame(value: string, address: Address): boolean {
  return parseAddress(value)?.text === address.text;
}
