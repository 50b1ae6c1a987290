import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pollShard } from '../testing/stream-poller.ts';
import { itemKey, type Write } from './ingest.ts';
import { ingestBatch } from './ingest-batch.ts';
import { record, settings } from './test-records.ts';

const poller = {
  BatchSize: 10,
  MaximumRetryAttempts: 3,
  MaximumRecordAgeInSeconds: 86_400,
  BisectBatchOnFunctionError: true,
};

/** A table and a parking queue of which a script says, call by call, what happens. */
function stage(script: readonly ('ok' | 'throttled' | 'throws')[]) {
  let calls = 0;
  const rows = new Map<string, string | undefined>();
  const parked = new Map<string, number>();
  const next = () => script[calls++] ?? 'ok';
  const put = (writes: readonly Write[]) => {
    for (const { item } of writes) rows.set(itemKey(item), item.value);
  };
  return {
    rows,
    parked,
    ports: {
      table: {
        async write(writes: readonly Write[]) {
          const happens = next();
          if (happens === 'throws') throw new Error('away');
          const taken = happens === 'ok' ? writes : writes.filter((_, index) => index % 2 === 0);
          put(taken);
          return writes.filter((write) => !taken.includes(write));
        },
      },
      parking: {
        async park(records: readonly { id: string }[]) {
          if (next() === 'throws') throw new Error('away');
          // FIFO: of one id, one message.
          for (const { id } of records) parked.set(id, 1);
        },
      },
    },
  };
}

const at = (second: number) => `2026-01-02T03:04:0${second}Z`;

test('a record that is no reading is parked, and its followers are stored (poison)', async () => {
  const { rows, parked, ports } = stage([]);
  const records = [record(1, `1|${at(1)}`), record(2, 'hello'), record(3, `3|${at(3)}`)];
  const result = await ingestBatch(records, settings, ports);
  expect(result).toMatchObject({ stored: 2, batchItemFailures: [] });
  expect([...rows.values()]).toEqual(['1', '3']);
  expect([...parked.keys()]).toEqual(['shardId-000000000000:2']);
});

test('a record that comes again is parked under the same id (duplicate)', async () => {
  const { parked, ports } = stage([]);
  for (let time = 0; time < 2; time += 1) await ingestBatch([record(1, 'hello')], settings, ports);
  expect([...parked.keys()]).toEqual(['shardId-000000000000:1']);
});

test('while the parking queue is away nothing is acknowledged', async () => {
  const { ports } = stage(['ok', 'throws']);
  await expect(ingestBatch([record(1, 'hello')], settings, ports)).rejects.toThrow('away');
});

const happenings = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constant('ok' as const) },
    { weight: 2, arbitrary: fc.constant('throttled' as const) },
    { weight: 1, arbitrary: fc.constant('throws' as const) },
  ),
  { maxLength: 40 },
);
const data = fc.oneof(
  fc.nat(9).map((second) => at(second)),
  fc.constant('poison'),
);

test('whatever fails, each record is stored, parked or let go to the dead letters, and the last writer wins', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(data, { maxLength: 60 }), happenings, async (given, script) => {
      const { rows, parked, ports } = stage(script);
      const records = given.map((what, place) => record(place, what === 'poison' ? what : `${place}|${what}`));
      const run = await pollShard(records, poller, { invoke: (batch) => ingestBatch(batch, settings, ports) });
      const letGo = new Set(run.letGo.map(({ sequenceNumber }) => Number(sequenceNumber)));
      expect(letGo.size).toBe(run.letGo.length);
      for (const [place, what] of given.entries()) {
        if (letGo.has(place)) continue;
        if (what === 'poison') {
          expect(parked.has(record(place, '').eventId)).toBe(true);
          continue;
        }
        const value = Number(rows.get(`1301\n${new Date(what).toISOString()}`));
        expect(value).toBeGreaterThanOrEqual(place);
        expect(given[value]).toBe(what);
      }
    }),
  );
});
