import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { IncidentDestination } from '../incident/destination.ts';
import { sleep } from '../platform/time.ts';
import type { MemoryDestination } from '../simulation/memory-destination.ts';
import { type Harness, startHarness } from './handler-harness.ts';
import { handlerStoreName, openServedStore } from './store.ts';
import { minuteMs, ready, recover } from './story-harness.ts';

/** A table whose one kind of request is answered in another way. */
const altered =
  (change: (table: MemoryDestination) => Partial<IncidentDestination>) =>
  (table: MemoryDestination): IncidentDestination => ({ ...table, ...change(table) });

async function secondsUntil<T>(h: Harness, find: () => T[]): Promise<T[]> {
  for (let seconds = 0; seconds < 600 && find().length === 0; seconds += 1) await h.pass(1_000, 1_000);
  return find();
}

describe('between look-up and write', () => {
  test('a step that was taken back while it was looked up is not sent, so that a crash cannot double the next one', async () => {
    let during = async (): Promise<void> => {};
    const h = await ready(undefined, {
      destination: altered((table) => ({
        async find(query) {
          await during();
          return table.find(query);
        },
      })),
    });
    const fired = h.anomaly();
    await h.settle();
    await h.pass(16 * minuteMs);
    h.destination.writeFaults.push({ commitAfterMs: 30_000 });
    during = async () => {
      during = async () => {};
      void recover(h, fired);
      for (let turns = 0; turns < 5; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    };
    h.anomaly({ phase: 'updated', firingSequence: 1, startedAt: fired.startedAt });
    await h.settle();
    await h.crash();
    await h.pass(3 * minuteMs);
    expect(h.destination.rows[0]?.workNotes.split(`[${fired.id}:3]`)).toHaveLength(2);
  });

  test('a disk that is full when the attempt is stored does not have it sent twice', async () => {
    let isFull = false;
    const h = await ready(
      (config) => {
        config.store.reserveBytes = 65_536;
      },
      {
        destination: altered((table) => ({
          async find(query) {
            isFull = true;
            return table.find(query);
          },
        })),
        commit() {
          if (!isFull) return;
          isFull = false;
          throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
        },
      },
    );
    const fired = h.anomaly();
    await h.pass(minuteMs, 1_000);
    expect(h.destination.rows).toHaveLength(1);
    await recover(h, fired);
    await h.pass(minuteMs, 1_000);
    expect(h.destination.rows[0]?.workNotes.split(`[${fired.id}:2]`)).toHaveLength(2);
  });

  test('a disk that is full when the attempt is stored does not have its new incident counted twice', async () => {
    let isFull = false;
    const h = await ready(
      (config) => {
        config.store.reserveBytes = 65_536;
        config.handler.maxNewPerHour = 2;
      },
      {
        destination: altered((table) => ({
          async find(query) {
            isFull = h.destination.rows.length === 0;
            return table.find(query);
          },
        })),
        commit() {
          if (!isFull) return;
          isFull = false;
          throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
        },
      },
    );
    for (const metric of ['a', 'b']) h.anomaly({ metric });
    await h.pass(minuteMs, 1_000);
    expect(h.destination.rows).toHaveLength(2);
  });

  test('a note that is taken while the disk is full is the one that listed what a storm holds', async () => {
    let isFull = false;
    const h = await ready(
      (config) => {
        config.store.reserveBytes = 65_536;
        config.handler.storm = { keys: 1, windowMs: minuteMs };
      },
      {
        destination: altered((table) => ({
          async create(incident) {
            const row = await table.create(incident);
            isFull = incident.rule === 'storm';
            return row;
          },
        })),
        commit() {
          if (!isFull) return;
          isFull = false;
          throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
        },
      },
    );
    const [, held] = ['a', 'b'].map((metric) => h.anomaly({ metric }));
    await h.pass(10 * minuteMs);
    const storm = h.destination.rows.find((row) => row.correlationId === 'home/*/*/storm');
    expect(storm?.workNotes.match(new RegExp(`breach ${held?.id} `, 'g'))).toHaveLength(1);
  });

  test('a breach that ends while its storm is being told is listed once more, with its end', async () => {
    const h: Harness = await ready(
      (config) => {
        config.handler.storm = { keys: 1, windowMs: minuteMs };
      },
      {
        destination: altered((table) => ({
          async create(incident) {
            const row = await table.create(incident);
            if (incident.rule === 'storm') await sleep(h.time, 10_000);
            return row;
          },
        })),
      },
    );
    const [, held] = ['a', 'b', 'c'].map((metric) => h.anomaly({ metric }));
    if (held === undefined) throw new Error('no breach');
    await h.pass(5_000, 1_000);
    const storm = h.destination.rows.find((row) => row.correlationId === 'home/*/*/storm');
    expect(storm?.workNotes).toContain(`breach ${held.id} start=`);
    await recover(h, held);
    await h.pass(10 * minuteMs);
    expect(storm?.workNotes).toMatch(new RegExp(`breach ${held.id} start=\\S+ end=2026`));
  });

  test('a write that waited long for its turn is looked up anew: people may have been there', async () => {
    const resolving: string[] = [];
    const h: Harness = await ready(
      (config) => {
        config.delivery.concurrency = 1;
        config.handler.quietMs = 5 * minuteMs;
      },
      {
        destination: (table, time) =>
          altered(() => ({
            async update(sysId, change) {
              if (change.state === 'resolved') resolving.push(sysId);
              await sleep(time, 10_000);
              return table.update(sysId, change);
            },
          }))(table),
      },
    );
    const fired = ['temperature', 'humidity'].map((metric) => h.anomaly({ metric }));
    await h.pass(minuteMs, 1_000);
    for (const one of fired) await recover(h, one);
    const [first] = await secondsUntil(h, () => resolving);
    // The other one was looked up with it, and waits behind it.
    const other = h.destination.rows.find((row) => row.sysId !== first);
    h.destination.edit(other?.number ?? '', { state: 'on-hold' });
    await h.pass(minuteMs, 1_000);
    expect(h.destination.rows.map((row) => row.state).sort()).toEqual(['on-hold', 'resolved']);
  });

  test('a person who writes at the same moment is seen in the count of modifications, and noted', async () => {
    const h = await ready(undefined, {
      destination: altered((table) => ({
        async update(sysId, change) {
          const row = table.rows.find((one) => one.sysId === sysId);
          if (change.state === 'resolved') table.edit(row?.number ?? '', { assignedTo: 'beth' });
          return table.update(sysId, change);
        },
      })),
    });
    await recover(h, h.anomaly());
    await h.pass(16 * minuteMs);
    expect(h.destination.rows[0]).toMatchObject({ state: 'resolved', assignedTo: 'beth' });
    expect(h.destination.rows[0]?.workNotes).toContain('changed this incident at the same moment');
  });

  test('an instance that takes a write and undoes its state makes a dead letter, not a loop', async () => {
    const h = await ready(undefined, {
      destination: altered((table) => ({
        async update(sysId, change) {
          const { state: _undone, ...kept } = change;
          return table.update(sysId, kept);
        },
      })),
    });
    await recover(h, h.anomaly());
    await h.pass(16 * minuteMs);
    expect(h.handler.status().counts.dead).toBe(1);
    const told = h.told.at(-1)?.told;
    expect(told).toMatchObject({ kind: 'dead-letter', reason: expect.stringMatching(/stays new instead of resolved/) });
  });
});

test('a stop does not wait for a chart that is not drawn yet: nothing of it is begun any more', async () => {
  let drawn = 0;
  let answer = () => {};
  const h: Harness = await ready(undefined, {
    chart: async () => {
      drawn += 1;
      return new Uint8Array([1]);
    },
    destination: (table) =>
      altered(() => ({
        attachmentNames: (sysId) =>
          new Promise((resolve) => {
            answer = () => resolve(table.attachmentNames(sysId));
          }),
      }))(table),
  });
  const now = h.time.wallMs();
  h.anomaly({
    window: [
      [now - 5_000, 29],
      [now, 31],
    ],
  });
  await h.settle();
  const stopped = h.handler.stop();
  answer();
  await stopped;
  expect([drawn, h.destination.attachments.length]).toEqual([0, 0]);
});

describe('an end that is not known', () => {
  test('of a chart is waited for after a crash, as that of any write: it is attached once', async () => {
    let sent = 0;
    const h: Harness = await ready(undefined, {
      chart: () => Promise.resolve(new Uint8Array([1])),
      destination: (table, time) =>
        altered(() => ({
          attach(sysId, file) {
            sent += 1;
            if (sent > 1) return table.attach(sysId, file);
            time.after(30_000, () => void table.attach(sysId, file));
            return new Promise(() => {});
          },
        }))(table),
    });
    const now = h.time.wallMs();
    h.anomaly({
      window: [
        [now - 5_000, 29],
        [now, 31],
      ],
    });
    await h.settle();
    expect([sent, h.destination.attachments.length]).toEqual([1, 0]);
    await h.crash();
    await h.pass(3 * minuteMs);
    expect([sent, h.destination.attachments.length]).toEqual([1, 1]);
  });

  test('of a chart is not taken for a failure by a user who may not read any more: it is attached once', async () => {
    let looked = 0;
    const h: Harness = await ready(undefined, {
      chart: () => Promise.resolve(new Uint8Array([1])),
      destination: altered((table) => ({
        attach(sysId, file) {
          if (table.calls.attach === 0) table.writeFaults.push('commit-then-cut');
          return table.attach(sysId, file);
        },
        attachmentNames(sysId) {
          looked += 1;
          table.rights.read = looked !== 2;
          return table.attachmentNames(sysId);
        },
      })),
    });
    const now = h.time.wallMs();
    h.anomaly({
      window: [
        [now - 5_000, 29],
        [now, 31],
      ],
    });
    await h.pass(3 * minuteMs);
    expect([looked, h.destination.calls.attach, h.destination.attachments.length]).toEqual([2, 1, 1]);
    h.destination.rights.read = true;
    await h.pass(6 * minuteMs);
    expect([looked, h.destination.calls.attach, h.destination.attachments.length]).toEqual([3, 1, 1]);
    expect(h.handler.status().counts.entries).toBe(0);
  });

  test('because the adapter threw is waited for too, and leaves the writes alone that are under way beside it', async () => {
    const h: Harness = await ready(undefined, {
      destination: (table, time) =>
        altered(() => ({
          async create(incident) {
            if (incident.metric === 'pressure') return table.create(incident);
            if (incident.metric === 'humidity') await sleep(time, 30_000);
            else time.after(30_000, () => void table.create(incident));
            if (incident.metric === 'temperature') throw new TypeError('a bug of the adapter');
            return table.create(incident);
          },
        }))(table),
    });
    h.anomaly({ metric: 'pressure' });
    await h.settle();
    for (const metric of ['temperature', 'humidity']) h.anomaly({ metric });
    await h.pass(10_000);
    expect(h.handler.status().relay).toMatchObject({ keys: 2, inFlight: 1 });
    await h.pass(3 * minuteMs);
    expect(h.destination.rows.map((row) => row.correlationId.split('/')[2]).sort()).toEqual([
      'humidity',
      'pressure',
      'temperature',
    ]);
    expect(h.destination.calls.create).toBe(3);
    expect(h.handler.status().relay.keys).toBe(0);
  });
});

describe('a destination that refuses', () => {
  test('nothing more is sent once it has refused, even what was looked up already', async () => {
    const h = await ready((config) => {
      config.delivery.concurrency = 1;
    });
    h.anomaly();
    await h.settle();
    const refusal = { ok: false, kind: 'refused-destination', cause: 'forbidden', message: 'no' } as const;
    h.destination.writeFaults.push(refusal, refusal, refusal, refusal);
    for (const metric of ['a', 'b', 'c', 'd']) h.anomaly({ metric });
    await h.settle();
    expect(h.destination.calls.create).toBe(2);
    h.destination.writeFaults.length = 0;
    await h.pass(6 * minuteMs);
    expect(h.destination.rows).toHaveLength(5);
  });

  test('all incidents deleted looks like no right to read; a person’s word from the command line lets it go on', async () => {
    const h = await ready();
    h.anomaly();
    await h.settle();
    h.destination.delete('INC0010001');
    h.anomaly({ metric: 'humidity' });
    await h.pass(minuteMs);
    expect(h.handler.status().relay.gate).toMatchObject({
      state: 'paused',
      reason: expect.stringMatching(/trust-empty/),
    });
    const store = openServedStore(join(h.dataDir, handlerStoreName));
    store.forgetKnownRows();
    store.close();
    await h.pass(20_000);
    expect(h.destination.rows.map((row) => row.correlationId)).toEqual(['home/pi/humidity/upper']);
  });

  test('of an incident that people deleted nothing more is told; the next breach opens a new one', async () => {
    const h = await ready();
    h.anomaly({ metric: 'humidity' });
    const fired = h.anomaly();
    await h.settle();
    const row = h.destination.rows.find((one) => one.openedBy === fired.id);
    h.destination.delete(row?.number ?? '');
    await h.pass(16 * minuteMs);
    h.anomaly({ phase: 'updated', firingSequence: 1, startedAt: fired.startedAt });
    await h.pass(minuteMs);
    expect(h.told.at(-1)?.told).toMatchObject({ kind: 'released', why: 'deleted' });
    await recover(h, fired);
    await h.pass(20 * minuteMs);
    expect(h.destination.rows).toHaveLength(1);
    const next = h.anomaly();
    await h.settle();
    expect(h.destination.rows.at(-1)?.openedBy).toBe(next.id);
  });
});

test('a handler that is started twice starts once, and stops while nothing answers', async () => {
  const h = await startHarness(undefined, { destination: altered(() => ({ find: () => new Promise(() => {}) })) });
  await h.handler.start();
  h.anomaly();
  await h.pass(95_000);
  await h.close();
  expect(h.destination.calls.create).toBe(0);
});
