import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ParkedRecord } from '../shared/parked-record.ts';
import { type ConsumePorts, consumeMessages, type Written } from './consume.ts';
import type { ArrivedReading } from './decode.ts';
import { arrivedMs, message, readingText } from './test-messages.ts';

const instant = (second: number) => new Date(Date.UTC(2026, 0, 2, 3, 4, second)).toISOString();
const good = (count: number, fields: Record<string, unknown> = {}) =>
  message(count, readingText({ ts: instant(count) }), fields);

/** A table, a parking queue and marks in memory; `fails` says of which rows, and with what. */
function stage(fails: (reading: ArrivedReading) => 'away' | 'throws' | 'fine' = () => 'fine') {
  const rows = new Map<string, string>();
  const parked: ParkedRecord[] = [];
  const failures = new Map<string, number>();
  const marked = new Set<string>();
  const ports: ConsumePorts = {
    readings: {
      async write(reading): Promise<Written> {
        const how = fails(reading);
        if (how === 'throws') throw new Error('ValidationException');
        if (how === 'away') return { kind: 'away', error: new Error('throttled') };
        const key = `${reading.item.partitionKey} ${reading.item.timestamp}`;
        const there = rows.get(key);
        if (there !== undefined && there >= reading.arrival) {
          return { kind: there === reading.arrival ? 'duplicate' : 'superseded' };
        }
        rows.set(key, reading.arrival);
        return { kind: 'stored' };
      },
    },
    parking: { park: async (records) => void parked.push(...records) },
    marks: {
      async countFailure(id) {
        const count = (failures.get(id) ?? 0) + 1;
        failures.set(id, count);
        return count;
      },
      parkedAmong: async (ids) => new Set(ids.filter((id) => marked.has(id))),
      setParked: async (ids) => void ids.map((id) => marked.add(id)),
    },
  };
  const settings = { keepDays: 30, isLate: () => false };
  const consume = (...messages: unknown[]) => consumeMessages(messages, settings, ports);
  return { consume, rows, parked, failures, marked, ports };
}

const again = <M extends { redelivered: boolean }>(one: M) => ({ ...one, redelivered: true });

test('poison is parked once, with its bytes, and its neighbours are stored (poison)', async () => {
  const { consume, rows, parked } = stage();
  const poison = message(2, 'hello');
  const first = await consume(good(1), poison, 'no message', good(3));
  expect(first).toMatchObject({ stored: 2, duplicates: 0, newestMs: Date.parse(instant(3)) });
  expect(first.failure).toBeUndefined();
  expect(rows.size).toBe(2);
  expect(parked.map(({ reason, bytes }) => [reason, Buffer.from(bytes).toString()])).toEqual([
    ['not-a-reading', 'hello'],
    ['not-a-message', '"no message"'],
  ]);
  const second = await consume(again(poison));
  expect(second).toMatchObject({ parked: [], duplicates: 1 });
  expect(parked).toHaveLength(2);
});

test('a message that comes again, or twice in a batch, changes nothing (duplicate)', async () => {
  const { consume, rows } = stage();
  const later = message(9, readingText({ ts: instant(1) }), { brokerInTime: arrivedMs + 1 });
  expect(await consume(good(1), good(1))).toMatchObject({ stored: 1, duplicates: 1 });
  expect(await consume(again(good(1)))).toMatchObject({ stored: 0, duplicates: 1 });
  expect(await consume(later)).toMatchObject({ stored: 1 });
  const table = new Map(rows);
  expect(await consume(again(good(1)))).toMatchObject({ stored: 0, superseded: 1 });
  expect(rows).toEqual(table);
});

test('in whatever order and however often messages come, the last that was made stands in the end (reorder)', async () => {
  const messages = [1, 2, 3, 4, 5, 6].map((count) =>
    message(count, readingText({ ts: instant(count % 2) }), { brokerInTime: arrivedMs + Math.floor(count / 3) }),
  );
  const inOrder = stage();
  await inOrder.consume(...messages);
  const order = fc
    .shuffledSubarray([...messages.keys()], { minLength: messages.length })
    .chain((all) => fc.array(fc.nat(messages.length - 1), { maxLength: 10 }).map((more) => [...all, ...more]));
  await fc.assert(
    fc.asyncProperty(order, fc.integer({ min: 1, max: 4 }), async (indices, size) => {
      const { consume, rows } = stage();
      for (let start = 0; start < indices.length; start += size) {
        await consume(...indices.slice(start, start + size).map((index) => messages[index]));
      }
      expect(rows).toEqual(inOrder.rows);
    }),
  );
});

