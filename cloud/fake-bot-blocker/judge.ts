import type { Address } from './address.ts';
import type { Crawler } from './crawlers.ts';
import { type Answer, decide, decideByRanges, mostNames, namesOfCrawlers, type Verdict } from './decide.ts';
import type { Dns } from './dns.ts';

/** An address that says it is a crawler. */
export interface Suspect {
  address: Address;
  claims: readonly Crawler[];
}

export interface Judged extends Suspect {
  verdict: Verdict;
}

export interface JudgeOptions {
  dns: Dns;
  /** Suspects looked up at a time. */
  atOnce: number;
  /** Suspects looked up at all; the others stay undecided until they come again. */
  most: number;
  /** Epoch ms after which no further question is asked. */
  untilMs: number;
  now(): number;
}

/** Looks up each suspect, several at a time; in any order. */
export async function judge(suspects: readonly Suspect[], options: JudgeOptions): Promise<readonly Judged[]> {
  const { atOnce, most, untilMs, now } = options;
  const judged: Judged[] = suspects.slice(most).map((suspect) => ({ ...suspect, verdict: tooMany }));
  const waiting = suspects.slice(0, most).values();
  const work = async () => {
    for (const suspect of waiting) {
      const verdict = now() < untilMs ? await lookUp(suspect, options.dns) : tooLate;
      judged.push({ ...suspect, verdict });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return judged;
}

const tooMany: Verdict = { kind: 'undecided', why: 'too many addresses in one batch' };
const tooLate: Verdict = { kind: 'undecided', why: 'no time left for this batch' };

async function lookUp({ address, claims }: Suspect, dns: Dns): Promise<Verdict> {
  const byRanges = decideByRanges({ address, claims });
  if (byRanges !== undefined) return byRanges;
  const pointers = await dns.pointers(address);
  const names = pointers.kind === 'found' ? namesOfCrawlers(pointers.values, claims).slice(0, mostNames) : [];
  const forwards = await Promise.all(
    names.map(async (name): Promise<[string, Answer]> => [name, await dns.addresses(name, address.family)]),
  );
  return decide({ address, claims, pointers, forwards: new Map(forwards) });
}
