import { describe, expect, test } from 'vitest';
import { heldSync } from '../platform/test-held-sync.ts';
import { isoUtc } from '../platform/time.ts';
import { minuteMs, ready, recover } from './story-harness.ts';

describe('from a breach to an incident and back', () => {
  test('an incident is created, noted, recovered, and resolved after the quiet period in event time', async () => {
    const h = await ready();
    const fired = h.anomaly();
    await h.settle();
    expect(h.answers.at(-1)).toMatchObject({ result: 'accepted', sequence: 1, highWater: 1 });
    expect(h.destination.rows).toHaveLength(1);
    expect(h.destination.rows[0]).toMatchObject({ correlationId: 'home/pi/temperature/upper', openedBy: fired.id });
    expect(h.destination.rows[0]?.description).toContain(`breach ${fired.id} start=${fired.startedAt} end=-`);

    await h.pass(16 * minuteMs);
    h.anomaly({ phase: 'updated', firingSequence: 1, startedAt: fired.startedAt });
    await h.settle();
    expect(h.destination.rows[0]?.workNotes).toContain(`[${fired.id}:2]`);

    const resolved = await recover(h, fired);
    expect(h.destination.rows[0]?.workNotes).toContain(
      `breach ${fired.id} start=${fired.startedAt} end=${resolved.endedAt}`,
    );
    expect(h.destination.rows[0]?.state).toBe('new');
    await h.pass(14 * minuteMs);
    h.heartbeat();
    await h.settle();
    expect(h.destination.rows[0]?.state).toBe('new');
    await h.pass(2 * minuteMs);
    h.heartbeat();
    await h.settle();
    expect(h.destination.rows[0]?.state).toBe('resolved');
    expect(h.destination.rows[0]?.closeNotes).toContain(`[${fired.id}:3]`);
    expect(h.handler.status().counts).toMatchObject({ entries: 0, firing: 0 });
  });

  test('the quiet period passes as well where the clock of the device was ahead and is set back meanwhile', async () => {
    const h = await ready();
    const aheadMs = 3 * 60 * minuteMs;
    const ahead = () => isoUtc(h.time.wallMs() + aheadMs);
    h.alive = false;
    const fired = h.anomaly({ at: ahead(), startedAt: ahead() });
    await h.pass(minuteMs);
    const over = { phase: 'resolved', firingSequence: 1, startedAt: fired.startedAt, endReason: 'cleared' } as const;
    h.anomaly({ ...over, at: ahead(), endedAt: ahead() });
    h.alive = true;
    await h.pass(13 * minuteMs);
    expect(h.destination.rows[0]?.state).toBe('new');
    await h.pass(3 * minuteMs);
    expect(h.destination.rows[0]?.state).toBe('resolved');

    const again = h.anomaly();
    await h.pass(minuteMs);
    await recover(h, again);
    await h.pass(13 * minuteMs);
    expect(h.destination.rows[0]?.state).toBe('in-progress');
    await h.pass(3 * minuteMs);
    expect(h.destination.rows[0]?.state).toBe('resolved');
  });

  test('notes are limited in rate, but a change of severity is told at once', async () => {
    const h = await ready();
    const fired = h.anomaly();
    await h.settle();
    for (let n = 0; n < 5; n += 1) {
      await h.pass(minuteMs);
      h.anomaly({ phase: 'updated', firingSequence: 1, startedAt: fired.startedAt });
      await h.settle();
    }
    expect(h.destination.calls.update).toBe(0);
    h.anomaly({ phase: 'updated', firingSequence: 1, startedAt: fired.startedAt, severity: 'critical' });
    await h.settle();
    expect(h.destination.calls.update).toBe(1);
    expect(h.destination.rows[0]?.workNotes).toContain('Severity changed from high to critical');
  });

  test('notes go on where the clock of the device was ahead and is set back: the true start is told', async () => {
    const h = await ready();
    const ahead = isoUtc(h.time.wallMs() + 3 * 60 * minuteMs);
    const startedAt = isoUtc(h.time.wallMs());
    const fired = h.anomaly({ at: ahead, startedAt: ahead });
    await h.pass(minuteMs);
    h.anomaly({ phase: 'updated', firingSequence: 1, startedAt });
    await h.pass(minuteMs);
    expect(h.destination.rows[0]?.workNotes).toContain(`breach ${fired.id} start=${startedAt} end=-`);
  });

  test('a breach inside the quiet period goes on in the same incident', async () => {
    const h = await ready();
    const first = h.anomaly();
    await h.settle();
    await h.pass(minuteMs);
    await recover(h, first);
    await h.pass(minuteMs);
    const second = h.anomaly();
    await h.settle();
    await h.pass(20 * minuteMs);
    h.heartbeat();
    await h.settle();
    expect(h.destination.rows).toHaveLength(1);
    expect(h.destination.rows[0]?.state).toBe('new');
    expect(h.destination.rows[0]?.workNotes).toContain(`[${second.id}:3]`);
  });

  test('a breach inside the reopen window reopens, one after it opens a new incident', async () => {
    const h = await ready((config) => {
      config.handler.deviceSilentMs = 0;
    });
    const first = h.anomaly();
    await h.settle();
    await recover(h, first);
    await h.pass(16 * minuteMs);
    h.heartbeat();
    await h.settle();
    expect(h.destination.rows[0]?.state).toBe('resolved');
    const second = h.anomaly();
    await h.settle();
    expect(h.destination.rows).toHaveLength(1);
    expect(h.destination.rows[0]).toMatchObject({ state: 'in-progress', closeNotes: '' });
    expect(h.told.at(-1)?.told).toMatchObject({ kind: 'reopened' });
    await recover(h, second);
    await h.pass(16 * minuteMs);
    h.heartbeat();
    await h.pass(24 * 60 * minuteMs, 30 * minuteMs);
    h.anomaly();
    await h.settle();
    expect(h.destination.rows.filter((row) => row.correlationId.endsWith('temperature/upper'))).toHaveLength(2);
  });

  test('what began and ended while the instance was away becomes one resolved incident with true times', async () => {
    const h = await ready();
    h.destination.readFaults.push(
      ...Array.from({ length: 6 }, () => ({ ok: false, kind: 'not-sent', message: 'refused' }) as const),
    );
    const fired = h.anomaly();
    await h.settle();
    await h.pass(2_000, 500);
    const resolved = await recover(h, fired);
    await h.pass(20 * minuteMs);
    h.heartbeat();
    await h.pass(10 * minuteMs);
    expect(h.destination.rows).toHaveLength(1);
    expect(h.destination.rows[0]).toMatchObject({ state: 'resolved' });
    expect(h.destination.rows[0]?.description).toContain(`start=${fired.startedAt} end=${resolved.endedAt}`);
  });

  test('with opener cloud the breach is only recorded', async () => {
    const h = await ready();
    h.anomaly({ opener: 'cloud' });
    await h.settle();
    expect(h.answers.at(-1)?.result).toBe('accepted');
    expect(h.destination.calls.create).toBe(0);
    expect(h.handler.status().counts.firing).toBe(1);
  });

  test.each(['edge', 'cloud'] as const)(
    'with opener %s the incident of a breach that its device does not know is ended if the edge opens incidents',
    async (opener) => {
      const h = await ready();
      const { id, startedAt } = h.message();
      await h.destination.create({
        ...{ correlationId: 'home/pi/temperature/upper', openedBy: id, shortDescription: '' },
        ...{ description: '', workNotes: `breach ${id} start=${startedAt} end=-\n\n[${id}:1]` },
        ...{ severity: 'high', site: 'home', deviceId: 'pi', metric: 'temperature', rule: 'upper' },
      });
      h.rollCall([{ metric: 'temperature', rule: 'upper', lastSequence: 1, waiting: false, firing: null }], opener);
      await h.pass(2 * minuteMs);
      expect(h.destination.rows).toMatchObject([{ state: opener === 'edge' ? 'resolved' : 'new' }]);
    },
  );
});