test('where the table takes nothing the batch comes again, no failure is counted and nothing is parked (throttle)', async () => {
  let isAway = true;
  const { consume, rows, parked, failures } = stage(() => (isAway ? 'away' : 'fine'));
  const batch = Array.from({ length: 25 }, (_, index) => good(index + 1));
  for (const delivery of [batch, ...Array.from({ length: 6 }, () => batch.map(again))]) {
    expect((await consume(...delivery, message(99, 'hello'))).failure?.errors).toHaveLength(10);
  }
  expect({ parked, failures: [...failures] }).toEqual({ parked: [], failures: [] });
  isAway = false;
  expect(await consume(...batch.map(again), message(99, 'hello'))).toMatchObject({ stored: 25 });
  expect([rows.size, parked.length]).toEqual([25, 1]);
});

test('once it is late no further group of rows is begun, nothing is counted or parked, and the batch comes again', async () => {
  const { ports, rows, parked, failures } = stage(({ item }) => (item.timestamp === instant(3) ? 'throws' : 'fine'));
  const batch = [...Array.from({ length: 25 }, (_, index) => again(good(index + 1))), message(99, 'hello')];
  const lateAfter = async (looks: number) => {
    let looked = 0;
    return consumeMessages(batch, { keepDays: 30, isLate: () => ++looked > looks }, ports);
  };
  expect((await lateAfter(1)).failure?.sentence).toContain('No time is left');
  expect(rows.size).toBe(9);
  expect((await lateAfter(3)).failure?.sentence).toContain('No time is left');
  expect({ rows: rows.size, parked, failures: [...failures] }).toEqual({ rows: 24, parked: [], failures: [] });
});

test('where all of several rows fail in the same way none is to blame: nothing is counted or parked', async () => {
  const { consume, parked, failures } = stage(() => 'throws');
  const batch = [1, 2, 3].map((count) => again(good(count)));
  for (const _ of [1, 2, 3, 4]) {
    const { failure } = await consume(...batch, message(99, 'hello'));
    expect(failure?.sentence).toBe('All 3 readings failed with Error, so none of them is to blame.');
    expect(failure?.errors).toHaveLength(3);
  }
  expect({ parked, failures: [...failures] }).toEqual({ parked: [], failures: [] });
  const [alone] = batch;
  await consume(alone);
  expect([...failures.values()]).toEqual([1]);
});

describe('a message whose row fails while others succeed', () => {
  const failing = good(3);
  const fails = ({ item }: ArrivedReading) => (item.timestamp === instant(3) ? 'throws' : 'fine');

  test('brings its batch again, in which its neighbours are known, until it is parked on the fourth delivery (partial failure)', async () => {
    const { consume, rows, parked } = stage(fails);
    const batch = [good(1), good(2), failing, good(4)];
    expect(await consume(...batch)).toMatchObject({
      stored: 3,
      failure: { errors: [new Error('ValidationException')] },
    });
    for (const _ of [2, 3]) {
      const { failure, ...rest } = await consume(...batch.map(again));
      expect(rest).toMatchObject({ stored: 0, duplicates: 3, parked: [] });
      expect(failure?.sentence).toContain('1 of 4 messages');
    }
    const last = await consume(...batch.map(again));
    expect(last.failure).toBeUndefined();
    expect(last.parked.map(({ id, reason, detail }) => [id, reason, detail])).toEqual([
      [failing.messageID, 'failed-too-often', 'Error: ValidationException'],
    ]);
    expect(rows.size).toBe(3);
    expect((await consume(again(failing))).parked).toEqual([]);
    expect(parked).toHaveLength(1);
  });
});

test('a message is marked as parked after it was, so that one that could not be parked is tried again', async () => {
  const { marked, parked } = stage();
  const ports: ConsumePorts = {
    readings: { write: () => Promise.reject(new Error('not asked')) },
    parking: { park: () => Promise.reject(new Error('away')) },
    marks: {
      countFailure: async () => 1,
      parkedAmong: async () => new Set(),
      setParked: async (ids) => void ids.map((id) => marked.add(id)),
    },
  };
  await expect(consumeMessages([message(1, 'hello')], { keepDays: 30, isLate: () => false }, ports)).rejects.toThrow(
    'away',
  );
  expect([...marked, ...parked]).toEqual([]);
});

test('no message is no work', async () => {
  expect(await stage().consume()).toEqual({ stored: 0, duplicates: 0, superseded: 0, parked: [], newestMs: undefined });
});
