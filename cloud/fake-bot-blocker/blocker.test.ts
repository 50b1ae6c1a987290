import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Address, families, parseAddress } from './address.ts';
import { mostRetries } from './blocker.ts';
import { mostBlocked, mostCaughtAnHour } from './contract.ts';
import { testBlocker, ttlMs } from './test-stores.ts';

const address = (text: string): Address => {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`${text} is no address`);
  return parsed;
};
const nth = (index: number) => address(`10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`);

describe('blocking', () => {
  test('takes one look and one update a family, however many addresses there are', async () => {
    const { blocker, sets } = testBlocker();
    await blocker.block(['192.0.2.1', '192.0.2.2', '2001:db8::1'].map(address));
    expect(new Set(sets.ipv4.ranges)).toEqual(new Set(['192.0.2.1/32', '192.0.2.2/32']));
    expect(sets.ipv6.ranges).toEqual(['2001:db8::1/128']);
    expect([sets.ipv4.requests, sets.ipv6.requests]).toEqual([
      ['read', 'replace'],
      ['read', 'replace'],
    ]);
  });

  test('nobody asks WAF for nothing', async () => {
    const { blocker, sets } = testBlocker();
    await blocker.block([]);
    await blocker.block([address('192.0.2.1')]);
    expect(sets.ipv6.requests).toEqual([]);
  });

  test('an address that is blocked already changes nothing in the set (duplicate)', async () => {
    const { blocker, sets } = testBlocker();
    await blocker.block([address('192.0.2.1')]);
    await blocker.block([address('192.0.2.1')]);
    expect(sets.ipv4.ranges).toEqual(['192.0.2.1/32']);
    expect(sets.ipv4.requests).toEqual(['read', 'replace', 'read']);
  });

  test('knows its addresses in the spelling of WAF', async () => {
    const { blocker, sets } = testBlocker();
    sets.ipv6.ranges = ['2001:0db8:0000:0000:0000:0000:0000:0001/128'];
    await blocker.block([address('2001:db8::1')]);
    expect(sets.ipv6.requests).toEqual(['read']);
  });

  test('takes what was written into the sets also where not all could be (partial failure)', async () => {
    const { blocker, sets, table } = testBlocker();
    const put = table.put;
    table.put = async ([first, ...others]) => {
      await put(others);
      throw new Error(`${first?.address.text} was not written`);
    };
    const blocking = blocker.block(['192.0.2.1', '192.0.2.2', '2001:db8::1'].map(address));
    await expect(blocking).rejects.toThrow('192.0.2.1 was not written');
    expect([sets.ipv4.ranges, sets.ipv6.ranges]).toEqual([['192.0.2.2/32'], ['2001:db8::1/128']]);
  });

  test('takes no more rows in an hour than a set holds, of one family and not of the other', async () => {
    const { blocker, clock, sets, table } = testBlocker();
    const first = Array.from({ length: mostCaughtAnHour - 1 }, (_, index) => nth(index));
    expect(await blocker.block(first)).toBe(0);
    const two = [nth(mostBlocked), nth(mostBlocked + 1)];
    expect(await blocker.block([...two, address('2001:db8::1')])).toBe(2);
    expect([table.rows.size, sets.ipv6.ranges.length]).toEqual([mostCaughtAnHour, 1]);
    clock.now += 3_600_000;
    expect(await blocker.block(two)).toBe(0);
    expect(sets.ipv4.ranges).toContain('10.0.39.16/32');
  });

  test('of a family whose hour cannot be read nobody is caught, and the other is blocked', async () => {
    const { blocker, sets, table } = testBlocker();
    const { reserve } = table;
    table.reserve = async (family, ...rest) => {
      if (family === 'ipv4') throw new Error('throttled');
      return reserve(family, ...rest);
    };
    await expect(blocker.block([address('192.0.2.1'), address('2001:db8::1')])).rejects.toThrow('throttled');
    expect([sets.ipv4.ranges, sets.ipv6.ranges]).toEqual([[], ['2001:db8::1/128']]);
  });

  test('takes out of the set what nobody was caught with', async () => {
    const { blocker, sets } = testBlocker();
    sets.ipv4.ranges = ['0.0.0.0/1', '198.51.100.1/32'];
    await blocker.block([address('192.0.2.1')]);
    expect(sets.ipv4.ranges).toEqual(['192.0.2.1/32']);
  });

  test('a range that is allowed later is let go at the next refresh', async () => {
    const { blocker, sets, table, clock } = testBlocker(['192.0.2.2']);
    await table.put(['192.0.2.1', '192.0.2.2'].map((text) => ({ address: address(text), atMs: clock.now })));
    await blocker.refresh(['ipv4']);
    expect(sets.ipv4.ranges).toEqual(['192.0.2.1/32']);
  });

  test('ends after the TTL, counted from when an address was caught last', async () => {
    const { blocker, clock, sets } = testBlocker();
    await blocker.block(['192.0.2.1', '192.0.2.2'].map(address));
    clock.now += ttlMs / 2;
    await blocker.block([address('192.0.2.1')]);
    clock.now += ttlMs / 2;
    expect(await blocker.refresh(['ipv4'])).toEqual([{ family: 'ipv4', kind: 'replaced', blocked: 1, tries: 1 }]);
    expect(sets.ipv4.ranges).toEqual(['192.0.2.1/32']);
    clock.now += ttlMs / 2;
    await blocker.refresh(['ipv4']);
    expect(sets.ipv4.ranges).toEqual([]);
  });

  test('more than a set holds lets the oldest go', async () => {
    const { blocker, table, sets, clock } = testBlocker();
    const all = Array.from({ length: mostBlocked + 20 }, (_, index) => nth(index));
    await table.put(all.map((one, index) => ({ address: one, atMs: clock.now - 100_000 + index })));
    await blocker.block([address('192.0.2.1')]);
    expect(sets.ipv4.ranges).toHaveLength(mostBlocked);
    expect(sets.ipv4.ranges[0]).toBe('192.0.2.1/32');
    expect(sets.ipv4.ranges).not.toContain('10.0.0.20/32');
    expect(sets.ipv4.ranges).toContain('10.0.0.21/32');
  });
});