describe('refusals', () => {
  test('a record that is refused becomes a dead letter; its key waits behind it and is redriven in order', async () => {
    const h = await ready();
    h.destination.writeFaults.push({ ok: false, kind: 'refused-record', message: 'aborted by Business Rule' });
    const fired = h.anomaly();
    await h.settle();
    await recover(h, fired);
    await h.pass(20 * minuteMs);
    h.heartbeat();
    await h.settle();
    expect(h.destination.rows).toHaveLength(0);
    expect(h.handler.status().counts.dead).toBe(1);
    expect(h.handler.redrive('all')).toBe(1);
    await h.settle();
    expect(h.destination.rows[0]?.state).toBe('resolved');
  });

  test('one attempt for each version of a secret, then a pause', async () => {
    const h = await ready();
    h.anomaly();
    await h.settle();
    h.destination.secret = { version: 'v1', accepted: false };
    h.anomaly({ metric: 'humidity' });
    await h.pass(4 * minuteMs);
    expect(h.destination.calls.find).toBe(2);
    h.destination.secret = { version: 'v2', accepted: true };
    await h.pass(2 * minuteMs);
    expect(h.destination.rows).toHaveLength(2);
  });

  test('a throttled destination is left alone for as long as it asks', async () => {
    const h = await ready();
    h.destination.writeFaults.push({ ok: false, kind: 'throttled', retryAfterMs: 30_000, message: '429' });
    h.anomaly();
    await h.pass(29_000, 1_000);
    expect(h.destination.calls.create).toBe(1);
    await h.pass(2_000, 1_000);
    expect(h.destination.calls.create).toBe(2);
  });
});

