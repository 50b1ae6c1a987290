import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAddress, parseRange, rangeOf, reverseName, withinRanges } from './address.ts';

const address = (text: string) => {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`${text} is no address`);
  return parsed;
};

describe('an address', () => {
  test.each([
    ['192.0.2.1', 'ipv4', '192.0.2.1', '192.0.2.1/32'],
    ['2001:DB8:0:0:0:0:0:1', 'ipv6', '2001:db8::1', '2001:db8::1/128'],
    ['::ffff:192.0.2.1', 'ipv4', '192.0.2.1', '192.0.2.1/32'],
    ['::FFFF:c000:201', 'ipv4', '192.0.2.1', '192.0.2.1/32'],
    ['::', 'ipv6', '::', '::/128'],
  ])('%s is %s %s', (text, family, canonical, range) => {
    expect(parseAddress(text)).toEqual({ family, text: canonical });
    expect(rangeOf(address(text))).toBe(range);
  });

  test.each(['', 'crawl.example', '192.0.2', '192.0.2.256', '01.2.3.4', '192.0.2.1\n', 'fe80::1%eth0', '1::2::3'])(
    '%j is none',
    (text) => expect(parseAddress(text)).toBeUndefined(),
  );

  test.each([
    ['66.249.66.1', '1.66.249.66.in-addr.arpa'],
    ['2001:db8::567:89ab', 'b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa'],
    ['::1', `1.${'0.'.repeat(31)}ip6.arpa`],
    ['::192.0.2.1', `1.0.2.0.0.0.0.c.${'0.'.repeat(24)}ip6.arpa`],
  ])('%s is looked up as %s', (text, name) => expect(reverseName(address(text))).toBe(name));

  test('of IPv6 has 32 digits in its name, which are those of its groups, however it is written', () => {
    const group = fc.integer({ min: 0, max: 0xffff });
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        const written = groups.map((one) => one.toString(16)).join(':');
        const parsed = address(written);
        fc.pre(parsed.family === 'ipv6');
        const digits = groups.map((one) => one.toString(16).padStart(4, '0')).join('');
        expect(reverseName(parsed)).toBe(`${[...digits].toReversed().join('.')}.ip6.arpa`);
      }),
    );
  });
});

describe('ranges', () => {
  test.each(['192.0.2.0', '192.0.2.0/33', '2001:db8::/129', '::ffff:192.0.2.0/24', '192.0.2.0/-1', '/24', 'a/8'])(
    '%s is none',
    (text) => {
      expect(parseRange(text)).toBeUndefined();
      expect(() => withinRanges([text])).toThrow(`"${text}" is no range`);
    },
  );

  test('hold the addresses of their family that begin alike', () => {
    const within = withinRanges(['192.0.2.0/24', '2001:db8::/32']);
    expect(['192.0.2.255', '2001:db8:ffff::1'].map(address).map(within)).toEqual([true, true]);
    expect(['192.0.3.0', '2001:db9::1', '::192.0.2.1'].map(address).map(within)).toEqual([false, false, false]);
  });
});
