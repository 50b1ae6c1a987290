import type { Family } from './address.ts';
import { type Caught, type CaughtTable, createBlocker, type IpSet } from './blocker.ts';
import { mostCaughtAnHour } from './contract.ts';

/** An IP set that takes only the token it gave last, as WAF does. */
export interface TestIpSet extends IpSet {
  ranges: readonly string[];
  /** Requests that came. */
  requests: ('read' | 'replace')[];
  /** Somebody else writes before each of the next replacements that are counted here. */
  rivals: number;
}

export function testIpSet(ranges: readonly string[] = []): TestIpSet {
  let token = 0;
  const set: TestIpSet = {
    ranges,
    requests: [],
    rivals: 0,
    read: async () => {
      set.requests.push('read');
      return { ranges: set.ranges, lockToken: String(token) };
    },
    replace: async (wanted, lockToken) => {
      set.requests.push('replace');
      if (set.rivals > 0) {
        set.rivals -= 1;
        token += 1;
      }
      if (lockToken !== String(token)) return 'stale';
      token += 1;
      set.ranges = wanted;
      return 'replaced';
    },
  };
  return set;
}

export interface TestTable extends CaughtTable {
  rows: Map<string, Caught>;
  /** Rows by family and hour. */
  taken: Map<string, number>;
}

export function testTable(): TestTable {
  const rows = new Map<string, Caught>();
  const taken = new Map<string, number>();
  return {
    rows,
    taken,
    reserve: async (family, count, atMs) => {
      const hour = `${family} ${Math.floor(atMs / 3_600_000)}`;
      const sum = (taken.get(hour) ?? 0) + count;
      if (sum > mostCaughtAnHour) return false;
      taken.set(hour, sum);
      return true;
    },
    put: async (caught) => {
      for (const one of caught) rows.set(one.address.text, one);
    },
    newest: async (family, afterMs, most) =>
      [...rows.values()]
        .filter((row) => row.address.family === family && row.atMs > afterMs)
        .toSorted((a, b) => b.atMs - a.atMs)
        .slice(0, most)
        .map(({ address }) => address.text),
  };
}

export const ttlMs = 1_000_000;

/** A blocker on stores in memory; its clock stands at `clock.now`, and nothing sleeps. */
export function testBlocker(allowed: readonly string[] = []) {
  const clock = { now: 10_000_000 };
  const table = testTable();
  const sets: Record<Family, TestIpSet> = { ipv4: testIpSet(), ipv6: testIpSet() };
  const slept: number[] = [];
  const blocker = createBlocker({
    table,
    sets,
    allows: ({ text }) => allowed.includes(text),
    ttlMs,
    now: () => clock.now,
    sleep: async (ms) => void slept.push(ms),
    random: () => 1,
  });
  return { blocker, clock, table, sets, slept };
}