describe('a race for a set', () => {
  test('that is lost is run again with a new token, after a longer wait each time (throttle)', async () => {
    const { blocker, sets, slept } = testBlocker();
    sets.ipv4.rivals = mostRetries;
    await blocker.block([address('192.0.2.1')]);
    expect(sets.ipv4.ranges).toEqual(['192.0.2.1/32']);
    expect(sets.ipv4.requests).toHaveLength(2 * (1 + mostRetries));
    expect(slept).toEqual([400, 800, 1_600, 2_000, 2_000]);
  });

  test('that is lost too often is given up, and the next refresh blocks who was caught', async () => {
    const { blocker, sets } = testBlocker();
    sets.ipv4.rivals = 1 + mostRetries;
    await expect(blocker.block([address('192.0.2.1')])).rejects.toThrow('was changed by others 6 times in a row');
    expect(sets.ipv4.ranges).toEqual([]);
    await blocker.refresh(['ipv4']);
    expect(sets.ipv4.ranges).toEqual(['192.0.2.1/32']);
  });

  test('for one family does not keep the other back (partial failure)', async () => {
    const { blocker, sets } = testBlocker();
    sets.ipv4.rivals = 1 + mostRetries;
    await expect(blocker.block(['192.0.2.1', '2001:db8::1'].map(address))).rejects.toThrow('ipv4');
    expect(sets.ipv6.ranges).toEqual(['2001:db8::1/128']);
    sets.ipv4.rivals = sets.ipv6.rivals = 1 + mostRetries;
    sets.ipv6.ranges = [];
    await expect(blocker.refresh(families)).rejects.toThrow('Neither set could be refreshed');
  });

  test('loses nobody whom any of several caught, in whatever order they come through (reorder)', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.integer({ min: 2, max: 4 }), async (scheduler, batches) => {
        const { blocker, sets, table } = testBlocker();
        // Each request reaches its store some time after it was sent.
        const later =
          <A extends unknown[], R>(request: (...args: A) => Promise<R>) =>
          async (...args: A): Promise<R> => {
            await scheduler.schedule(Promise.resolve());
            return request(...args);
          };
        sets.ipv4.read = later(sets.ipv4.read);
        sets.ipv4.replace = later(sets.ipv4.replace);
        table.put = later(table.put);
        table.newest = later(table.newest);
        const caught = Array.from({ length: batches }, (_, index) => nth(index));
        const blocked = caught.map((one) => blocker.block([one]));
        await scheduler.waitFor(Promise.all(blocked));
        expect(new Set(sets.ipv4.ranges)).toEqual(new Set(caught.map(({ text }) => `${text}/32`)));
      }),
      { numRuns: 200 },
    );
  });
});
