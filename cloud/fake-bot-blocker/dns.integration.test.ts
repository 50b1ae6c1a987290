import { afterEach, describe, expect, test } from 'vitest';
import { parseAddress } from './address.ts';
import { crawlersCalled } from './crawlers.ts';
import { createDns, type Dns } from './dns.ts';
import { judge } from './judge.ts';
import { type Question, type Reply, startDnsServer, type TestDnsServer } from './test-dns-server.ts';

const address = (text: string) => {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`${text} is no address`);
  return parsed;
};
const open: { close(): unknown }[] = [];

/** A server with these names, and a resolver that asks it. */
async function served(
  zone: Record<string, Reply>,
  { timeoutMs = 5_000, tcp = true } = {},
): Promise<{ server: TestDnsServer; dns: Dns }> {
  const answer = ({ name, type }: Question): Reply => zone[`${type} ${name}`] ?? { kind: 'nxdomain' };
  const server = await startDnsServer(answer, { tcp });
  const dns = createDns({ servers: [server.address], timeoutMs });
  open.push(dns, server);
  return { server, dns };
}

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

const [v4, v6] = ['66.249.66.1', '2001:4860:4801:10::1'].map(address);
if (v4 === undefined || v6 === undefined) throw new Error('no addresses');
const names = {
  v4: 'PTR 1.66.249.66.in-addr.arpa',
  v6: `PTR 1.0.0.0.${'0.'.repeat(12)}0.1.0.0.1.0.8.4.0.6.8.4.1.0.0.2.ip6.arpa`,
};
const crawl = 'crawl-1.googlebot.com';
const records = (...values: string[]): Reply => ({ kind: 'records', values });

describe('a question to DNS', () => {
  test('is answered for both families', async () => {
    const { dns } = await served({
      [names.v4]: records(crawl),
      [names.v6]: records(crawl),
      [`A ${crawl}`]: records(v4.text),
      [`AAAA ${crawl}`]: records(v6.text, '2001:db8::1'),
    });
    expect(await dns.pointers(v4)).toEqual({ kind: 'found', values: [crawl] });
    expect(await dns.pointers(v6)).toEqual({ kind: 'found', values: [crawl] });
    expect(await dns.addresses(crawl, 'ipv4')).toEqual({ kind: 'found', values: [v4.text] });
    expect(await dns.addresses(crawl, 'ipv6')).toEqual({ kind: 'found', values: [v6.text, '2001:db8::1'] });
  });

  test.each([
    ['nxdomain', { kind: 'none' }],
    ['no-data', { kind: 'none' }],
    ['servfail', { kind: 'failed', why: 'ESERVFAIL' }],
    ['refused', { kind: 'failed', why: 'EREFUSED' }],
  ] as const)('that the server answers with %s is %o', async (kind, answer) => {
    const { dns } = await served({ [names.v4]: { kind } });
    expect(await dns.pointers(v4)).toEqual(answer);
  });

  test('whose answer is cut is asked again over TCP', async () => {
    const many = Array.from({ length: 200 }, (_, index) => `crawl-${index}.googlebot.com`);
    const { dns, server } = await served({ [names.v4]: { kind: 'cut', values: many } });
    const answer = await dns.pointers(v4);
    expect(answer.kind === 'found' ? new Set(answer.values) : answer).toEqual(new Set(many));
    expect(server.asked.map(({ over }) => over)).toEqual(['udp', 'tcp']);
  });

  test('whose answer is cut, and not there over TCP, has failed', async () => {
    const { dns } = await served({ [names.v4]: { kind: 'cut', values: [crawl] } }, { tcp: false });
    expect((await dns.pointers(v4)).kind).toBe('failed');
  });

  test.each(['silent', 'garbage'] as const)('that is answered by %s fails in time', async (kind) => {
    const { dns } = await served({ [names.v4]: { kind } }, { timeoutMs: 60 });
    expect((await dns.pointers(v4)).kind).toBe('failed');
  });

  test('that is still open when all is closed has failed', async () => {
    const { dns, server } = await served({ [names.v4]: { kind: 'silent' } }, { timeoutMs: 60_000 });
    const asked = dns.pointers(v4);
    while (server.asked.length === 0) await new Promise(setImmediate);
    dns.close();
    expect(await asked).toEqual({ kind: 'failed', why: 'ECANCELLED' });
  });
});

describe('suspects', () => {
  const claims = crawlersCalled(['google', 'bing']);
  const options = (dns: Dns) => ({
    ...{ dns, atOnce: 4, most: 100, mostANetwork: 100, untilMs: 1, now: () => 0, random: () => 0 },
  });
  const verdictOf = async (zone: Record<string, Reply>, suspect = v4) => {
    const isSilent = Object.values(zone).some(({ kind }) => kind === 'silent');
    const { dns } = await served(zone, { timeoutMs: isSilent ? 300 : 5_000 });
    const [judged] = await judge([{ address: suspect, claims }], options(dns));
    return judged?.verdict.kind;
  };

  test.each<[string, Record<string, Reply>, string]>([
    ['crawlers', { [names.v4]: records(crawl), [`A ${crawl}`]: records(v4.text) }, 'real'],
    ['without a name', {}, 'fake'],
    ['with the name of another address', { [names.v4]: records(crawl), [`A ${crawl}`]: records('192.0.2.7') }, 'fake'],
    [
      'with a name alike',
      { [names.v4]: records('evilgooglebot.com'), 'A evilgooglebot.com': records(v4.text) },
      'fake',
    ],
    ['whose server fails', { [names.v4]: { kind: 'servfail' } }, 'undecided'],
    ['whose name is not answered', { [names.v4]: records(crawl), [`A ${crawl}`]: { kind: 'silent' } }, 'undecided'],
  ])('%s are judged by the answers of a server', async (_, zone, kind) => {
    expect(await verdictOf(zone)).toBe(kind);
  });

  test('of IPv6 are judged by AAAA records', async () => {
    const zone = { [names.v6]: records(crawl), [`A ${crawl}`]: records(v4.text) };
    expect(await verdictOf({ ...zone, [`AAAA ${crawl}`]: records(v6.text) }, v6)).toBe('real');
    expect(await verdictOf({ ...zone, [`AAAA ${crawl}`]: records('2001:db8::1') }, v6)).toBe('fake');
  });

  test('with hostile names are not asked about them further', async () => {
    // A label that holds a dot: within quotes or behind a bar it would look like a host below the domain.
    const hostile: Reply[] = [
      { kind: 'raw-name', labels: ['x.googlebot', 'com'] },
      { kind: 'raw-name', labels: ['a\u0000b', 'googlebot', 'com'] },
      { kind: 'raw-name', labels: ['a b', 'googlebot', 'com'] },
      { kind: 'raw-name', labels: ['<script>', 'google', 'com'] },
    ];
    for (const reply of hostile) {
      const { dns, server } = await served({ [names.v4]: reply });
      const [judged] = await judge([{ address: v4, claims }], options(dns));
      expect(judged?.verdict.kind).not.toBe('real');
      expect(server.asked.map(({ type }) => type)).toEqual(['PTR']);
    }
  });

  test('with a thousand names cost six questions', async () => {
    const many = Array.from({ length: 1_000 }, (_, index) => `c${index}.googlebot.com`);
    const { dns, server } = await served({ [names.v4]: { kind: 'cut', values: many } });
    const [judged] = await judge([{ address: v4, claims }], options(dns));
    expect(judged?.verdict.kind).toBe('undecided');
    expect(server.asked.filter(({ type }) => type === 'A')).toHaveLength(5);
  });
});
