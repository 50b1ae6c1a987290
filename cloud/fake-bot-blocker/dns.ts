import { Resolver } from 'node:dns/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { type Address, type Family, reverseName } from './address.ts';
import type { Answer } from './decide.ts';

/** Questions to DNS; none of them throws. */
export interface Dns {
  /** Names of an address. */
  pointers(address: Address): Promise<Answer>;
  /** Addresses of a name, of one family. */
  addresses(name: string, family: Family): Promise<Answer>;
  /** Gives up what is still asked. */
  close(): void;
}

export interface DnsOptions {
  /** `192.0.2.53`, `192.0.2.53:5353`, `[2001:db8::53]:53`; those of the machine where there are none. */
  servers: readonly string[];
  /** Bound of one question with all its repetitions. */
  timeoutMs: number;
}

/** What the resolver calls it where the zone itself says that there is nothing. */
const nothingThere = ['ENOTFOUND', 'ENODATA'];

/** Asks the servers over UDP, and over TCP what was cut. No file of hosts and no search domain has a say. */
export function createDns({ servers, timeoutMs }: DnsOptions): Dns {
  // Two tries, the second of which may take twice as long.
  const resolver = new Resolver({ timeout: Math.ceil(timeoutMs / 3), tries: 2 });
  if (servers.length > 0) resolver.setServers(servers);

  async function ask(question: () => Promise<readonly string[]>): Promise<Answer> {
    try {
      const values = await question();
      return values.length === 0 ? { kind: 'none' } : { kind: 'found', values };
    } catch (error) {
      const why = codeOf(error);
      return nothingThere.includes(why) ? { kind: 'none' } : { kind: 'failed', why };
    }
  }

  /** Several servers, and TCP after UDP, take longer than one try of one server. */
  async function inTime(answer: Promise<Answer>): Promise<Answer> {
    const over = new AbortController();
    const late = pause(timeoutMs, undefined, { signal: over.signal }).then((): Answer => failedLate);
    try {
      return await Promise.race([answer, late]);
    } finally {
      over.abort();
    }
  }

  return {
    pointers: (address) => inTime(ask(() => resolver.resolvePtr(reverseName(address)))),
    addresses: (name, family) =>
      inTime(ask(() => (family === 'ipv4' ? resolver.resolve4(name) : resolver.resolve6(name)))),
    close: () => resolver.cancel(),
  };
}

const failedLate: Answer = { kind: 'failed', why: 'ETIMEOUT' };

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'not asked';
}
