import { describe, expect, test } from 'vitest';
import {
  expressBreakEvenMs,
  expressUsd,
  filterSavings,
  functionUsd,
  gbSeconds,
  httpApiSavings,
  messagesUsd,
  packingSavings,
} from './cost-model.ts';
import { analyse, measurements } from './power-tuning.ts';
import { postPrices, priceBook } from './price-book.ts';

const cents = (usd: number) => usd.toFixed(2);

describe("the post's tables", () => {
  test.each([
    [128, 125_000, '2.08', '2.28'],
    [512, 500_000, '8.34', '8.54'],
    [1_024, 1_000_000, '16.67', '16.87'],
    [1_536, 1_500_000, '25.01', '25.21'],
    [2_048, 2_000_000, '33.34', '33.54'],
    [3_008, 2_937_500, '48.97', '49.17'],
  ])('a million seconds at %i MB are %i GB-s, %s $, with the requests %s $', (memoryMb, seconds, compute, total) => {
    const use = { invocations: 1_000_000, memoryMb, durationMs: 1_000 };
    expect(gbSeconds(use)).toBe(seconds);
    const usd = functionUsd(use, postPrices);
    expect([cents(usd.compute), cents(usd.total)]).toEqual([compute, total]);
  });

  test('100 million messages of 1 KB are 50 $, packed 1,562,500 of 64 KB for 0.78 $', () => {
    const saved = packingSavings(100_000_000, 1_024, postPrices.messageRequestUsd);
    expect([cents(saved.unpackedUsd), saved.messages, cents(saved.packedUsd)]).toEqual(['50.00', 1_562_500, '0.78']);
  });

  test('a message of 256 KB is four requests', () => {
    expect(messagesUsd(1, 256 * 1_024, 1)).toBe(4);
    expect(messagesUsd(1, 256 * 1_024 + 1, 1)).toBe(5);
    expect(messagesUsd(1, 0, 1)).toBe(1);
  });

  test('a filter that lets a quarter through saves three quarters of the compute', () => {
    expect(filterSavings(0.25)).toBe(0.75);
  });

  test('an HTTP API costs about 70 % less than a REST API', () => {
    expect(httpApiSavings(priceBook)).toBeCloseTo(0.71, 2);
  });
});

test('an Express workflow is the cheaper one up to its break-even, not after it', () => {
  const ms = expressBreakEvenMs(10, 64, priceBook);
  const standard = 10 * priceBook.standardTransitionUsd;
  expect(expressUsd(ms - 100, 64, priceBook)).toBeLessThan(standard);
  expect(expressUsd(ms + 100, 64, priceBook)).toBeGreaterThan(standard);
  expect(expressBreakEvenMs(0, 64, priceBook)).toBe(0);
});

describe('the analyser of power tuning', () => {
  const run = (memoryMb: number, ...durationsMs: number[]) => ({ memoryMb, durationsMs });
  const results = [
    run(1_024, 100, 100, 100, 100, 100),
    run(128, 900, 1, 900, 900, 9_999),
    run(512, 190, 190, 190, 190, 190),
  ];
  const best = (strategy: Parameters<typeof analyse>[1]) => analyse(results, strategy, 0.000_016_67).best.memoryMb;

  test('discards a fifth at each end, and prices the mean by the millisecond', () => {
    const { points } = analyse(results, { kind: 'cost' }, 0.000_016_67);
    expect(points.map(({ memoryMb, durationMs }) => [memoryMb, durationMs])).toEqual([
      [128, 900],
      [512, 190],
      [1_024, 100],
    ]);
    expect(points[0]?.usd).toBeCloseTo(900 * 0.125 * 0.001 * 0.000_016_67, 12);
  });

  test('finds the cheapest, the fastest, and what lies between', () => {
    expect(best({ kind: 'cost' })).toBe(512);
    expect(best({ kind: 'speed' })).toBe(1_024);
    expect([0, 0.5, 1].map((weight) => best({ kind: 'balanced', weight }))).toEqual([1_024, 1_024, 512]);
  });

  const stats = [
    { value: 128, averagePrice: 0.000_002_1, averageDuration: 1_000.5, totalCost: 0.000_021 },
    { value: 256, averagePrice: 0.000_002_1, averageDuration: 480.25, totalCost: 0.000_021 },
    null,
    { value: 1_024, averagePrice: 0.000_004_2, averageDuration: 240.125, totalCost: 0.000_042 },
  ];
  const float32 = (values: readonly number[]) => Buffer.from(new Float32Array(values).buffer).toString('base64');
  const measured = stats.filter((one) => one !== null);
  const chart = [
    Buffer.from(new Int16Array(measured.map(({ value }) => value)).buffer).toString('base64'),
    float32(measured.map(({ averageDuration }) => averageDuration)),
    float32(measured.map(({ averagePrice }) => averagePrice)),
  ].join(';');
  const bare = {
    ...{ power: '256', cost: 0.000_002_1, duration: 480.25 },
    stateMachine: {
      ...{ executionCost: 0.000_3, lambdaCost: 0.000_084 },
      visualization: `https://lambda-power-tuning.show/#${chart}`,
    },
  };

  test.each([
    ['with statistics', { ...bare, stats }],
    ['without, from the address of its chart', bare],
    ['as results', { results: { ...bare, stats } }],
  ])("reads the tool's own output %s, with its prices", (_, output) => {
    const { points, best } = analyse(measurements.parse(output), { kind: 'cost' }, 1);
    expect(points.map(({ memoryMb, durationMs }) => [memoryMb, durationMs])).toEqual([
      [128, 1_000.5],
      [256, 480.25],
      [1_024, 240.125],
    ]);
    expect(points[2]?.usd).toBeCloseTo(0.000_004_2, 12);
    // Of the two that cost the same the faster one, which is the tool's own choice.
    expect(best.memoryMb).toBe(Number(bare.power));
  });

  test('says what to do about output that has neither statistics nor chart', () => {
    const parsed = measurements.safeParse({ ...bare, stateMachine: {} });
    expect(JSON.stringify(parsed.error)).toContain('includeOutputResults');
  });
});
