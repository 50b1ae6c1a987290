import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { breachesIn, type LimitParameters, type PublishedReading, promisedBreaches } from './truth.ts';

const upper: LimitParameters = {
  rule: 'upper',
  metric: 'temperature',
  limit: 30,
  deadband: 1,
  onDelayMs: 0,
  offDelayMs: 0,
};
const noData = { rule: 'no-data', noDataAfterMs: 60 } as const;

/** One reading each 10 ms, from 0 on; undefined is none. */
function readings(values: readonly (number | undefined)[], metric = 'temperature'): PublishedReading[] {
  return values.flatMap((value, index) =>
    value === undefined ? [] : [{ site: 'home', deviceId: 'pi', atMs: index * 10, metrics: { [metric]: value } }],
  );
}

const spans = (list: readonly { startedAtMs: number; endedAtMs: number | null }[]) =>
  list.map(({ startedAtMs, endedAtMs }) => [startedAtMs, endedAtMs]);

describe('breaches of a limit', () => {
  test('begin above it and end at or below limit minus deadband, not inside the deadband', () => {
    expect(spans(breachesIn(readings([30, 30.1, 29.5, 29.1, 29, 29.5]), [upper]))).toEqual([[10, 40]]);
  });

  test('of a lower limit are the mirror', () => {
    const lower: LimitParameters = { ...upper, rule: 'lower', limit: 5 };
    expect(spans(breachesIn(readings([5, 4.9, 5.5, 5.9, 6, 5.5]), [lower]))).toEqual([[10, 40]]);
  });

  test('fire at the first reading at which they have lasted long enough, with their first breaching reading', () => {
    const delayed = { ...upper, onDelayMs: 25 };
    const [breach] = breachesIn(readings([31, 29.5, 29.5, 29.5, 20]), [delayed]);
    expect(breach).toMatchObject({ startedAtMs: 0, firedAtMs: 30, endedAtMs: 40 });
    expect(breachesIn(readings([31, 31, 29, 31, 31, 20]), [delayed])).toEqual([]);
  });

  test('end with the first reading of a clear that lasted long enough', () => {
    const slow = { ...upper, offDelayMs: 20 };
    const found = breachesIn(readings([31, 20, 31, 20, 29.5, 29.5, 31]), [slow]);
    expect(spans(found)).toEqual([
      [0, 30],
      [60, null],
    ]);
    expect(found[0]?.resolvedAtMs).toBe(50);
  });

  test('go on through a silence', () => {
    const gap = readings([31, ...Array<undefined>(10).fill(undefined), 31, 20]);
    expect(spans(breachesIn(gap, [upper, noData]))).toEqual([
      [0, 120],
      [0, 110],
    ]);
  });

  test('are measured on the monotonic clock and told in wall time', () => {
    const jumped = [31, 31, 20].map((value, index) => ({
      site: 'home',
      deviceId: 'pi',
      atMs: index === 0 ? 0 : 3_600_000 + index,
      monotonicMs: index * 10,
      bootId: 'a',
      metrics: { temperature: value },
    }));
    expect(breachesIn(jumped, [{ ...upper, onDelayMs: 30 }])).toEqual([]);
    expect(spans(breachesIn(jumped, [{ ...upper, onDelayMs: 10 }]))).toEqual([[0, 3_600_002]]);
  });

  test('that began before the clock was right are told as it was found to be', () => {
    const stamped = [31, 31, 20].map((value, index) => ({
      site: 'home',
      deviceId: 'pi',
      atMs: index === 0 ? 5 : 3_600_000 + index * 10,
      monotonicMs: index * 10,
      bootId: 'a',
      clockSynchronised: index > 0,
      metrics: { temperature: value },
    }));
    expect(breachesIn(stamped, [upper])).toMatchObject([
      { startedAtMs: 3_600_000, endedAtMs: 3_600_020, clockWasWrong: true },
    ]);
  });

  test('are not disturbed by a reading that was delivered twice, late', () => {
    const at = (monotonicMs: number, value: number) => ({
      site: 'home',
      deviceId: 'pi',
      atMs: monotonicMs,
      monotonicMs,
      bootId: 'a',
      metrics: { temperature: value },
    });
    expect(spans(breachesIn([at(0, 20), at(10, 31), at(0, 20), at(20, 31), at(30, 20)], [upper]))).toEqual([[10, 30]]);
  });

  test('of one device know nothing of another', () => {
    const other = readings([20, 20, 20]).map((reading) => ({ ...reading, deviceId: 'other' }));
    expect(spans(breachesIn([...readings([31]), ...other], [upper]))).toEqual([[0, null]]);
  });

  test('without delays and deadband are the runs above the limit', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 28, max: 32 })), (values) => {
        const runs: (number | null)[][] = [];
        for (const [index, value] of values.entries()) {
          const above = value > 30;
          const last = runs.at(-1);
          if (above && (last === undefined || last[1] !== null)) runs.push([index * 10, null]);
          else if (!above && last !== undefined && last[1] === null) last[1] = index * 10;
        }
        expect(spans(breachesIn(readings(values), [{ ...upper, deadband: 0 }]))).toEqual(runs);
      }),
    );
  });
});

describe('silences', () => {
  const gapOf = (tens: number) => readings([1, ...Array<undefined>(tens - 1).fill(undefined), 1]);

  test('begin with the last reading and end with the next', () => {
    expect(spans(breachesIn(gapOf(7), [noData]))).toEqual([[0, 70]]);
    expect(breachesIn(gapOf(5), [noData])).toEqual([]);
  });

  test('that are as long as their rule may fire or not', () => {
    expect(breachesIn(gapOf(6), [noData])).toMatchObject([{ optional: true }]);
    expect(breachesIn(gapOf(7), [noData], { timerSlackMs: 10 })).toMatchObject([{ optional: true }]);
  });

  test('at the end count up to where somebody listened', () => {
    expect(spans(breachesIn(readings([1]), [noData], { watchedUntilMs: 100 }))).toEqual([[0, null]]);
    expect(breachesIn(readings([1]), [noData])).toEqual([]);
  });

  test('count only while somebody listened', () => {
    const downtimes = [{ fromMs: 30, toMs: 60 }];
    expect(breachesIn(gapOf(11), [noData], { downtimes })).toEqual([]);
    expect(breachesIn(gapOf(13), [noData], { downtimes })).toMatchObject([{ startedAtMs: 0, firedAtMs: 120 }]);
  });

  test('between two boots may fire or not', () => {
    const boots = gapOf(11).map((reading, index) => ({ ...reading, bootId: `boot-${index}` }));
    const downtimes = [{ fromMs: 0, toMs: 110 }];
    expect(breachesIn(boots, [noData], { downtimes })).toMatchObject([
      { startedAtMs: 0, endedAtMs: 110, optional: true },
    ]);
  });
});

test('the breaches of a scenario count from its start', () => {
  const promised = [{ metric: '*', rule: 'no-data', startedAfterMs: 4, endedAfterMs: 16 }];
  expect(promisedBreaches(promised, { site: 'home', deviceId: 'pi', startedAtMs: 1_000 })).toMatchObject([
    { site: 'home', deviceId: 'pi', metric: '*', rule: 'no-data', startedAtMs: 1_004, endedAtMs: 1_016 },
  ]);
});
