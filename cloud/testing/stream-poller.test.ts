import { expect, test } from 'vitest';
import { type BatchAnswer, pollShard } from './stream-poller.ts';

const settings = {
  BatchSize: 4,
  MaximumRetryAttempts: 2,
  MaximumRecordAgeInSeconds: 60,
  BisectBatchOnFunctionError: true,
};
const records = Array.from({ length: 8 }, (_, index) => ({ sequenceNumber: String(index + 1), arrivedMs: 0 }));
const numbers = (batch: readonly { sequenceNumber: string }[]) =>
  batch.map(({ sequenceNumber }) => Number(sequenceNumber));
const done: BatchAnswer = { batchItemFailures: [] };

test('a shard without failures is read in order, a batch after the other', async () => {
  const seen: number[][] = [];
  const run = await pollShard(records, settings, {
    invoke: async (batch) => {
      seen.push(numbers(batch));
      return done;
    },
  });
  expect(seen).toEqual([
    [1, 2, 3, 4],
    [5, 6, 7, 8],
  ]);
  expect(run).toEqual({ invocations: 2, letGo: [] });
});

test('a batch that names a failure begins again there, and its followers wait', async () => {
  const seen: number[][] = [];
  let failures = 1;
  await pollShard(records, settings, {
    invoke: async (batch) => {
      seen.push(numbers(batch));
      failures -= 1;
      return failures < 0 ? done : { batchItemFailures: [{ itemIdentifier: '3' }] };
    },
  });
  expect(seen).toEqual([
    [1, 2, 3, 4],
    [3, 4],
    [5, 6, 7, 8],
  ]);
});

test('of a batch that throws, halving leaves only the record that does it, which is let go after its retries', async () => {
  const seen: number[][] = [];
  const run = await pollShard(records, settings, {
    invoke: async (batch) => {
      seen.push(numbers(batch));
      if (numbers(batch).includes(3)) throw new Error('3');
      return done;
    },
  });
  expect(numbers(run.letGo)).toEqual([3]);
  expect(seen).toEqual([[1, 2, 3, 4], [1, 2], [3, 4], [3], [3], [3], [4], [5, 6, 7, 8]]);
});

test('without halving the whole batch is let go', async () => {
  const run = await pollShard(
    records,
    { ...settings, BisectBatchOnFunctionError: false },
    { invoke: async (batch) => (numbers(batch).includes(3) ? Promise.reject(new Error('3')) : done) },
  );
  expect(numbers(run.letGo)).toEqual([1, 2, 3, 4]);
});

test('what is too old is let go without a call', async () => {
  const aged = records.map((record, index) => ({ ...record, arrivedMs: index * 20_000 }));
  const run = await pollShard(aged, settings, { invoke: async () => done, nowMs: () => 100_000 });
  expect(numbers(run.letGo)).toEqual([1, 2]);
});
