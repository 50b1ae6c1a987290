import type { Address } from './address.ts';
import type { FirehoseRecord } from './contract.ts';
import type { Crawler } from './crawlers.ts';
import type { Judged, Suspect } from './judge.ts';
import { type ReadRecords, readRecords } from './read-records.ts';

/** Fakes of one batch that are blocked, and so rows that it writes; the others are when they come again. */
export const mostCaught = 100;

export interface TransformDeps {
  crawlers: readonly Crawler[];
  /** Addresses that are never looked up nor blocked. */
  allows(address: Address): boolean;
  judge(suspects: readonly Suspect[]): Promise<readonly Judged[]>;
  /** @returns how many were left over */
  block(addresses: readonly Address[]): Promise<number>;
  /** Bound of looking up and blocking together. */
  limitMs: number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export interface Transformed extends Omit<ReadRecords, 'suspects'> {
  /** Empty where looking up failed. */
  judged: readonly Judged[];
  /** Fakes that were found and not blocked, as they are more than are at a time. */
  leftOver: number;
  /** Why nobody, or not all, could be blocked. The records go on all the same. */
  problem?: unknown;
}

/** Hands every record on, and blocks who only says that it is a crawler. Nothing that fails on the way keeps a record back. */
export async function transform(records: readonly FirehoseRecord[], deps: TransformDeps): Promise<Transformed> {
  const { suspects, ...read } = readRecords(records, deps);
  let judged: readonly Judged[] = [];
  let leftOver = 0;
  const work = async () => {
    judged = await deps.judge(suspects);
    const fakes = judged.filter(({ verdict }) => verdict.kind === 'fake').map(({ address }) => address);
    leftOver = Math.max(0, fakes.length - mostCaught);
    if (fakes.length > 0) leftOver += await deps.block(fakes.slice(0, mostCaught));
  };
  try {
    if (suspects.length > 0) await within(deps, work());
    return { ...read, judged, leftOver };
  } catch (problem) {
    return { ...read, judged, leftOver, problem };
  }
}

async function within({ limitMs, sleep }: TransformDeps, work: Promise<void>): Promise<void> {
  const over = new AbortController();
  const late = sleep(limitMs, over.signal).then(() => {
    throw new Error(`Looking up and blocking took longer than ${limitMs} ms.`);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    over.abort();
  }
}

/** Of each address that DNS was asked about: 1 where a question was not answered, and 0 where all were. */
export function failedLookUps(judged: readonly Judged[]): readonly (0 | 1)[] {
  return judged.flatMap(({ dns }) => (dns === undefined ? [] : [dns === 'failed' ? 1 : 0]));
}
