import { describe, expect, test } from 'vitest';
import { noData, silenceDueMs } from './no-data.ts';

const settings = { rule: 'no-data', afterMs: 100 } as const;
const last = { atMs: 9_000, monotonicMs: 50 };

describe('no data', () => {
  test('the first tick of a sensor that never spoke begins the silence', () => {
    const at = { atMs: 9_000, monotonicMs: 50 };
    expect(noData(settings, undefined, 'tick', at)).toEqual({ state: at, verdict: { kind: 'unknown' } });
  });

  test.each([
    [149, 'unknown'],
    [150, 'breaching'],
    [9_999, 'breaching'],
  ])('after a reading at 50 a tick at %d is %s', (monotonicMs, kind) => {
    const { state, verdict } = noData(settings, last, 'tick', { atMs: 0, monotonicMs });
    expect(state).toBe(last);
    expect(verdict.kind).toBe(kind);
  });

  test('it breaches since the last reading, without value and limit', () => {
    const { verdict } = noData(settings, last, 'tick', { atMs: 0, monotonicMs: 150 });
    expect(verdict).toMatchObject({ value: null, limit: null, since: last });
  });

  test('only a reading clears it', () => {
    const at = { atMs: 1, monotonicMs: 500 };
    expect(noData(settings, last, 'reading', at)).toEqual({ state: at, verdict: { kind: 'clear', value: null } });
  });

  test('silence counts from the restart of who listens, not before', () => {
    expect(silenceDueMs(settings, { ...last, countsFromMs: 400 })).toBe(500);
    expect(silenceDueMs(settings, { ...last, countsFromMs: 20 })).toBe(150);
  });
});