describe('hostile messages', () => {
  test.each([
    ['no JSON', 'not json', undefined],
    ['10 MB', 'x'.repeat(10_000_000), undefined],
    [
      'a newer version',
      {
        version: 2,
        site: 'home',
        deviceId: 'pi',
        metric: 't',
        rule: 'upper',
        installationId: 'a'.repeat(32),
        sequence: 3,
      },
      /version 2 is not known/,
    ],
    ['NaN', '{"version":1,"value":NaN}', undefined],
  ])('%s is put aside and counted', async (_name, payload, reason) => {
    const h = await ready();
    h.send('IoTBlog/anomaly', payload);
    await h.settle();
    expect(h.handler.status()).toMatchObject({ messages: { malformed: 1 }, counts: { rejected: 1 } });
    if (reason !== undefined)
      expect(h.answers.at(-1)).toMatchObject({ result: 'rejected', reason: expect.stringMatching(reason) });
    h.anomaly();
    await h.settle();
    expect(h.answers.at(-1)?.result).toBe('accepted');
  });

  test('an id that does not follow from its parts is rejected', async () => {
    const h = await ready();
    h.anomaly({ id: 'd'.repeat(32) });
    await h.settle();
    expect(h.answers.at(-1)).toMatchObject({ result: 'rejected' });
    expect(h.handler.status().counts.firing).toBe(0);
  });
});

test('a message is answered, and an attempt is sent, once the disk has it, and not before', async () => {
  const disk = heldSync();
  const h = await ready(undefined, { createSync: disk.create });
  disk.release();
  await h.settle();
  h.anomaly();
  await h.settle();
  expect(h.answers).toEqual([]);
  disk.release();
  await h.settle();
  expect(h.answers).toMatchObject([{ result: 'accepted' }]);
  expect(h.destination.rows).toEqual([]);
  disk.release();
  await h.settle();
  expect(h.destination.rows).toHaveLength(1);
});
