import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { handlerStoreName, openServedStore } from './store.ts';
import { minuteMs, ready, recover, start } from './story-harness.ts';

describe('exactly one', () => {
  test('the answer follows the commit: whoever hears it finds the breach and its entry on the disk', async () => {
    const found: unknown[] = [];
    const h = await start(undefined, {
      onAnswer(answer) {
        const store = openServedStore(join(h.dataDir, handlerStoreName));
        const { entries, firing } = store.counts();
        found.push([store.highWater(answer, 'home/pi/temperature/upper'), entries, firing]);
        store.close();
      },
    });
    h.anomaly();
    await h.settle();
    expect(found).toEqual([[1, 1, 1]]);
  });

  test('a message that comes twice is a duplicate, and the high-water mark decides it', async () => {
    const h = await ready();
    const fired = h.anomaly();
    await h.settle();
    h.anomaly({ sequence: 1, firingSequence: 1, startedAt: fired.startedAt });
    await h.settle();
    expect(h.answers.map((one) => one.result)).toEqual(['accepted', 'duplicate']);
    await recover(h, fired);
    h.anomaly({ sequence: 1, firingSequence: 1, startedAt: fired.startedAt });
    await h.settle();
    expect(h.answers.at(-1)).toMatchObject({ result: 'duplicate', highWater: 2 });
    expect(h.handler.status().counts.firing).toBe(0);
  });

  test('an empty store waits the settle time before its first write', async () => {
    const h = await start();
    h.anomaly();
    await h.pass(85_000);
    expect(h.destination.calls.create).toBe(0);
    await h.pass(10_000);
    expect(h.destination.calls.create).toBe(1);
  });

  test.each([
    ['committed, then cut', 'commit-then-cut' as const],
    ['cut, then committed seconds later', { commitAfterMs: 40_000 }],
    ['cut before it was committed', 'cut-before-commit' as const],
  ])('a create that was %s is looked up after the settle time: one incident', async (_name, fault) => {
    const h = await ready();
    h.destination.writeFaults.push(fault);
    const fired = h.anomaly();
    await h.pass(80_000);
    expect(h.destination.calls.create).toBe(1);
    await h.pass(20_000);
    expect(h.destination.rows.filter((row) => row.openedBy === fired.id)).toHaveLength(1);
    expect(h.handler.status().counts.entries).toBe(0);
  });

  test.each(['commit-then-cut' as const, { commitAfterMs: 40_000 }, 'cut-before-commit' as const])(
    'a note with an ambiguous end (%o) stands there once',
    async (fault) => {
      const h = await ready();
      const fired = h.anomaly();
      await h.settle();
      h.destination.writeFaults.push(fault);
      await recover(h, fired);
      await h.pass(100_000);
      expect(h.destination.rows[0]?.workNotes.split(`[${fired.id}:2]`)).toHaveLength(2);
    },
  );

  test('a crash with an attempt open waits the full settle time from the start', async () => {
    const h = await ready();
    h.destination.writeFaults.push({ commitAfterMs: 60_000 });
    h.anomaly();
    await h.settle();
    await h.pass(20_000);
    await h.restart();
    await h.pass(85_000);
    expect(h.destination.calls.create).toBe(1);
    await h.pass(10_000);
    expect(h.destination.rows).toHaveLength(1);
    expect(h.told.at(-1)?.told.kind).toBe('adopted');
  });

  test('a message that comes before the handler serves does not cut the settle time short', async () => {
    const h = await ready((config) => {
      config.handler.claimMs = 1_000;
    });
    h.destination.writeFaults.push({ commitAfterMs: 60_000 });
    const fired = h.anomaly();
    await h.settle();
    await h.crash();
    await recover(h, fired);
    await h.pass(100_000);
    expect(h.destination.calls.create).toBe(1);
    expect(h.destination.rows).toHaveLength(1);
  });

  test('rows that were not asked for are not believed', async () => {
    const h = await ready();
    h.anomaly();
    await h.settle();
    const [ours] = h.destination.rows;
    if (ours !== undefined) {
      h.destination.rows.unshift({
        ...ours,
        sysId: 'e'.repeat(32),
        number: 'INC7',
        correlationId: 'of others',
        openedBy: '',
      });
    }
    h.destination.dropQueryParts = true;
    h.anomaly({ metric: 'humidity' });
    await h.pass(10 * minuteMs);
    expect(h.destination.calls.create).toBe(1);
    expect(h.handler.status().relay.gate.reason).toMatch(/dropped a part of the query/);
    h.destination.dropQueryParts = false;
    await h.pass(6 * minuteMs);
    expect(h.destination.calls.create).toBe(2);
  });

  test('an empty answer counts only beside a row that is known: without the right to read nothing is created', async () => {
    const h = await ready();
    h.anomaly();
    await h.settle();
    h.destination.rights.read = false;
    h.anomaly({ metric: 'humidity' });
    await h.pass(20 * minuteMs);
    expect(h.destination.calls.create).toBe(1);
    expect(h.handler.status().relay.gate.reason).toMatch(/can create but not read/);
    h.destination.rights.read = true;
    await h.pass(6 * minuteMs);
    expect(h.destination.rows).toHaveLength(2);
  });

  test('after the first create on an instance the row must be visible', async () => {
    const h = await ready();
    h.destination.rights.read = false;
    for (const metric of ['temperature', 'humidity', 'pressure']) h.anomaly({ metric });
    await h.pass(20 * minuteMs);
    expect(h.destination.calls.create).toBe(1);
  });

  test('several rows of one breach: the oldest stays, the others are canceled and counted', async () => {
    const h = await ready();
    const fired = h.anomaly();
    await h.settle();
    const [row] = h.destination.rows;
    if (row !== undefined)
      h.destination.rows.push({ ...row, sysId: 'f'.repeat(32), number: 'INC2', createdAtMs: row.createdAtMs + 1 });
    await recover(h, fired);
    await h.pass(10_000);
    expect(h.destination.rows.map((one) => one.state)).toEqual(['new', 'canceled']);
    expect(h.destination.rows[1]?.workNotes).toContain('Duplicate of INC0010001');
    expect(h.handler.status().relay.told['duplicate-canceled']).toBe(1);
  });
});
