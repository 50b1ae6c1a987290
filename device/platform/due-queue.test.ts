import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dueQueue } from './due-queue.ts';

const commands = fc.array(
  fc.oneof(
    fc.record({ op: fc.constant('set' as const), key: fc.constantFrom(...'abcdefgh'), at: fc.nat(20) }),
    fc.record({ op: fc.constant('delete' as const), key: fc.constantFrom(...'abcdefgh') }),
    fc.record({ op: fc.constant('take' as const), now: fc.nat(20), limit: fc.nat(4) }),
  ),
);

test('takes the same keys as a plain sorted list does', () => {
  fc.assert(
    fc.property(commands, (list) => {
      const queue = dueQueue();
      let model: { key: string; at: number }[] = [];
      for (const command of list) {
        if (command.op === 'take') {
          const due = model.filter((item) => item.at <= command.now).sort((a, b) => a.at - b.at);
          const taken = due.slice(0, command.limit).map((item) => item.key);
          expect(queue.takeDue(command.now, command.limit)).toEqual(taken);
          model = model.filter((item) => !taken.includes(item.key));
        } else {
          model = model.filter((item) => item.key !== command.key);
          if (command.op === 'set') {
            model.push({ key: command.key, at: command.at });
            queue.set(command.key, command.at);
          } else queue.delete(command.key);
        }
        expect(queue.size).toBe(model.length);
        expect(queue.nextAtMs()).toBe(model.length === 0 ? undefined : Math.min(...model.map((item) => item.at)));
      }
    }),
  );
});
