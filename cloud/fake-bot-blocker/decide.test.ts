import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAddress } from './address.ts';
import { type Crawler, claimedBy, crawlers, crawlersCalled } from './crawlers.ts';
import { type Answer, decide, decideByRanges, mostNames, namesOfCrawlers } from './decide.ts';
import { bingbot, firefox, googlebot } from './test-logs.ts';

const address = (text: string) => {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`${text} is no address`);
  return parsed;
};
const found = (...values: string[]): Answer => ({ kind: 'found', values });
const failed = (why: string): Answer => ({ kind: 'failed', why });
const none: Answer = { kind: 'none' };
const name = 'crawl-66-249-66-1.googlebot.com';

describe('a user agent', () => {
  const all = Object.values(crawlers);
  test.each([
    [googlebot, ['Google']],
    ['FeedFetcher-GOOGLE', ['Google']],
    [bingbot, ['Bing']],
    ['Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com)', ['Yahoo! Slurp']],
    ['Mozilla/5.0 (compatible; YandexBot/3.0)', ['Yandex']],
    ['DuckDuckBot/1.1; (+http://duckduckgo.com/duckduckbot.html)', ['DuckDuckBot']],
    ['Googlebot bingbot', ['Google', 'Bing']],
    ['Mozilla/5.0 (iPhone) BingSapphire/31.4', []],
    [firefox, []],
    ['', []],
  ])('%j claims to be %j', (userAgent, names) => {
    expect(claimedBy(userAgent, all).map((crawler) => crawler.name)).toEqual(names);
  });

  test('is matched in small letters, so the table has no others', () => {
    for (const { userAgent } of all) expect(userAgent).toBe(userAgent.toLowerCase());
  });
});

