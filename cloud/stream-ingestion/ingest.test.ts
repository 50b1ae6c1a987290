import fc from 'fast-check';
import { expect, test } from 'vitest';
import { batchItemFailures, itemKey, planBatch } from './ingest.ts';
import { record, settings } from './test-records.ts';

const at = (second: number) => `2026-01-02T03:04:0${second}Z`;

test('of two records with one sensor and instant the later one is written (duplicate)', () => {
  const plan = planBatch([record(1, `1|${at(0)}`), record(2, `9|${at(1)}`), record(3, `2|${at(0)}`)], settings);
  expect(plan.writes.map(({ item, sequenceNumber }) => [item.value, sequenceNumber])).toEqual([
    ['2', '1'],
    ['9', '2'],
  ]);
});

test('readings that arrive out of order stand in the order of their instants (reorder)', () => {
  const plan = planBatch([record(1, `2|${at(2)}`), record(2, `1|${at(1)}`)], settings);
  expect(plan.writes.map(({ item }) => item.timestamp)).toEqual([
    '2026-01-02T03:04:02.000Z',
    '2026-01-02T03:04:01.000Z',
  ]);
  expect(
    plan.writes
      .map(({ item }) => itemKey(item))
      .toSorted()
      .map((key) => key.split('\n')[1]),
  ).toEqual(['2026-01-02T03:04:01.000Z', '2026-01-02T03:04:02.000Z']);
  expect(plan.newestMs).toBe(Date.parse(at(2)));
});

test('rows that could not be written are begun again at the first of them, in the order of numbers and not of text', () => {
  const { writes } = planBatch([record(9, `1|${at(0)}`), record(10, `1|${at(1)}`), record(11, `1|${at(2)}`)], settings);
  expect(batchItemFailures(writes.toReversed().filter(({ sequenceNumber }) => sequenceNumber !== '11'))).toEqual([
    { itemIdentifier: '9' },
  ]);
  expect(batchItemFailures([])).toEqual([]);
});

const data = fc.oneof(
  fc.tuple(fc.nat(99), fc.nat(4)).map(([value, second]) => `${value}|${at(second)}`),
  fc.constantFrom('hello', '{}', 'x|y'),
);

test('every record of a batch is a row, overwritten by a later one of its key, or parked', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(data, fc.constantFrom('1301', '1503'))), (given) => {
      const records = given.map(([text, sensor], index) => record(index, text, sensor));
      const { writes, parked } = planBatch(records, settings);
      const last = new Map<string, string>();
      for (const [text, sensor] of given) {
        const [value = '', timestamp] = text.split('|');
        if (timestamp?.startsWith('2026') === true) last.set(`${sensor}\n${new Date(timestamp).toISOString()}`, value);
      }
      expect(new Map(writes.map(({ item }) => [itemKey(item), item.value]))).toEqual(last);
      expect(parked.map(({ id }) => id)).toEqual(
        records.filter((_, index) => !given[index]?.[0].includes('|2026')).map(({ eventId }) => eventId),
      );
    }),
  );
});
