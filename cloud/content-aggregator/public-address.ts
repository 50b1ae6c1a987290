import { type LookupAddress, lookup as resolve } from 'node:dns';
import { BlockList, type LookupFunction } from 'node:net';

/** Addresses that no page of the web has: this machine, its network, its metadata, and what stands for them in IPv6. */
// A list each: one for both takes a rule on `::ffff:0:0` for one on all of IPv4.
const inner = { ipv4: new BlockList(), ipv6: new BlockList() };
for (const [net, prefix] of [
  ...([
    ['0.0.0.0', 8],
    ['10.0.0.0', 8],
    ['100.64.0.0', 10],
    ['127.0.0.0', 8],
    ['169.254.0.0', 16],
  ] as const),
  ...([
    ['172.16.0.0', 12],
    ['192.0.0.0', 24],
    ['192.168.0.0', 16],
    ['198.18.0.0', 15],
    ['224.0.0.0', 3],
  ] as const),
]) {
  inner.ipv4.addSubnet(net, prefix, 'ipv4');
}
for (const [net, prefix] of [
  ...([
    ['::', 96],
    ['::ffff:0:0', 96],
    ['64:ff9b::', 96],
    ['2002::', 16],
  ] as const),
  ...([
    ['fc00::', 7],
    ['fe80::', 10],
    ['ff00::', 8],
  ] as const),
]) {
  inner.ipv6.addSubnet(net, prefix, 'ipv6');
}

/** Whether an address is one of the public web. */
export function isPublic({ address, family }: LookupAddress): boolean {
  const type = family === 6 ? 'ipv6' : 'ipv4';
  return !inner[type].check(address, type);
}

/** The name has an address that is not public. */
export class InnerAddress extends Error {
  override readonly name = 'InnerAddress';
}

export type Resolve = (
  hostname: string,
  options: { all: true },
  found: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** A look-up for sockets that answers public addresses only: an allowed name may point anywhere. */
export function publicLookup(lookup: Resolve = resolve): LookupFunction {
  return (hostname, options, found) => {
    lookup(hostname, { all: true }, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error !== null || first === undefined) {
        found(error ?? new Error(`${hostname} has no address`), '', 4);
      } else if (!addresses.every(isPublic)) {
        found(new InnerAddress(`${hostname} has an address that is not public`), '', 4);
      } else if (options.all === true) {
        found(null, addresses);
      } else {
        found(null, first.address, first.family);
      }
    });
  };
}
