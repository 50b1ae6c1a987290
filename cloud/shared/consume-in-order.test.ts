import fc from 'fast-check';
import { expect, test } from 'vitest';
import { consumeInOrder } from './consume-in-order.ts';

const messages = fc
  .array(fc.record({ groupId: fc.constantFrom('a', 'b', 'c'), fails: fc.boolean() }), { maxLength: 10 })
  .map((all) => all.map((one, place) => ({ ...one, messageId: String(place) })));

test('each message is taken or comes again, and of a group nothing is taken behind what failed', async () => {
  await fc.assert(
    fc.asyncProperty(messages, async (given) => {
      const taken: string[] = [];
      const { batchItemFailures, errors } = await consumeInOrder(given, async ({ messageId, fails }) => {
        if (fails) throw new Error(messageId);
        taken.push(messageId);
      });
      const again = batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
      expect([...taken, ...again].toSorted()).toEqual(given.map(({ messageId }) => messageId).toSorted());
      for (const groupId of ['a', 'b', 'c']) {
        const group = given.filter((one) => one.groupId === groupId);
        const failed = group.findIndex(({ fails }) => fails);
        const before = failed < 0 ? group : group.slice(0, failed);
        expect(taken.filter((id) => group.some(({ messageId }) => messageId === id))).toEqual(
          before.map(({ messageId }) => messageId),
        );
      }
      expect(errors).toHaveLength(new Set(given.filter(({ fails }) => fails).map(({ groupId }) => groupId)).size);
    }),
  );
});
