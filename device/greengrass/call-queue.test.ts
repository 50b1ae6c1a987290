import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createCallQueue } from './call-queue.ts';

describe('calls to the nucleus', () => {
  test('of one lane follow one another, those of another do not wait for them', () => {
    const queue = createCallQueue({ underWay: 8, waiting: 100 });
    const started: string[] = [];
    const enter = (lane: string, name: string) => queue.enter(lane, () => started.push(name));
    const leave = enter('readings', 'reading 1');
    enter('readings', 'reading 2');
    enter('anomalies', 'anomaly');
    expect(started).toEqual(['reading 1', 'anomaly']);
    leave?.();
    leave?.();
    expect(started).toEqual(['reading 1', 'anomaly', 'reading 2']);
  });

  test('that were given up while they waited do not start', () => {
    const queue = createCallQueue({ underWay: 1, waiting: 100 });
    const started: string[] = [];
    const first = queue.enter('a', () => started.push('first'));
    const second = queue.enter('b', () => started.push('second'));
    queue.enter('c', () => started.push('third'));
    second?.();
    first?.();
    expect(started).toEqual(['first', 'third']);
  });

  test('beyond the bound are refused', () => {
    const queue = createCallQueue({ underWay: 1, waiting: 2 });
    const answers = Array.from({ length: 4 }, () => queue.enter('a', () => {}) !== undefined);
    expect(answers).toEqual([true, true, true, false]);
  });

  test('whatever comes and goes: never too many, in order within a lane, and all in the end', () => {
    const lanes = fc.array(fc.record({ lane: fc.constantFrom('a', 'b', 'c'), leaves: fc.nat({ max: 3 }) }));
    fc.assert(
      fc.property(lanes, fc.integer({ min: 1, max: 3 }), (calls, most) => {
        const queue = createCallQueue({ underWay: most, waiting: 1_000 });
        const order: Record<string, number[]> = { a: [], b: [], c: [] };
        const running: (() => void)[] = [];
        let underWay = 0;
        for (const [index, { lane, leaves }] of calls.entries()) {
          let leave: (() => void) | undefined;
          const end = () => {
            underWay -= 1;
            leave?.();
          };
          leave = queue.enter(lane, () => {
            underWay += 1;
            expect(underWay).toBeLessThanOrEqual(most);
            order[lane]?.push(index);
            running.push(end);
          });
          for (const done of running.splice(0, leaves)) done();
        }
        for (let done = running.shift(); done !== undefined; done = running.shift()) done();
        expect(Object.values(order).flat()).toHaveLength(calls.length);
        for (const indexes of Object.values(order)) expect(indexes).toEqual(indexes.toSorted((a, b) => a - b));
      }),
    );
  });
});
