import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { withinRanges } from './address.ts';
import { blockRule } from './contract.ts';
import { crawlersCalled } from './crawlers.ts';
import type { Verdict } from './decide.ts';
import type { Dns } from './dns.ts';
import { type Judged, judge, type Suspect } from './judge.ts';
import { readRecords } from './read-records.ts';
import { bingbot, firefox, googlebot, logOf, recordOf } from './test-logs.ts';
import { isDnsBroken, type TransformDeps, transform } from './transform.ts';

const crawlers = crawlersCalled(['google', 'bing']);
const text = (data: string) => Buffer.from(data, 'base64').toString();
const read = (...logs: string[]) =>
  readRecords(
    logs.map((log, index) => recordOf(String(index), log)),
    { crawlers, allows: withinRanges(['198.51.100.0/24']) },
  );
const suspectsOf = (...logs: string[]) =>
  read(...logs).suspects.map(({ address, claims }) => [address.text, ...claims.map(({ name }) => name)]);

describe('a record', () => {
  test('goes on byte for byte, in one line that ends', () => {
    const pretty = JSON.stringify(JSON.parse(logOf('192.0.2.1', 'curl/8.5 \u00e4')), null, 2).replaceAll('\n', '\r\n');
    const { outputs } = read(logOf('192.0.2.1', firefox), `${logOf('192.0.2.1', firefox)}\n\n`, pretty);
    for (const { result, data } of outputs) {
      expect(result).toBe('Ok');
      expect(text(data)).toMatch(/^[^\r\n]+\n$/);
    }
    expect(text(outputs[0]?.data ?? '')).toBe(`${logOf('192.0.2.1', firefox)}\n`);
    expect(outputs[1]?.data).toBe(outputs[0]?.data);
    expect(JSON.parse(text(outputs[2]?.data ?? ''))).toEqual(JSON.parse(pretty));
  });

  test.each(['', 'no JSON', '{"httpRequest"', '\u0000\u0001', 'null', '[]', '7'])(
    'that cannot be read, %j, is marked as failed with its bytes, and the others go on (poison)',
    (poison) => {
      const good = logOf('192.0.2.1', googlebot);
      const { outputs, unreadable, suspects } = read(good, poison, good);
      expect(outputs.map(({ result }) => result)).toEqual(['Ok', 'ProcessingFailed', 'Ok']);
      expect(text(outputs[1]?.data ?? '')).toBe(poison);
      expect(unreadable.map(({ recordId }) => recordId)).toEqual(['1']);
      expect(suspects).toHaveLength(1);
    },
  );

  test.each([
    ['an address that is none', logOf('crawl.example', googlebot)],
    ['an address of a link', logOf('fe80::1%eth0', googlebot)],
    ['no request', '{}'],
    ['headers that are none', '{"httpRequest":{"clientIp":"192.0.2.1","headers":[{"name":"user-agent","value":7}]}}'],
  ])('with %s is no log of WAF (bad schema)', (_, log) => {
    const { outputs, suspects } = read(log);
    expect(outputs).toMatchObject([{ recordId: '0', result: 'ProcessingFailed' }]);
    expect(suspects).toEqual([]);
  });

  test('of any bytes has one answer under its own id, in base64, that is a line or what came', () => {
    const bytes = fc.uint8Array({ maxLength: 60 }).map((one) => Buffer.from(one));
    const log = fc.ipV4().map((ip) => Buffer.from(logOf(ip, googlebot)));
    fc.assert(
      fc.property(fc.array(fc.oneof(bytes, log)), (all) => {
        const records = all.map((one, index) => ({ recordId: `r${index}`, data: one.toString('base64') }));
        const { outputs } = readRecords(records, { crawlers, allows: () => false });
        expect(outputs.map(({ recordId }) => recordId)).toEqual(records.map(({ recordId }) => recordId));
        for (const [index, { result, data }] of outputs.entries()) {
          expect(typeof data).toBe('string');
          expect(Buffer.from(data, 'base64').toString('base64')).toBe(data);
          if (result === 'Ok') expect(text(data).endsWith('\n')).toBe(true);
          else expect(data).toBe(records[index]?.data);
        }
      }),
    );
  });
});

describe('a suspect', () => {
  test('is whoever says it is a crawler, each address once', () => {
    expect(
      suspectsOf(
        logOf('192.0.2.1', googlebot),
        logOf('192.0.2.1', googlebot),
        logOf('::ffff:192.0.2.1', bingbot),
        logOf('2001:DB8::1', bingbot),
        logOf('192.0.2.3', firefox),
      ),
    ).toEqual([
      ['192.0.2.1', 'Google', 'Bing'],
      ['2001:db8::1', 'Bing'],
    ]);
  });

  test('is known by the header however its name is written', () => {
    const log = logOf('192.0.2.1', googlebot).replace('"User-Agent"', '"uSER-aGENT"');
    expect(suspectsOf(log)).toEqual([['192.0.2.1', 'Google']]);
    expect(suspectsOf(log.replace('"uSER-aGENT"', '"X-User-Agent"'))).toEqual([]);
  });

  test('is nobody of an allowed range, nor who was stopped already', () => {
    expect(suspectsOf(logOf('198.51.100.9', googlebot))).toEqual([]);
    expect(suspectsOf(logOf('192.0.2.1', googlebot, { action: 'BLOCK', terminatingRuleId: blockRule }))).toEqual([]);
    expect(suspectsOf(logOf('192.0.2.1', googlebot, { action: 'BLOCK', terminatingRuleId: 'rate' }))).toHaveLength(1);
  });
});

