import { type Address, networkOf } from './address.ts';
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
  /** What became of the questions about it; absent where none was asked. */
  dns?: 'answered' | 'failed';
}

export interface JudgeOptions {
  dns: Dns;
  /** Suspects looked up at a time. */
  atOnce: number;
  /** Suspects looked up at all; the others stay undecided until they come again. */
  most: number;
  /** Of these, suspects of one /24 or /64, as one sender may have all of it and a zone that never answers. */
  mostANetwork: number;
  /** Epoch ms after which no further question is asked. */
  untilMs: number;
  now(): number;
  random(): number;
}

/** Looks up each suspect, several at a time; in an order that no sender can choose, as time may end before all are looked up. */
export async function judge(suspects: readonly Suspect[], options: JudgeOptions): Promise<readonly Judged[]> {
  const { atOnce, most, mostANetwork, untilMs, now } = options;
  const ofNetwork = new Map<string, number>();
  const [chosen, left]: [Suspect[], Suspect[]] = [[], []];
  for (const suspect of shuffled(suspects, options.random)) {
    const network = networkOf(suspect.address);
    const count = ofNetwork.get(network) ?? 0;
    const isChosen = count < mostANetwork && chosen.length < most;
    if (isChosen) ofNetwork.set(network, count + 1);
    (isChosen ? chosen : left).push(suspect);
  }
  const judged: Judged[] = left.map((suspect) => ({ ...suspect, verdict: tooMany }));
  const waiting = chosen.values();
  const work = async () => {
    for (const suspect of waiting) {
      judged.push({ ...suspect, ...(now() < untilMs ? await lookUp(suspect, options) : { verdict: tooLate }) });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return judged;
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, place: random() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ item }) => item);
}

const tooMany: Verdict = { kind: 'undecided', why: 'too many addresses, of all or of its network, in one batch' };
const tooLate: Verdict = { kind: 'undecided', why: 'no time left for this batch' };

async function lookUp({ address, claims }: Suspect, { dns, now }: JudgeOptions): Promise<Omit<Judged, keyof Suspect>> {
  const byRanges = decideByRanges({ address, claims }, now());
  if (byRanges !== undefined) return { verdict: byRanges };
  const pointers = await dns.pointers(address);
  const names = pointers.kind === 'found' ? namesOfCrawlers(pointers.values, claims).slice(0, mostNames) : [];
  const forwards = await Promise.all(
    names.map(async (name): Promise<[string, Answer]> => [name, await dns.addresses(name, address.family)]),
  );
  const isFailed = [pointers, ...forwards.map(([, answer]) => answer)].some(({ kind }) => kind === 'failed');
  const verdict = decide({ address, claims, pointers, forwards: new Map(forwards) });
  return { verdict, dns: isFailed ? 'failed' : 'answered' };
}