describe('a decision', () => {
  const google = crawlersCalled(['google']);
  const ofGoogle = (ip: string, pointers: Answer, forwards: Record<string, Answer> = {}) =>
    decide({ address: address(ip), claims: google, pointers, forwards: new Map(Object.entries(forwards)) });

  test.each<[string, string, Answer, Record<string, Answer>, string]>([
    ['its name has the address', '66.249.66.1', found(name), { [name]: found('66.249.66.1') }, 'real'],
    ['one of the addresses', '66.249.66.1', found(name), { [name]: found('1.2.3.4', '66.249.66.1') }, 'real'],
    ['one of its names', '66.249.66.1', found('a.example', name), { [name]: found('66.249.66.1') }, 'real'],
    ['IPv6 in another spelling', '2001:db8::1', found(name), { [name]: found('2001:DB8:0::1') }, 'real'],
    ['IPv4 within IPv6', '::ffff:66.249.66.1', found(name), { [name]: found('66.249.66.1') }, 'real'],
    ['no name', '192.0.2.1', none, {}, 'fake'],
    ['a name of its own', '192.0.2.1', found('host.example.net'), {}, 'fake'],
    ['a stolen name', '192.0.2.1', found(name), { [name]: found('66.249.66.1') }, 'fake'],
    ['a name that is made up', '192.0.2.1', found(name), { [name]: none }, 'fake'],
    ['no answer for the name', '192.0.2.1', failed('ETIMEOUT'), {}, 'undecided'],
    ['a failing server', '192.0.2.1', failed('ESERVFAIL'), {}, 'undecided'],
    ['no answer for the address', '192.0.2.1', found(name), { [name]: failed('ETIMEOUT') }, 'undecided'],
    ['a name that was not looked up', '192.0.2.1', found(name), {}, 'undecided'],
  ])('of %s', (_, ip, pointers, forwards, kind) => {
    expect(ofGoogle(ip, pointers, forwards).kind).toBe(kind);
  });

  test('is never against an address while anything is unanswered, and never for one that no name confirms', () => {
    const answer = fc.oneof(
      fc.constant(none),
      fc.constant(failed('ESERVFAIL')),
      fc.array(fc.constantFrom('192.0.2.1', '192.0.2.2', 'x'), { minLength: 1 }).map((values) => found(...values)),
    );
    const names = fc.uniqueArray(fc.constantFrom('a.googlebot.com', 'b.google.com', 'googlebot.com', 'a.example'));
    fc.assert(
      fc.property(names, fc.array(answer, { minLength: 4, maxLength: 4 }), (pointers, answers) => {
        const forwards = new Map(pointers.map((one, index) => [one, answers[index] ?? none]));
        const own = pointers.filter((one) => one.includes('google'));
        const verdict = decide({
          address: address('192.0.2.1'),
          claims: google,
          pointers: found(...pointers),
          forwards,
        });
        const confirmed = own.some((one) => {
          const said = forwards.get(one);
          return said?.kind === 'found' && said.values.includes('192.0.2.1');
        });
        const unanswered = own.some((one) => forwards.get(one)?.kind === 'failed');
        expect(verdict.kind).toBe(confirmed ? 'real' : unanswered ? 'undecided' : 'fake');
      }),
    );
  });

  test('takes no more names than are looked up', () => {
    const many = Array.from({ length: mostNames + 1 }, (_, index) => `c${index}.googlebot.com`);
    const forwards = Object.fromEntries(many.slice(0, mostNames).map((one) => [one, found('66.249.66.1')]));
    expect(ofGoogle('192.0.2.1', found(...many), forwards)).toEqual({
      kind: 'undecided',
      why: 'the address of its name: too many names',
    });
  });

  test('by ranges needs no DNS, and waits for it where a domain can prove the claim too', () => {
    const duck = crawlersCalled(['duckduckgo']);
    const by = (ip: string, claims: readonly Crawler[], day = '2022-04-01') =>
      decideByRanges({ address: address(ip), claims }, Date.parse(day));
    expect(by('20.191.45.212', duck)).toEqual({ kind: 'real' });
    expect(by('192.0.2.1', duck)?.kind).toBe('fake');
    expect(by('192.0.2.1', [...duck, ...google])).toBeUndefined();
    // An old list proves who is in it, and nothing against others.
    expect(by('192.0.2.1', duck, '2022-06-14')).toEqual({
      kind: 'undecided',
      why: 'not in the ranges of DuckDuckBot, which are of 2022-03-15: too old',
    });
    expect(by('20.191.45.212', duck, '2026-01-01')).toEqual({ kind: 'real' });
  });
});

describe('names of crawlers', () => {
  const claims = crawlersCalled(['google', 'bing']);

  test.each([
    'crawl-1.googlebot.com',
    'rate-limited-proxy-1.google.com',
    'msnbot-1.search.msn.com',
    'CRAWL-1.GoogleBot.com.',
    'googlebot.com',
  ])('%s is one', (one) => expect(namesOfCrawlers([one], claims)).toHaveLength(1));

  test.each([
    'evilgoogle.com',
    'evil-googlebot.com',
    'googlebot.com.evil.example',
    'googlebot-com.example',
    'search.msn.com.example',
    'crawl-1\\.googlebot.com',
    'a b.googlebot.com',
    'a\u0000.googlebot.com',
    'a/../.googlebot.com',
    '.googlebot.com',
    '..googlebot.com',
    `${'a'.repeat(64)}.googlebot.com`,
    `${'a.'.repeat(130)}googlebot.com`,
    '',
  ])('%j is none', (one) => expect(namesOfCrawlers([one], claims)).toEqual([]));

  test('of one crawler prove nothing for another', () => {
    expect(namesOfCrawlers(['msnbot-1.search.msn.com'], crawlersCalled(['google']))).toEqual([]);
  });

  test('of any text are in a domain of a claimed crawler, after a dot', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), (prefix) => {
        for (const one of namesOfCrawlers([`${prefix}googlebot.com`, `${prefix}.google.com`], claims)) {
          expect(one).toMatch(/^(?:[a-z0-9_-]+\.)*(?:googlebot|google)\.com$/);
        }
      }),
    );
  });
});
