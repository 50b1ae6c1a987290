import { describe, expect, test } from 'vitest';
import { firingOf, minuteMs, ready, recover } from './story-harness.ts';

const fresh = { installationId: 'e'.repeat(32), installationCreatedAt: '2026-02-01T00:00:00Z' };

describe('what a message must be', () => {
  test.each([
    ['a rule of the handler', { rule: 'storm' as const }, /raised by the handler alone/],
    ['the handler’s own name', { deviceId: 'handler' }, /the handler's own/],
    ['a firing after its message', { sequence: 2, firingSequence: 3 }, /firingSequence is above sequence/],
  ])('%s is rejected', async (_name, change, reason) => {
    const h = await ready();
    h.anomaly(change);
    await h.settle();
    expect(h.answers).toEqual([expect.objectContaining({ result: 'rejected', reason: expect.stringMatching(reason) })]);
    expect(h.handler.status().counts).toMatchObject({ firing: 0, rejected: 1 });
  });

  test('one device more than the configuration allows is rejected; a known one goes on', async () => {
    const h = await ready((config) => {
      config.handler.maxDevices = 1;
    });
    h.anomaly();
    h.anomaly({ deviceId: 'pi2' });
    h.anomaly({ metric: 'humidity' });
    await h.settle();
    expect(h.answers.map((one) => one.result)).toEqual(['accepted', 'rejected', 'accepted']);
    expect(h.answers[1]?.reason).toMatch(/handler.maxDevices \(1\)/);
  });

  test('the answer to a malformed message carries the high-water mark of its key', async () => {
    const h = await ready();
    h.anomaly({ sequence: 5, firingSequence: 5 });
    await h.settle();
    h.send('IoTBlog/anomaly', { ...h.message({ sequence: 6 }), unit: 7 });
    await h.settle();
    expect(h.answers.at(-1)).toMatchObject({ result: 'rejected', sequence: 6, highWater: 5 });
  });

  test('rejected messages are kept up to a bound', async () => {
    const h = await ready((config) => {
      config.handler.maxRejected = 10;
    });
    for (let n = 0; n < 30; n += 1) h.send('IoTBlog/anomaly', 'not json');
    await h.settle();
    expect(h.handler.status()).toMatchObject({ counts: { rejected: 10 }, messages: { malformed: 30 } });
  });
});

describe('a new installation', () => {
  test('whose predecessor was made by a clock that was ahead is heard once that one’s time was corrected', async () => {
    const h = await ready();
    const ahead = { installationId: 'a'.repeat(32), installationCreatedAt: '2026-06-01T00:00:00Z' };
    h.anomaly({ ...ahead, sequence: 1, firingSequence: 1 });
    await h.settle();
    h.anomaly({
      ...ahead,
      installationCreatedAt: '2026-01-01T00:00:00Z',
      metric: 'humidity',
      sequence: 1,
      firingSequence: 1,
    });
    await h.settle();
    h.anomaly({ ...fresh, metric: 'pressure', sequence: 1, firingSequence: 1 });
    await h.settle();
    expect(h.answers.map((answer) => answer.result)).toEqual(['accepted', 'accepted', 'accepted']);
  });

  test('of one device leaves the marks of the gateway’s other devices alone', async () => {
    const h = await ready();
    h.anomaly();
    const other = h.anomaly({ deviceId: 'pi2' });
    await h.settle();
    h.anomaly({ ...fresh, sequence: 1, firingSequence: 1 });
    h.send('IoTBlog/anomaly', other);
    await h.settle();
    expect(h.answers.at(-1)).toMatchObject({ deviceId: 'pi2', result: 'duplicate' });
  });

  test('goes on with a breach that could not be told yet: its true start is told', async () => {
    const h = await ready();
    const away = { ok: false, kind: 'not-sent', message: 'ENOTFOUND' } as const;
    h.destination.readFaults.push(away, away, away);
    const fired = h.anomaly();
    await h.pass(1_000, 1_000);
    expect(h.destination.rows).toEqual([]);
    const again = h.anomaly({ ...fresh, sequence: 1, firingSequence: 1 });
    await h.pass(minuteMs);
    expect(h.destination.rows).toMatchObject([{ state: 'new', openedBy: fired.id }]);
    expect(h.destination.rows[0]?.description).toContain(`breach ${fired.id} start=${fired.startedAt} end=-`);
    expect(h.destination.rows[0]?.workNotes).toContain(`breach ${again.id} start=${again.startedAt} end=-`);
  });

  test('goes on with what people have ended: nothing new until a recovery', async () => {
    const h = await ready();
    const fired = h.anomaly();
    await h.settle();
    h.destination.edit('INC0010001', { state: 'canceled' });
    await h.pass(16 * minuteMs);
    h.anomaly({ phase: 'updated', firingSequence: 1, startedAt: fired.startedAt });
    await h.settle();
    expect(h.told.at(-1)?.told.kind).toBe('released');
    h.anomaly({ ...fresh, sequence: 1, firingSequence: 1, startedAt: fired.startedAt });
    await h.pass(minuteMs);
    expect(h.destination.rows).toHaveLength(1);
  });
});

describe('roll calls', () => {
  test('a key that the monitor has forgotten, though it was accepted, is told to it', async () => {
    const h = await ready();
    h.anomaly({ sequence: 4, firingSequence: 4 });
    await h.settle();
    h.rollCall([]);
    await h.settle();
    expect(h.answers.at(-1)).toMatchObject({ metric: 'temperature', result: 'duplicate', sequence: 0, highWater: 4 });
    expect(h.handler.status().counts.firing).toBe(1);
  });

  test('a breach whose id its key does not give it is not adopted', async () => {
    const h = await ready();
    const forged = { ...firingOf(h.message()), id: 'd'.repeat(32) };
    h.rollCall([{ metric: 'temperature', rule: 'upper', lastSequence: 1, waiting: false, firing: forged }]);
    await h.settle();
    expect(h.handler.status().counts.firing).toBe(0);
  });

  test('an incident whose breach has ended, and that nobody came to resolve, is resolved without another note', async () => {
    const h = await ready();
    await recover(h, h.anomaly());
    const notes = h.destination.rows[0]?.workNotes;
    await h.restart({ loseStore: true });
    h.rollCall([{ metric: 'temperature', rule: 'upper', lastSequence: 2, waiting: false, firing: null }]);
    await h.pass(2 * minuteMs);
    expect(h.destination.rows[0]).toMatchObject({ state: 'resolved', workNotes: notes });
  });

  test('breaches that have incidents of their own keep them, though adopting them all at once looks like a storm', async () => {
    const h = await ready((config) => {
      config.handler.storm = { keys: 1, windowMs: minuteMs };
    });
    const fired = [];
    for (const metric of ['a', 'b', 'c']) {
      fired.push(h.anomaly({ metric }));
      await h.pass(2 * minuteMs);
    }
    expect(h.destination.rows).toHaveLength(3);
    await h.restart({ loseStore: true });
    h.rollCall(
      fired.map((one) => ({
        metric: one.metric,
        rule: one.rule,
        lastSequence: 1,
        waiting: false,
        firing: firingOf(one),
      })),
    );
    await h.pass(3 * minuteMs);
    for (const one of fired) await recover(h, one);
    await h.pass(20 * minuteMs);
    expect(new Set(h.destination.rows.map((row) => row.state))).toEqual(new Set(['resolved']));
    expect(h.destination.rows.filter((row) => row.correlationId !== 'home/*/*/storm')).toHaveLength(3);
  });
});
