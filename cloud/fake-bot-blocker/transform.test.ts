import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { withinRanges } from './address.ts';
import { blockRule } from './contract.ts';
import { crawlersCalled } from './crawlers.ts';
import type { Answer, Verdict } from './decide.ts';
import type { Dns } from './dns.ts';
import { type Judged, judge, type Suspect } from './judge.ts';
import { readRecords } from './read-records.ts';
import { bingbot, firefox, googlebot, logOf, recordOf } from './test-logs.ts';
import { failedLookUps, mostCaught, type TransformDeps, transform } from './transform.ts';

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
      block: async (addresses) => {
        blocked.push(...addresses.map(({ text }) => text));
        return 3;
      },
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

  test('blocks a bounded number of fakes, however many there are', async () => {
    const [suspect] = read(logOf('192.0.2.1', googlebot)).suspects;
    if (suspect === undefined) throw new Error('no suspect');
    const many = Array.from(
      { length: mostCaught + 1 },
      (): Judged => ({ ...suspect, verdict: { kind: 'fake', why: '' } }),
    );
    const { blocked, leftOver } = await run({ judge: async () => many });
    expect(blocked).toHaveLength(mostCaught);
    // One of the batch, and three that the hour does not take.
    expect(leftOver).toBe(4);
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
});

describe('looking up', () => {
  const { suspects } = read(...Array.from({ length: 40 }, (_, index) => logOf(`192.0.${index}.1`, googlebot)));
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
    const options = { dns, atOnce: 4, most: 30, mostANetwork: 8, untilMs: 20, now: () => asked, random: () => 0 };
    const all = await judge(suspects, options);
    expect(mostOpen).toBe(4);
    expect(asked).toBe(20);
    expect(new Set(all.map(({ address }) => address.text)).size).toBe(40);
    expect(undecided(all)).toHaveLength(20);
    expect(undecided(await judge(suspects, { ...options, untilMs: 100 }))).toHaveLength(10);
  });

  test.each([
    ['/64', (index: number) => `2001:db8:0:1::${index.toString(16)}`],
    ['/24', (index: number) => `203.0.113.${index}`],
  ])('takes a few addresses of one %s, so that its silent zone leaves time for all others', async (_, nth) => {
    const flood = Array.from({ length: 250 }, (_, index) => logOf(nth(index), googlebot));
    const all = read(...flood, logOf('192.0.2.7', googlebot), logOf('2001:db8:0:2::7', googlebot)).suspects;
    let silentMs = 0;
    const dns: Dns = {
      pointers: async ({ text }) => {
        if ((text.endsWith('.7') && text.startsWith('192')) || text.endsWith('2::7')) return { kind: 'none' };
        silentMs += 1_500;
        return { kind: 'failed', why: 'ETIMEOUT' };
      },
      addresses: async () => ({ kind: 'none' }),
      close: () => {},
    };
    const judged = await judge(all, {
      ...{ dns, atOnce: 1, most: 100, mostANetwork: 8, untilMs: 20_000, now: () => silentMs, random: () => 0 },
    });
    expect(judged).toHaveLength(252);
    expect(silentMs).toBe(8 * 1_500);
    expect(judged.filter(({ verdict }) => verdict.kind === 'fake').map(({ address }) => address.text)).toEqual([
      '192.0.2.7',
      '2001:db8:0:2::7',
    ]);
  });

  test('counts who was asked about, and who of these was not answered for', async () => {
    const answers = (text: string): Answer => {
      if (text === '192.0.0.1') return { kind: 'none' };
      return text === '192.0.1.1'
        ? { kind: 'found', values: ['crawl-1.googlebot.com'] }
        : { kind: 'failed', why: 'ETIMEOUT' };
    };
    const dns: Dns = {
      pointers: async ({ text }) => answers(text),
      addresses: async () => ({ kind: 'failed', why: 'ETIMEOUT' }),
      close: () => {},
    };
    const options = { dns, atOnce: 1, most: 5, mostANetwork: 8, untilMs: 1, now: () => 0, random: () => 0 };
    expect(failedLookUps(await judge(suspects, options))).toEqual([0, 1, 1, 1, 1]);
    expect(failedLookUps(await judge(suspects, { ...options, untilMs: 0 }))).toEqual([]);
    expect(failedLookUps(await judge(suspects.slice(0, 1), options))).toEqual([0]);
  });

  test('begins with whom chance says, and not with who came first', async () => {
    const asked: string[] = [];
    const dns: Dns = {
      pointers: async ({ text }) => {
        asked.push(text);
        return { kind: 'none' };
      },
      addresses: async () => ({ kind: 'none' }),
      close: () => {},
    };
    let chance = 1;
    const random = () => (chance -= 0.01);
    await judge(suspects, { dns, atOnce: 1, most: 30, mostANetwork: 8, untilMs: 1, now: () => 0, random });
    expect(asked).toEqual(
      suspects
        .slice(10)
        .map(({ address }) => address.text)
        .toReversed(),
    );
  });
});