describe('a batch', () => {
  const records = [logOf('192.0.2.1', googlebot), logOf('192.0.2.2', googlebot), 'poison'].map((log, index) =>
    recordOf(String(index), log),
  );
  const judged = (suspects: readonly Suspect[], ...verdicts: Verdict['kind'][]): Judged[] =>
    suspects.map((suspect, index) => ({ ...suspect, verdict: { kind: verdicts[index] ?? 'real', why: '' } }));
  const never = () => new Promise<never>(() => {});

  async function run(deps: Partial<TransformDeps>) {
    const blocked: string[] = [];
    const transformed = await transform(records, {
      crawlers,
      allows: () => false,
      judge: async (suspects) => judged(suspects, 'fake', 'undecided'),
      block: async (addresses) => void blocked.push(...addresses.map(({ text }) => text)),
      limitMs: 45_000,
      sleep: never,
      ...deps,
    });
    return { ...transformed, blocked };
  }

  test('blocks the fakes, and nobody who is undecided or real', async () => {
    expect((await run({})).blocked).toEqual(['192.0.2.1']);
    expect((await run({ judge: async (all) => judged(all, 'undecided', 'real') })).blocked).toEqual([]);
  });

  const refuse = async () => {
    throw new Error('AccessDenied');
  };
  test.each<[string, Partial<TransformDeps>]>([
    ['DNS breaks', { judge: refuse }],
    ['WAF refuses', { block: refuse }],
    ['DNS hangs', { judge: never, sleep: async () => {} }],
    ['WAF hangs', { block: never, sleep: async () => {} }],
  ])('hands on every record also where %s (partial failure)', async (_, deps) => {
    const { outputs, problem } = await run(deps);
    expect(outputs.map(({ recordId, result }) => [recordId, result])).toEqual([
      ['0', 'Ok'],
      ['1', 'Ok'],
      ['2', 'ProcessingFailed'],
    ]);
    expect(problem).toBeInstanceOf(Error);
  });

  test('without a suspect asks nobody', async () => {
    const transformed = await transform([recordOf('0', logOf('192.0.2.1', firefox))], {
      crawlers,
      allows: () => false,
      judge: refuse,
      block: refuse,
      limitMs: 1,
      sleep: never,
    });
    expect(transformed).toMatchObject({ judged: [], outputs: [{ result: 'Ok' }] });
    expect(transformed.problem).toBeUndefined();
  });

  test('whose suspects are all undecided speaks of a broken DNS, from three on', () => {
    const { suspects } = read(...['192.0.2.1', '192.0.2.2', '192.0.2.3'].map((ip) => logOf(ip, googlebot)));
    expect(isDnsBroken(judged(suspects, 'undecided', 'undecided', 'undecided'))).toBe(true);
    expect(isDnsBroken(judged(suspects, 'undecided', 'undecided', 'fake'))).toBe(false);
    expect(isDnsBroken(judged(suspects.slice(1), 'undecided', 'undecided'))).toBe(false);
    expect(isDnsBroken([])).toBe(false);
  });
});

describe('looking up', () => {
  const { suspects } = read(...Array.from({ length: 40 }, (_, index) => logOf(`192.0.2.${index}`, googlebot)));
  const undecided = (all: readonly Judged[]) => all.filter(({ verdict }) => verdict.kind === 'undecided');

  test('asks about a bounded number of addresses, so many at a time, and until a bounded instant', async () => {
    let [asked, open, mostOpen] = [0, 0, 0];
    const dns: Dns = {
      pointers: async () => {
        asked += 1;
        open += 1;
        mostOpen = Math.max(mostOpen, open);
        await new Promise(setImmediate);
        open -= 1;
        return { kind: 'none' };
      },
      addresses: async () => ({ kind: 'none' }),
      close: () => {},
    };
    const options = { dns, atOnce: 4, most: 30, untilMs: 20, now: () => asked };
    const all = await judge(suspects, options);
    expect(mostOpen).toBe(4);
    expect(asked).toBe(20);
    expect(new Set(all.map(({ address }) => address.text)).size).toBe(40);
    expect(undecided(all)).toHaveLength(20);
    expect(undecided(await judge(suspects, { ...options, untilMs: 100 }))).toHaveLength(10);
  });
});
