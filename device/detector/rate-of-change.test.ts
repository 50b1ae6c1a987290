import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type RateOfChangeMemory, type RateOfChangeSettings, rateOfChange } from './rate-of-change.ts';
import type { Verdict } from './verdict.ts';

const minute = 60_000;
const settings: RateOfChangeSettings = {
  rule: 'rate-of-change',
  perMinute: 1,
  windowMs: 5 * minute,
  maxGapMs: minute,
};

type Point = readonly [monotonicMs: number, value: number];

function run(points: readonly Point[], changed: Partial<RateOfChangeSettings> = {}) {
  let memory: RateOfChangeMemory | undefined;
  const verdicts: Verdict[] = [];
  let largest = 0;
  for (const [monotonicMs, value] of points) {
    const judged = rateOfChange({ ...settings, ...changed }, memory, { atMs: 0, monotonicMs, value });
    memory = judged.state;
    verdicts.push(judged.verdict);
    largest = Math.max(largest, memory.samples.length);
  }
  return { verdicts, last: verdicts.at(-1), largest };
}

const ramp = (fromMs: number, toMs: number, perMinute: number, everyMs = 10_000): Point[] =>
  Array.from({ length: (toMs - fromMs) / everyMs + 1 }, (_, index) => {
    const at = fromMs + index * everyMs;
    return [at, (at / minute) * perMinute];
  });

describe('rate of change', () => {
  test('is unknown until the window is full', () => {
    const { verdicts } = run(ramp(0, 6 * minute, 100));
    expect(verdicts.slice(0, 30).every(({ kind }) => kind === 'unknown')).toBe(true);
    expect(verdicts[30]).toMatchObject({ kind: 'breaching', limit: 1 });
  });

  test.each([
    [1.5, { kind: 'breaching', limit: 1 }],
    [-1.5, { kind: 'breaching', limit: 1 }],
    [0.9, { kind: 'clear' }],
    [-0.9, { kind: 'clear' }],
  ])('a steady %d a minute is measured as that, with its sign', (perMinute, expected) => {
    const { last } = run(ramp(0, 20 * minute, perMinute));
    expect(last).toMatchObject(expected);
    expect(last !== undefined && 'value' in last ? last.value : null).toBeCloseTo(perMinute, 9);
  });

  test('exactly the limit is no breach', () => {
    expect(
      run(
        [
          [0, 0],
          [50_000, 5],
        ],
        { windowMs: 50_000, perMinute: 6 },
      ).last,
    ).toMatchObject({ kind: 'clear', value: 6 });
  });

  test('is never measured across a gap: the window begins anew', () => {
    const { verdicts } = run([
      ...ramp(0, 6 * minute, 0),
      ...ramp(7 * minute, 13 * minute, 0).map(([at]) => [at, 500] as const),
    ]);
    expect(verdicts.some(({ kind }) => kind === 'breaching')).toBe(false);
    expect(verdicts[37]?.kind).toBe('unknown');
    expect(verdicts.at(-1)).toMatchObject({ kind: 'clear', value: 0 });
  });

  test('where silence is no rule, readings far apart are measured against each other', () => {
    expect(
      run(
        [
          [0, 0],
          [10 * minute, 20],
        ],
        { maxGapMs: null },
      ).last,
    ).toMatchObject({ kind: 'breaching', value: 2 });
  });

  test('a monotonic clock that went back begins a new window', () => {
    const elsewhere = ramp(0, 8 * minute, 0).map(([at]) => [at, 500] as const);
    const { verdicts } = run([...ramp(0, 6 * minute, 0), ...elsewhere], { maxGapMs: null });
    expect(verdicts.some(({ kind }) => kind === 'breaching')).toBe(false);
    expect(verdicts.at(-1)).toMatchObject({ kind: 'clear', value: 0 });
  });

  test('property: whatever comes, memory is bounded and the span that is measured is the window, give or take a slot', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 59_000 }), fc.integer({ min: -9, max: 9 }))), (steps) => {
        let memory: RateOfChangeMemory | undefined;
        let monotonicMs = 0;
        for (const [stepMs, value] of steps) {
          monotonicMs += stepMs;
          memory = rateOfChange(settings, memory, { atMs: 0, monotonicMs, value }).state;
          expect(memory.samples.length).toBeLessThanOrEqual(14);
          const span = monotonicMs - (memory.samples[0]?.[0] ?? Number.NaN);
          expect(span).toBeLessThan(settings.windowMs + settings.windowMs / 12 + 59_000);
        }
      }),
    );
  });

  test('a reading every 20 ms keeps no more than one a minute does', () => {
    expect(run(ramp(0, 12 * minute, 1, 20)).largest).toBeLessThanOrEqual(14);
  });
});
