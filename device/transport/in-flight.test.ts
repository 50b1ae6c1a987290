import fc from 'fast-check';
import { expect, test } from 'vitest';
import { manualTime } from '../platform/time.ts';
import { createInFlight } from './in-flight.ts';
import type { PublishResult } from './transport.ts';

function stage(limits = { messages: 3, bytes: 100 }) {
  const time = manualTime();
  const overdue: number[] = [];
  const inFlight = createInFlight({ time, limits, onOverdue: (waitedMs) => overdue.push(waitedMs) });
  const results: PublishResult[] = [];
  const add = (bytes = 1, timeoutMs = 1_000) => inFlight.add(bytes, timeoutMs, (result) => results.push(result));
  return { time, overdue, inFlight, results, add };
}

test('there is room for so many messages, and for so many bytes', () => {
  const { add, results } = stage();
  const [first] = [add(98), add(1), add(1)];
  expect(add()).toBeUndefined();
  first?.settle({ ok: true });
  expect(results).toEqual([{ ok: true }]);
  expect(add(99)).toBeUndefined();
  expect(add(98)).toBeDefined();
});

test('each message times out at its own time; its room is kept until the peer answers', () => {
  const { add, time, results, overdue } = stage();
  const late = add(1, 1_000);
  add(1, 300);
  add(1, 1_000);
  time.advance(299);
  expect(results).toEqual([]);
  time.advance(1);
  expect(results).toMatchObject([{ reason: 'timeout', message: 'no acknowledgement within 300 ms' }]);
  time.advance(700);
  expect(results).toHaveLength(3);
  expect(overdue).toEqual([300, 1_000]);
  expect(add()).toBeUndefined();
  late?.settle({ ok: true });
  expect(results).toHaveLength(3);
  expect(add()).toBeDefined();
});

test('what is under way is settled once, and no timer is left', () => {
  const { add, inFlight, time, results } = stage();
  const ticket = add();
  add();
  inFlight.settleAll({ ok: false, reason: 'closed', message: 'stopped' });
  ticket?.settle({ ok: true });
  expect(results.map((result) => result.ok)).toEqual([false, false]);
  expect(time.nextTimerAt()).toBeUndefined();
});

test('whatever happens, each message is answered exactly once', () => {
  const step = fc.oneof(
    fc.record({ add: fc.nat({ max: 500 }) }),
    fc.record({ advance: fc.nat({ max: 400 }) }),
    fc.record({ settle: fc.nat({ max: 20 }) }),
    fc.constant('settleAll' as const),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const time = manualTime();
      const inFlight = createInFlight({ time, limits: { messages: 5, bytes: 1_000 }, onOverdue: () => {} });
      const answers: number[] = [];
      const tickets: ReturnType<typeof inFlight.add>[] = [];
      for (const one of steps) {
        if (one === 'settleAll') inFlight.settleAll({ ok: false, reason: 'offline', message: '' });
        else if ('advance' in one) time.advance(one.advance);
        else if ('settle' in one) tickets[one.settle]?.settle({ ok: true });
        else {
          const index = answers.push(0) - 1;
          const ticket = inFlight.add(1, one.add, () => {
            answers[index] = (answers[index] ?? 0) + 1;
          });
          tickets.push(ticket);
          if (ticket === undefined) answers[index] = 1;
        }
      }
      time.advance(501);
      expect(answers.every((count) => count === 1)).toBe(true);
      expect(inFlight.oldestMs() >= 0).toBe(true);
    }),
    { numRuns: 500 },
  );
});
