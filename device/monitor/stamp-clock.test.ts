import { describe, expect, test } from 'vitest';
import { manualTime } from '../platform/time.ts';
import type { ClockState } from './machine-clock.ts';
import { createStampClock } from './stamp-clock.ts';

function setUp(initial: ClockState) {
  const time = manualTime(1_000_000, 500);
  const machine = { state: initial };
  const clock = createStampClock(time, { bootId: 'boot', state: () => machine.state });
  return { time, machine, clock, setBy: (ms: number) => time.setWall(time.wallMs() + ms) };
}
const known = (synchronised: boolean): ClockState => ({ synchronised, source: 'chrony' });

describe('the clock that stamps are made by', () => {
  test.each([
    { case: 'unsynchronised, set forward', before: known(false), after: known(false), byMs: 5_000, found: 5_000 },
    {
      case: 'unsynchronised, set back, and synchronised now',
      before: known(false),
      after: known(true),
      byMs: -5_000,
      found: -5_000,
    },
    {
      case: 'unsynchronised, and it was right all the time',
      before: known(false),
      after: known(true),
      byMs: 0,
      found: 0,
    },
    {
      case: 'unsynchronised, steered by less than a second',
      before: known(false),
      after: known(false),
      byMs: 999,
      found: undefined,
    },
    { case: 'synchronised, set', before: known(true), after: known(true), byMs: 5_000, found: undefined },
    { case: 'synchronised, and then not', before: known(true), after: known(false), byMs: 5_000, found: undefined },
    {
      case: 'nothing is known, set',
      before: { synchronised: false, source: 'none' },
      after: { synchronised: false, source: 'none' },
      byMs: 5_000,
      found: undefined,
    },
    {
      case: 'nothing was known, and now it is right',
      before: { synchronised: false, source: 'none' },
      after: known(true),
      byMs: 5_000,
      found: 5_000,
    },
  ])('$case', ({ before, after, byMs, found }) => {
    const { clock, machine, setBy, time } = setUp(before);
    clock.observe();
    time.advance(60_000);
    setBy(byMs);
    machine.state = after;
    expect(clock.observe()?.byMs).toBe(found);
    expect(clock.observe()).toBeUndefined();
  });

  test('corrects only since it is wrong', () => {
    const { clock, machine, setBy, time } = setUp(known(true));
    time.advance(1_000);
    machine.state = known(false);
    clock.observe();
    setBy(5_000);
    expect(clock.observe()).toEqual({ byMs: 5_000, sinceMonotonicMs: 1_500 });
  });

  test('knows the error of stamps of this boot alone', () => {
    const { clock, setBy } = setUp(known(false));
    const made = clock.stamp();
    setBy(7_000);
    expect(clock.errorOf(made)).toBe(7_000);
    expect(clock.errorOf({ ...made, bootId: 'another' })).toBe(0);
    expect(clock.errorOf({ ...made, synchronised: true })).toBe(0);
  });
});
