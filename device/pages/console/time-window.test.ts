import fc from 'fast-check';
import { expect, test } from 'vitest';
import { around, fixed, moved, stretchOf, type TimeWindow, zoomed } from './time-window.ts';

const nowMs = Date.parse('2026-03-01T12:00:00Z');
const dayMs = 86_400_000;
const hourMs = 3_600_000;
const live: TimeWindow = { kind: 'live', spanMs: hourMs };

test('a live window moves back, on, and is live again at the present', () => {
  const earlier = moved(live, -0.5, nowMs, dayMs);
  expect(earlier).toEqual({ kind: 'fixed', fromMs: nowMs - 1.5 * hourMs, toMs: nowMs - 0.5 * hourMs });
  expect(moved(earlier, 0.25, nowMs, dayMs)).toMatchObject({ kind: 'fixed' });
  expect(moved(earlier, 0.5, nowMs, dayMs)).toEqual(live);
});

test('looking closer keeps the middle, and a live window at the present', () => {
  const chosen: TimeWindow = { kind: 'fixed', fromMs: nowMs - 3 * hourMs, toMs: nowMs - hourMs };
  expect(zoomed(chosen, 0.5, nowMs, dayMs)).toEqual({
    ...{ kind: 'fixed', fromMs: nowMs - 2.5 * hourMs, toMs: nowMs - 1.5 * hourMs },
  });
  expect(zoomed(live, 0.5, nowMs, dayMs)).toEqual({ kind: 'live', spanMs: hourMs / 2 });
});

test('no window leaves what is kept, or becomes too narrow to see anything', () => {
  const window = fc.oneof(
    fc.record({ kind: fc.constant('live' as const), spanMs: fc.integer({ min: 10_000, max: dayMs }) }),
    fc
      .tuple(fc.integer({ min: 0, max: dayMs }), fc.integer({ min: 0, max: dayMs }))
      .map(([a, b]) => fixed({ fromMs: nowMs - Math.max(a, b), toMs: nowMs - Math.min(a, b) }, nowMs, dayMs)),
  );
  const step = fc.oneof(
    fc.double({ min: -2, max: 2, noNaN: true }).map((by) => (from: TimeWindow) => moved(from, by, nowMs, dayMs)),
    fc.double({ min: 0.1, max: 4, noNaN: true }).map((by) => (from: TimeWindow) => zoomed(from, by, nowMs, dayMs)),
  );
  fc.assert(
    fc.property(window, fc.array(step, { maxLength: 10 }), (begin, steps) => {
      const { fromMs, toMs } = stretchOf(
        steps.reduce<TimeWindow>((from, next) => next(from), begin),
        nowMs,
      );
      expect(fromMs).toBeGreaterThanOrEqual(nowMs - dayMs - 1);
      expect(toMs).toBeLessThanOrEqual(nowMs + 1);
      expect(toMs - fromMs).toBeGreaterThanOrEqual(9_999);
    }),
  );
});

test('a breach is shown with what was around it, up to the present while it lasts', () => {
  const { fromMs, toMs } = stretchOf(around(nowMs - 3 * hourMs, nowMs - 2 * hourMs, nowMs, dayMs), nowMs);
  expect([nowMs - fromMs, nowMs - toMs]).toEqual([3.5 * hourMs, 1.5 * hourMs]);
  expect(stretchOf(around(nowMs - hourMs, null, nowMs, dayMs), nowMs).toMs).toBe(nowMs);
});
