import { describe, expect, test } from 'vitest';
import { type StuckMemory, stuck } from './stuck.ts';

const settings = { rule: 'stuck', afterMs: 100, tolerance: 0, maxGapMs: 50 } as const;

function run(points: readonly (readonly [monotonicMs: number, value: number])[], changed: { tolerance?: number } = {}) {
  let memory: StuckMemory | undefined;
  return points.map(([monotonicMs, value]) => {
    const judged = stuck({ ...settings, ...changed }, memory, { atMs: 7_000 + monotonicMs, monotonicMs, value });
    memory = judged.state;
    return judged.verdict;
  });
}

const kinds = (...given: Parameters<typeof run>) => run(...given).map(({ kind }) => kind);
const same = (fromMs: number, toMs: number, value: number) =>
  Array.from({ length: (toMs - fromMs) / 20 + 1 }, (_, index) => [fromMs + index * 20, value] as const);

describe('stuck', () => {
  test('breaches after afterMs without a change, since the value was first read', () => {
    const verdicts = run(same(0, 100, 21));
    expect(verdicts.slice(0, 5).every(({ kind }) => kind === 'clear')).toBe(true);
    expect(verdicts[5]).toMatchObject({
      kind: 'breaching',
      value: 21,
      limit: null,
      since: { atMs: 7_000, monotonicMs: 0 },
    });
  });

  test('any change clears it and begins a new run', () => {
    const verdicts = run([...same(0, 120, 21), ...same(140, 240, 21.01)]);
    expect(verdicts[7]).toEqual({ kind: 'clear', value: 21.01 });
    expect(verdicts.at(-1)).toMatchObject({ kind: 'breaching', since: { monotonicMs: 140 } });
  });

  test('a tolerance is counted from the first value of the run, so that creeping away is a change', () => {
    const jitter = [0, 0.1, -0.1, 0.1, 0, 0.1].map((value, index) => [index * 20, value] as const);
    expect(kinds(jitter, { tolerance: 0.1 }).at(-1)).toBe('breaching');
    const creep = [0, 0.05, 0.1, 0.15, 0.2, 0.25].map((value, index) => [index * 20, value] as const);
    expect(kinds(creep, { tolerance: 0.1 }).at(-1)).toBe('clear');
  });

  test('the same value after a gap proves nothing: neither stuck nor clear until it has lasted again', () => {
    const verdicts = kinds([...same(0, 100, 21), ...same(200, 300, 21)]);
    expect(verdicts.slice(5)).toEqual([
      'breaching',
      'unknown',
      'unknown',
      'unknown',
      'unknown',
      'unknown',
      'breaching',
    ]);
  });

  test('another value after a gap is a change', () => {
    expect(kinds([...same(0, 100, 21), [200, 22]]).at(-1)).toBe('clear');
  });
});
