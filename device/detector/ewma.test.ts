import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type EwmaMemory, type EwmaSettings, ewma } from './ewma.ts';

const hour = 3_600_000;
const every = 10_000;
const settings: EwmaSettings = {
  rule: 'ewma',
  halfLifeMs: hour,
  deviations: 4,
  minDeviation: 0.1,
  warmUpMs: hour,
  maxGapMs: 60_000,
};

/** Feeds values at a steady interval and goes on from `memory`. */
function run(
  values: readonly number[],
  from?: EwmaMemory,
  startMs = 0,
  intervalMs = every,
  changed: Partial<EwmaSettings> = {},
) {
  let memory = from;
  const verdicts = values.map((value, index) => {
    const sample = { atMs: 0, monotonicMs: startMs + index * intervalMs, value };
    const judged = ewma({ ...settings, ...changed }, memory, sample);
    memory = judged.state;
    return judged.verdict;
  });
  if (memory === undefined) throw new Error('no values');
  return { verdicts, kinds: verdicts.map(({ kind }) => kind), memory };
}

/** Mean 20, standard deviation 1. */
const square = (count: number) => Array.from({ length: count }, (_, index) => (index % 2 === 0 ? 19 : 21));
const learned = () => run(square(4 * 361));
const next = (memory: EwmaMemory) => memory.lastMonotonicMs + every;

describe('ewma', () => {
  test('says nothing before it has learned for warmUpMs, and judges from then on', () => {
    const { kinds } = run(square(400));
    expect(kinds.slice(0, 361).every((kind) => kind === 'unknown')).toBe(true);
    expect(kinds.slice(361).every((kind) => kind === 'clear')).toBe(true);
  });

  test('has the mean and the spread of what it saw already at the end of the warm-up', () => {
    const { memory } = run(square(361));
    expect(memory.mean).toBeCloseTo(20, 1);
    expect(Math.sqrt(memory.variance)).toBeCloseTo(1, 1);
  });

  test.each([
    [23.8, 'clear'],
    [24.3, 'breaching'],
    [16.2, 'clear'],
    [15.7, 'breaching'],
  ])('with mean 20 and σ 1, %d is %s', (value, kind) => {
    const { memory } = learned();
    expect(run([value], memory, next(memory)).kinds).toEqual([kind]);
  });

  test('tells the bound that was crossed, on the side where it was crossed', () => {
    const { memory } = learned();
    const limitOf = (value: number) => {
      const verdict = run([value], memory, next(memory)).verdicts[0];
      return verdict?.kind === 'breaching' ? verdict.limit : null;
    };
    expect(limitOf(30)).toBeCloseTo(24, 1);
    expect(limitOf(10)).toBeCloseTo(16, 1);
  });

  test('a quiet signal is given the least deviation', () => {
    const { memory } = run(Array.from({ length: 500 }, () => 20));
    expect(run([20.39], memory, next(memory)).kinds).toEqual(['clear']);
    expect(run([20.41], memory, next(memory)).kinds).toEqual(['breaching']);
  });

  test('a lasting shift does not hide itself at once, and is the new normal after some half-lives', () => {
    const { memory } = learned();
    const shifted = run(
      square(8 * 360).map((value) => value + 20),
      memory,
      next(memory),
    );
    expect(shifted.kinds.slice(0, 360).every((kind) => kind === 'breaching')).toBe(true);
    expect(shifted.kinds.at(-1)).toBe('clear');
  });

  test('what was learned before a gap holds after it, and the gap teaches nothing', () => {
    const { memory } = learned();
    const after = run([20], memory, memory.lastMonotonicMs + 12 * hour);
    expect(after.kinds).toEqual(['clear']);
    expect(after.memory).toEqual({ ...memory, lastMonotonicMs: memory.lastMonotonicMs + 12 * hour });
    expect(run([30], memory, memory.lastMonotonicMs + 12 * hour).kinds).toEqual(['breaching']);
  });

  test('the interval between readings does not matter to what is learned', () => {
    const step = (count: number, share: number) =>
      Array.from({ length: count }, (_, index) => (index < count * share ? 0 : 10));
    const slow = run(step(721, 0.5), undefined, 0, 10_000).memory;
    const fast = run(step(7_201, 0.5), undefined, 0, 1_000).memory;
    expect(fast.mean).toBeCloseTo(slow.mean, 1);
    expect(Math.sqrt(fast.variance)).toBeCloseTo(Math.sqrt(slow.variance), 1);
  });

  test('property: memory stays finite and the mean within what was seen', () => {
    const steps = fc.array(
      fc.tuple(fc.integer({ min: -5_000, max: 90_000 }), fc.double({ min: -1e6, max: 1e6, noNaN: true })),
      {
        minLength: 1,
      },
    );
    fc.assert(
      fc.property(steps, (trace) => {
        let memory: EwmaMemory | undefined;
        let monotonicMs = 0;
        for (const [stepMs, value] of trace) {
          monotonicMs += stepMs;
          memory = ewma(settings, memory, { atMs: 0, monotonicMs, value }).state;
        }
        const values = trace.map(([, value]) => value);
        expect(memory?.mean).toBeGreaterThanOrEqual(Math.min(...values) - 1e-6);
        expect(memory?.mean).toBeLessThanOrEqual(Math.max(...values) + 1e-6);
        expect(memory?.variance).toBeGreaterThanOrEqual(0);
        expect(Number.isFinite(memory?.variance)).toBe(true);
      }),
    );
  });
});
