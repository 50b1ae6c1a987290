import { type Address, type Family, parseRange, rangeOf } from './address.ts';
import { mostBlocked } from './contract.ts';

/** Who was caught, and when. */
export interface Caught {
  address: Address;
  atMs: number;
}

/** The table of those who were caught: a row for each address. */
export interface CaughtTable {
  /** Counts rows against what a family takes in an hour. @returns whether they are within it */
  reserve(family: Family, rows: number, atMs: number): Promise<boolean>;
  /** Writes each row, whatever becomes of the others. @throws Error where not all were written. */
  put(caught: readonly Caught[]): Promise<void>;
  /** Addresses caught after an instant, the newest first, as they are after every write that has ended. */
  newest(family: Family, afterMs: number, most: number): Promise<readonly string[]>;
}

/** One IP set of WAF. */
export interface IpSet {
  read(): Promise<{ ranges: readonly string[]; lockToken: string }>;
  /** Puts these in the place of all that are in it; `stale` where somebody else has, since the token was read. */
  replace(ranges: readonly string[], lockToken: string): Promise<'replaced' | 'stale'>;
}

export interface BlockerDeps {
  table: CaughtTable;
  sets: Readonly<Record<Family, IpSet>>;
  /** Addresses that are never blocked. */
  allows(address: Address): boolean;
  /** How long an address stays blocked after it was last caught. */
  ttlMs: number;
  now(): number;
  sleep(ms: number): Promise<void>;
  random(): number;
}

export interface Refreshed {
  family: Family;
  kind: 'replaced' | 'unchanged';
  /** Addresses in the set now. */
  blocked: number;
  tries: number;
}

export interface Blocker {
  /**
   * Keeps who was caught, and puts them into the sets.
   * @returns how many were left over, as their family has taken all that it takes in this hour
   * @throws Error where it could not, for one family or both
   */
  block(addresses: readonly Address[]): Promise<number>;
  /**
   * Makes sets what the table says, each whatever becomes of the other.
   * @throws Error where one could not be: after `mostRetries` lost races, or because AWS refuses
   */
  refresh(families: readonly Family[]): Promise<readonly Refreshed[]>;
}

/** After a race that was lost. */
export const mostRetries = 5;
const baseMs = 100;
const capMs = 2_000;

/**
 * State: rows in a table (who was caught, when), and of them, in each IP set, the newest `mostBlocked` that are younger than the
 * TTL and not allowed. A set has nothing that no row has.
 *
 * | event                        | row         | set                                            |
 * |------------------------------|-------------|------------------------------------------------|
 * | caught, also once more       | is now      | has it after the next refresh, which follows   |
 * | TTL over                     | goes later  | lets it go at the next refresh, within an hour |
 * | more than the set holds      | stays       | lets the oldest go                             |
 * | more than an hour takes      | none        | is as it was; who is left over is caught again |
 * | refreshed by two at a time   |             | the token of one is stale: it reads all anew   |
 * | emptied or filled by hand    |             | is what the rows say after the next refresh    |
 *
 * The token is read before the rows: whoever writes a row meanwhile refreshes afterwards, and either finds the set as it is
 * written here, or makes this token stale. So no row is lost between two that refresh.
 */
export function createBlocker({ table, sets, allows, ttlMs, now, sleep, random }: BlockerDeps): Blocker {
  async function refreshOnce(family: Family): Promise<Pick<Refreshed, 'kind' | 'blocked'> | undefined> {
    const { ranges, lockToken } = await sets[family].read();
    const addresses = await table.newest(family, now() - ttlMs, mostBlocked);
    const wanted = addresses
      .map((text): Address => ({ family, text }))
      .filter((address) => !allows(address))
      .map(rangeOf);
    const blocked = wanted.length;
    if (isSame(ranges, wanted)) return { kind: 'unchanged', blocked };
    return (await sets[family].replace(wanted, lockToken)) === 'stale' ? undefined : { kind: 'replaced', blocked };
  }

  async function refreshOne(family: Family): Promise<Refreshed> {
    for (let tries = 1; tries <= 1 + mostRetries; tries += 1) {
      // Full jitter, as those who lost the same race would meet again.
      if (tries > 1) await sleep(random() * Math.min(capMs, baseMs * 2 ** tries));
      const done = await refreshOnce(family);
      if (done !== undefined) return { family, ...done, tries };
    }
    throw new Error(
      `The ${family} set was changed by others ${1 + mostRetries} times in a row. The rows are kept: the next refresh, within an hour, blocks them.`,
    );
  }

  async function refresh(families: readonly Family[]): Promise<readonly Refreshed[]> {
    const ends = await Promise.allSettled(families.map(refreshOne));
    const failed = ends.filter((end) => end.status === 'rejected').map(({ reason }): unknown => reason);
    if (failed.length === 1) throw failed[0];
    if (failed.length > 1) throw new AggregateError(failed, 'Neither set could be refreshed.');
    return ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
  }

  return {
    async block(addresses) {
      const atMs = now();
      const failed: unknown[] = [];
      const failing = (error: unknown) => void failed.push(error);
      const admitted: Address[] = [];
      let leftOver = 0;
      for (const family of new Set(addresses.map((one) => one.family))) {
        const own = addresses.filter((one) => one.family === family);
        const isWithin = await table.reserve(family, own.length, atMs).catch(failing);
        if (isWithin === true) admitted.push(...own);
        if (isWithin === false) leftOver += own.length;
      }
      if (admitted.length > 0) {
        await table.put(admitted.map((address) => ({ address, atMs }))).catch(failing);
        // Also for the rows that were written where others were not.
        await refresh([...new Set(admitted.map(({ family }) => family))]).catch(failing);
      }
      if (failed.length === 1) throw failed[0];
      if (failed.length > 1) throw new AggregateError(failed, 'Neither all rows nor all sets could be written.');
      return leftOver;
    },
    refresh,
  };
}

/** WAF writes ranges of IPv6 in full, and in no order. */
function isSame(ranges: readonly string[], wanted: readonly string[]): boolean {
  const held = new Set(ranges.map(inOneSpelling));
  return held.size === wanted.length && wanted.every((range) => held.has(range));
}

function inOneSpelling(text: string): string {
  const range = parseRange(text);
  return range === undefined ? text : `${range.address.text}/${range.length}`;
}
