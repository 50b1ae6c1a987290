import { BlockList, isIP, SocketAddress } from 'node:net';

export const families = ['ipv4', 'ipv6'] as const;
export type Family = (typeof families)[number];

/** An address of the internet in the one spelling that compares: IPv6 as RFC 5952 writes it. */
export interface Address {
  family: Family;
  text: string;
}

/** Undefined where it is none, or one of a link (`fe80::1%eth0`). IPv4 within IPv6 (`::ffff:192.0.2.1`) is IPv4. */
export function parseAddress(text: string): Address | undefined {
  const version = isIP(text);
  if (version === 0 || text.includes('%')) return undefined;
  if (version === 4) return { family: 'ipv4', text };
  const canonical = new SocketAddress({ address: text, family: 'ipv6' }).address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(canonical)?.[1];
  return mapped === undefined ? { family: 'ipv6', text: canonical } : { family: 'ipv4', text: mapped };
}

/** The range of this address alone, as an IP set holds it. */
export function rangeOf({ family, text }: Address): string {
  return `${text}/${bits[family]}`;
}

const bits = { ipv4: 32, ipv6: 128 } as const;

/** Name whose PTR record names the address (RFC 1035 3.5, RFC 3596 2.5). */
export function reverseName({ family, text }: Address): string {
  return family === 'ipv4'
    ? `${text.split('.').toReversed().join('.')}.in-addr.arpa`
    : `${[...hexDigits(text)].toReversed().join('.')}.ip6.arpa`;
}

/** All 32 hexadecimal digits of an IPv6 address. */
function hexDigits(text: string): string {
  const [before = '', after] = text.split('::');
  const [left, right] = [groupsOf(before), groupsOf(after ?? '')];
  const zeros = Array<string>(8 - left.length - right.length).fill('0');
  return [...left, ...zeros, ...right].map((group) => group.padStart(4, '0')).join('');
}

/** Its groups; the last two may be written as IPv4. */
function groupsOf(part: string): string[] {
  if (part === '') return [];
  return part.split(':').flatMap((group) => {
    if (!group.includes('.')) return [group];
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
    return [a * 256 + b, c * 256 + d].map((pair) => pair.toString(16));
  });
}

/** The /24 or /64 that an address lies in: what one sender has, as a rule, or may use as it likes. */
export function networkOf({ family, text }: Address): string {
  return family === 'ipv4' ? text.slice(0, text.lastIndexOf('.')) : hexDigits(text).slice(0, 16);
}

/** A CIDR range, `192.0.2.0/24` or `2001:db8::/32`; undefined where it is none. */
export function parseRange(text: string): { address: Address; length: number } | undefined {
  const [, written = '', digits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const address = parseAddress(written);
  const length = Number(digits);
  // In IPv4 within IPv6 the length would count from another end.
  if (address === undefined || isIP(written) !== (address.family === 'ipv4' ? 4 : 6)) return undefined;
  return length <= bits[address.family] ? { address, length } : undefined;
}

/**
 * Whether an address lies in one of the ranges.
 * @throws Error that names what is no range.
 */
export function withinRanges(ranges: readonly string[]): (address: Address) => boolean {
  const list = new BlockList();
  for (const text of ranges) {
    const range = parseRange(text);
    if (range === undefined) throw new Error(`"${text}" is no range: write 192.0.2.0/24 or 2001:db8::/32.`);
    list.addSubnet(range.address.text, range.length, range.address.family);
  }
  return ({ family, text }) => list.check(text, family);
}
