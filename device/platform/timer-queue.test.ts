import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { timerQueue } from './timer-queue.ts';

describe('timerQueue', () => {
  test('gives timers by instant and, within one, in the order in which they were added; cancelled ones never', () => {
    const timers = fc.array(fc.record({ at: fc.integer({ min: 0, max: 50 }), cancel: fc.boolean() }), {
      maxLength: 300,
    });
    fc.assert(
      fc.property(timers, (wanted) => {
        const queue = timerQueue();
        const ran: number[] = [];
        const handles = wanted.map((timer, index) => queue.add(timer.at, () => ran.push(index)));
        handles.forEach((handle, index) => {
          if (wanted[index]?.cancel === true) handle.cancel();
        });
        for (let next = queue.first(); next !== undefined; next = queue.first()) {
          queue.removeFirst();
          next.task();
        }
        const expected = wanted
          .map((timer, index) => ({ ...timer, index }))
          .filter((timer) => !timer.cancel)
          .sort((one, other) => one.at - other.at || one.index - other.index);
        expect(ran).toEqual(expected.map((timer) => timer.index));
      }),
    );
  });

  test('cancelling a timer that has run changes nothing', () => {
    const queue = timerQueue();
    const first = queue.add(1, () => undefined);
    queue.add(2, () => undefined);
    queue.removeFirst();
    first.cancel();
    expect(queue.first()?.at).toBe(2);
  });

  test('100,000 timers that are added and cancelled do not pile up behind one that lives', () => {
    const queue = timerQueue();
    queue.add(1e9, () => undefined);
    for (let index = 0; index < 100_000; index += 1) queue.add(index, () => undefined).cancel();
    expect(queue.size()).toBeLessThan(200);
    expect(queue.first()?.at).toBe(1e9);
  });
});
