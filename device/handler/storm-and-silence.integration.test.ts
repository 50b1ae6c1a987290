import { describe, expect, test } from 'vitest';
import { isoUtc } from '../platform/time.ts';
import type { Harness } from './handler-harness.ts';
import { firingOf, minuteMs, ready, recover } from './story-harness.ts';

describe('storms, caps and silence', () => {
  const keys = (count: number) => Array.from({ length: count }, (_, n) => `m${n}`);

  /** Of `a`, which has an incident of its own, and `b`, which the storm has listed. */
  async function stormOfTwo(): Promise<Harness> {
    const h = await ready((config) => {
      config.handler.deviceSilentMs = 0;
      config.handler.storm = { keys: 1, windowMs: minuteMs };
    });
    h.anomaly({ metric: 'a' });
    h.anomaly({ metric: 'b' });
    await h.pass(2 * minuteMs);
    return h;
  }

  test('many keys at once open one incident that lists them, and resolves when all have ended', async () => {
    const h = await ready((config) => {
      config.handler.storm = { keys: 5, windowMs: 60_000 };
    });
    const fired = keys(100).map((metric) => h.anomaly({ metric }));
    await h.pass(10 * minuteMs);
    expect(h.destination.rows).toHaveLength(6);
    const storm = h.destination.rows.find((row) => row.correlationId === 'home/*/*/storm');
    const held = fired.filter((one) => !h.destination.rows.some((row) => row.openedBy === one.id));
    expect(held).toHaveLength(95);
    for (const one of held) expect(storm?.workNotes).toContain(`breach ${one.id} start=`);
    for (const one of fired) await recover(h, one);
    await h.pass(20 * minuteMs);
    h.heartbeat();
    await h.pass(2 * minuteMs);
    expect(new Set(h.destination.rows.map((row) => row.state))).toEqual(new Set(['resolved']));
    for (const one of held) expect(storm?.workNotes).toMatch(new RegExp(`breach ${one.id} start=\\S+ end=2026`));
  });

  test('a storm that begins right after the quiet period of the last one finds its incident resolved, and reopens it', async () => {
    const h = await ready((config) => {
      config.handler.storm = { keys: 1, windowMs: minuteMs };
    });
    for (const one of keys(2).map((metric) => h.anomaly({ metric }))) await recover(h, one);
    const storm = () => h.destination.rows.find((row) => row.correlationId === 'home/*/*/storm');
    // Quiet periods of what the handler raised itself are looked at once a minute.
    await h.pass(15 * minuteMs + 1_000, 1_000);
    expect(storm()?.state).toBe('new');
    for (const metric of keys(2)) h.anomaly({ metric });
    await h.settle();
    expect(storm()?.state).toBe('in-progress');
    await h.pass(5 * minuteMs);
    expect(storm()?.state).toBe('in-progress');
    expect(storm()?.workNotes.match(/Breaching again/g)).toHaveLength(1);
  });

  test('a storm whose incident people cancel is over: what it listed stays with them, what it did not opens', async () => {
    const h = await ready((config) => {
      config.handler.storm = { keys: 1, windowMs: 60 * minuteMs };
    });
    const [own, listed] = [h.anomaly({ metric: 'a' }), h.anomaly({ metric: 'b' })];
    await h.pass(minuteMs);
    const storm = h.destination.rows.find((row) => row.correlationId === 'home/*/*/storm');
    h.destination.edit(storm?.number ?? '', { state: 'canceled' });
    const later = h.anomaly({ metric: 'c' });
    await h.pass(minuteMs);
    const latest = h.anomaly({ metric: 'd' });
    await h.pass(90 * minuteMs, minuteMs);
    const calls = { ...h.destination.calls };
    await h.pass(10 * minuteMs);
    expect(h.destination.calls).toEqual(calls);
    expect(h.destination.rows.map((row) => row.correlationId)).toEqual([
      ...['home/pi/a/upper', 'home/*/*/storm', 'home/pi/c/upper', 'home/*/*/storm'],
    ]);
    expect(h.destination.rows.filter((row) => row.workNotes.includes(`breach ${listed.id} `))).toHaveLength(1);
    for (const one of [own, listed, later, latest]) await recover(h, one);
    await h.pass(20 * minuteMs);
    expect(h.destination.rows.map((row) => row.state)).toEqual(['resolved', 'canceled', 'resolved', 'resolved']);
    expect(h.destination.rows[3]?.workNotes).toMatch(new RegExp(`breach ${latest.id} start=\\S+ end=2026`));
  });

  test.each([
    ['closed', (h: Harness, number: string) => h.destination.edit(number, { state: 'closed' })],
    ['deleted', (h: Harness, number: string) => h.destination.delete(number)],
  ])('a storm that ends after its incident was %s: what it never listed opens anew', async (_, decide) => {
    const h = await ready((config) => {
      config.handler.storm = { keys: 1, windowMs: 60 * minuteMs };
    });
    const early = [h.anomaly({ metric: 'a' }), h.anomaly({ metric: 'b' })];
    await h.pass(minuteMs);
    decide(h, 'INC0010002');
    const late = h.anomaly({ metric: 'c' });
    await h.pass(minuteMs);
    for (const one of [...early, late]) await recover(h, one);
    await h.pass(20 * minuteMs);
    const told = h.destination.rows.filter((row) => row.workNotes.includes(`breach ${late.id} `));
    expect(told.map((row) => [row.correlationId, row.state])).toEqual([['home/pi/c/upper', 'resolved']]);
  });

  test('what begins right after people have closed a storm that had listed all it held opens an incident of its own', async () => {
    const h = await ready((config) => {
      config.handler.storm = { keys: 1, windowMs: minuteMs };
    });
    const [, , over] = keys(3).map((metric) => h.anomaly({ metric }));
    await h.pass(2 * minuteMs);
    h.destination.edit('INC0010002', { state: 'closed' });
    if (over !== undefined) await recover(h, over);
    const late = h.anomaly({ metric: over?.metric ?? '' });
    await h.pass(2 * minuteMs);
    const told = h.destination.rows.filter((row) => row.workNotes.includes(late.id));
    expect(told.map((row) => [row.correlationId, row.state])).toEqual([['home/pi/m2/upper', 'new']]);
  });

  test('what people closed with a storm whose opening listed it stays with them, though nobody heard that it was listed', async () => {
    const h = await ready((config) => {
      config.handler.storm = { keys: 1, windowMs: minuteMs };
    });
    h.anomaly({ metric: 'a' });
    await h.settle();
    h.destination.writeFaults.push('commit-then-cut');
    const listed = h.anomaly({ metric: 'b' });
    await h.settle();
    expect(h.destination.rows[1]?.workNotes).toContain(`breach ${listed.id} `);
    h.destination.edit('INC0010002', { state: 'closed' });
    await h.pass(10 * minuteMs);
    expect(h.destination.rows.map((row) => row.correlationId)).toEqual(['home/pi/a/upper', 'home/*/*/storm']);
  });

  test('a breach that a storm holds stays in it under another name, though a silence covers its key by then', async () => {
    const h = await stormOfTwo();
    h.handler.silence({ author: 'Ann', reason: 'filter change', untilMs: h.time.wallMs() + 5 * minuteMs, metric: 'b' });
    const renamed = { metric: 'b', installationId: 'e'.repeat(32), installationCreatedAt: '2026-02-01T00:00:00Z' };
    const fired = h.anomaly(renamed);
    await h.pass(20 * minuteMs);
    const rows = () => h.destination.rows.map((row) => [row.correlationId, row.state]);
    expect(rows()).toEqual([
      ['home/pi/a/upper', 'new'],
      ['home/*/*/storm', 'new'],
    ]);
    const [endedAt, endReason] = [isoUtc(h.time.wallMs()), 'cleared' as const];
    h.anomaly({ ...renamed, firingSequence: fired.sequence, phase: 'resolved', endedAt, endReason });
    await h.pass(20 * minuteMs);
    expect(rows()).toEqual([
      ['home/pi/a/upper', 'new'],
      ['home/*/*/storm', 'resolved'],
    ]);
    expect(h.destination.rows[1]?.workNotes).toMatch(new RegExp(`breach ${fired.id} start=\\S+ end=${endedAt}`));
  });

  test('a storm is over when the cloud takes over the last breach that it held', async () => {
    const h = await stormOfTwo();
    const installation = { installationId: 'e'.repeat(32), installationCreatedAt: '2026-02-01T00:00:00Z' };
    h.anomaly({ metric: 'b', opener: 'cloud', ...installation });
    await h.pass(20 * minuteMs);
    expect(h.destination.rows.map((row) => [row.correlationId, row.state])).toEqual([
      ['home/pi/a/upper', 'new'],
      ['home/*/*/storm', 'resolved'],
    ]);
  });

  test('what a closed storm never listed is told in the incident of a later breach, which goes on', async () => {
    const h = await ready((config) => {
      config.handler.deviceSilentMs = 0;
      config.handler.storm = { keys: 1, windowMs: minuteMs };
    });
    h.anomaly({ metric: 'a' });
    const listed = h.anomaly({ metric: 'b' });
    await h.settle();
    h.destination.writeFaults.push({ ok: false, kind: 'refused-record', message: 'a business rule' });
    const early = h.anomaly({ metric: 'c' });
    await h.pass(2 * minuteMs);
    await recover(h, listed);
    await recover(h, early);
    await h.pass(2 * minuteMs);
    const late = h.anomaly({ metric: 'c' });
    await h.settle();
    const row = () => h.destination.rows.find((one) => one.openedBy === late.id);
    expect(row()?.state).toBe('new');
    h.destination.edit('INC0010002', { state: 'closed' });
    h.handler.redrive('all');
    await h.pass(30 * minuteMs);
    expect(row()?.workNotes).toContain(`breach ${early.id} start=${early.startedAt} end=2026`);
    expect(row()?.state).toBe('new');
    expect(row()?.closeNotes).toBe('');
  });

  test('a breach that called off a resolution, and that a storm holds after a silence, lets the earlier incident end', async () => {
    const h = await ready((config) => {
      config.handler.deviceSilentMs = 0;
      config.handler.storm = { keys: 1, windowMs: minuteMs };
    });
    await recover(h, h.anomaly({ metric: 'a' }));
    await h.pass(2 * minuteMs);
    h.destination.readFaults.push({ ok: false, kind: 'throttled', retryAfterMs: 5 * minuteMs, message: '429' });
    h.anomaly({ metric: 'a' });
    h.anomaly({ metric: 'b' });
    await h.settle();
    h.handler.silence({ author: 'Ann', reason: 'filter change', untilMs: h.time.wallMs() + 2 * minuteMs, metric: 'a' });
    await h.pass(30 * minuteMs);
    expect(h.destination.rows.map((row) => [row.correlationId, row.state])).toEqual([
      ['home/pi/a/upper', 'resolved'],
      ['home/*/*/storm', 'new'],
    ]);
    expect(h.destination.rows[0]?.workNotes).not.toContain('Breaching again');
  });

  test('a breach that a canceled storm never listed, and that began inside the quiet period, calls off the resolution', async () => {
    const h = await ready((config) => {
      config.handler.storm = { keys: 1, windowMs: minuteMs };
    });
    const first = h.anomaly({ metric: 'a' });
    await recover(h, first);
    h.anomaly({ metric: 'b' });
    await h.settle();
    h.destination.edit('INC0010002', { state: 'canceled' });
    h.anomaly({ metric: 'a' });
    await h.pass(60 * minuteMs, minuteMs);
    h.heartbeat();
    await h.pass(2 * minuteMs);
    expect(h.destination.rows[0]).toMatchObject({ correlationId: 'home/pi/a/upper', state: 'new' });
    expect(h.destination.rows[0]?.workNotes.match(/Breaching again/g)).toHaveLength(1);
  });

  test('no more new incidents an hour than the cap; the rest waits', async () => {
    const h = await ready((config) => {
      config.handler.maxNewPerHour = 3;
    });
    for (const metric of keys(5)) h.anomaly({ metric });
    await h.pass(10 * minuteMs);
    expect(h.destination.rows).toHaveLength(3);
    await h.pass(60 * minuteMs, 5 * minuteMs);
    expect(h.destination.rows.filter((row) => row.correlationId.includes('/m'))).toHaveLength(5);
  });

  test('a device whose heartbeat stops is silent, and speaks again', async () => {
    const h = await ready();
    h.heartbeat();
    h.alive = false;
    await h.pass(7 * minuteMs);
    expect(h.destination.rows.map((row) => row.correlationId)).toEqual(['home/pi/*/device-silent']);
    h.alive = true;
    await h.pass(17 * minuteMs);
    expect(h.destination.rows[0]?.workNotes).toContain('The device speaks again');
    expect(h.destination.rows[0]?.state).toBe('resolved');
  });

  test('a broker outage is one incident, not one a device', async () => {
    const h = await ready();
    for (const deviceId of ['pi', 'pi2', 'pi3']) {
      h.send(`IoTBlog/status/${deviceId}`, {
        version: 1,
        kind: 'heartbeat',
        site: 'home',
        deviceId,
        at: isoUtc(h.time.wallMs()),
        installationId: deviceId.padEnd(32, '0').replace(/[^0-9a-f]/g, '0'),
        installationCreatedAt: '2026-01-01T00:00:00Z',
        bootId: 'b',
        monotonicMs: 0,
        clockSynchronised: true,
        clockSource: 'none',
        lastReadingAt: null,
        sensor: 'ok',
      });
    }
    await h.settle();
    h.connected(false);
    await h.pass(20 * minuteMs);
    expect(h.destination.rows.map((row) => row.correlationId)).toEqual(['home/handler/*/broker-silent']);
    h.connected(true);
    await h.pass(20 * minuteMs);
    expect(h.destination.rows[0]?.state).toBe('resolved');
  });

  test('while a device is silent its quiet period goes on in real time', async () => {
    const h = await ready((config) => {
      config.handler.deviceSilentMs = 0;
    });
    const fired = h.anomaly();
    await h.settle();
    await recover(h, fired);
    h.alive = false;
    await h.pass(14 * minuteMs);
    expect(h.destination.rows[0]?.state).toBe('new');
    await h.pass(8 * minuteMs);
    expect(h.destination.rows[0]?.state).toBe('resolved');
  });

  test('a breach that a storm holds does not keep its earlier incident from being resolved', async () => {
    const h = await ready((config) => {
      config.handler.storm = { keys: 1, windowMs: minuteMs };
    });
    const first = h.anomaly({ metric: 'a' });
    await recover(h, first);
    await h.pass(2 * minuteMs);
    h.anomaly({ metric: 'b' });
    h.anomaly({ metric: 'c' });
    h.anomaly({ metric: 'a' });
    await h.pass(20 * minuteMs);
    expect(h.destination.rows.find((row) => row.openedBy === first.id)?.state).toBe('resolved');
  });

  test('a storm lists anew what it holds once the start is corrected', async () => {
    const h = await ready((config) => {
      config.handler.storm = { keys: 1, windowMs: minuteMs };
    });
    h.anomaly({ metric: 'a' });
    const held = h.anomaly({ metric: 'b', startedAt: '2026-02-20T00:00:00Z' });
    await h.pass(2 * minuteMs);
    const storm = () => h.destination.rows.find((row) => row.correlationId === 'home/*/*/storm')?.workNotes;
    expect(storm()).toContain(`breach ${held.id} start=2026-02-20T00:00:00Z end=-`);
    const startedAt = held.at;
    h.anomaly({ metric: 'b', phase: 'updated', firingSequence: 1, startedAt });
    await h.pass(2 * minuteMs);
    expect(storm()).toContain(`breach ${held.id} start=${startedAt} end=-`);
  });

  test('a breach that a storm is about to list is left to it, though an earlier incident of its key is still open', async () => {
    const h = await ready((config) => {
      config.handler.storm = { keys: 1, windowMs: 30 * minuteMs };
    });
    const first = h.anomaly({ metric: 'b' });
    await h.settle();
    await recover(h, first);
    h.anomaly({ metric: 'c' });
    h.anomaly({ metric: 'a' });
    await h.pass(minuteMs);
    const again = h.anomaly({ metric: 'b' });
    await h.settle();
    await h.restart();
    h.rollCall([{ metric: 'b', rule: 'upper', lastSequence: 3, waiting: false, firing: firingOf(again) }]);
    await h.pass(minuteMs);
    expect(h.destination.calls.findOpen).toBeGreaterThan(0);
    expect(h.handler.breach(again.id)?.place).toBe('held');
    await h.pass(16 * minuteMs);
    expect(h.destination.rows.find((row) => row.correlationId === 'home/pi/b/upper')?.state).toBe('resolved');
  });

  test.each([
    ['while that is not known', 'during the settle time'],
    ['once that was found', 'after it, the next note refused'],
  ])('a breach that a storm’s opening listed, though nobody heard so, is left to it %s', async (_, when) => {
    const h = await ready((config) => {
      config.handler.storm = { keys: 1, windowMs: minuteMs };
    });
    const first = h.anomaly({ metric: 'b' });
    await h.settle();
    h.destination.edit('INC0010001', { state: 'on-hold' });
    await recover(h, first);
    await h.pass(16 * minuteMs);
    const own = h.anomaly({ metric: 'a' });
    await h.settle();
    h.destination.writeFaults.push('commit-then-cut');
    const again = h.anomaly({ metric: 'b' });
    await h.settle();
    await h.restart();
    if (when !== 'during the settle time') {
      h.destination.writeFaults.push({ ok: false, kind: 'refused-record', message: 'a business rule' });
      await h.pass(2 * minuteMs);
    }
    h.rollCall([
      { metric: 'a', rule: 'upper', lastSequence: own.sequence, waiting: false, firing: firingOf(own) },
      { metric: 'b', rule: 'upper', lastSequence: again.sequence, waiting: false, firing: firingOf(again) },
    ]);
    await h.pass(5 * minuteMs);
    expect(h.destination.calls.findOpen).toBeGreaterThan(0);
    const told = h.destination.rows.filter((row) => row.workNotes.includes(`breach ${again.id} `));
    expect(told.map((row) => row.correlationId)).toEqual(['home/*/*/storm']);
  });

  test('a storm that is over, and whose incident people deleted before its last note: what it never listed opens anew', async () => {
    const h = await ready((config) => {
      config.handler.storm = { keys: 1, windowMs: minuteMs };
    });
    const early = [h.anomaly({ metric: 'a' }), h.anomaly({ metric: 'b' })];
    await h.pass(2 * minuteMs);
    const refused = { ok: false, kind: 'refused-record', message: 'Data Policy Exception' } as const;
    h.destination.writeFaults.push(refused);
    const late = h.anomaly({ metric: 'c' });
    await h.pass(2 * minuteMs);
    expect(h.handler.status().counts.dead).toBe(1);
    for (const one of [...early, late]) await recover(h, one);
    h.destination.delete('INC0010002');
    h.handler.redrive('all');
    await h.pass(20 * minuteMs);
    expect(h.destination.rows.map((row) => [row.correlationId, row.state])).toEqual([
      ['home/pi/a/upper', 'resolved'],
      ['home/pi/c/upper', 'resolved'],
    ]);
    expect(h.handler.status().counts).toMatchObject({ entries: 0, dead: 0 });
  });

  test('a device that died while the handler was away is silent, too', async () => {
    const h = await ready();
    h.heartbeat();
    h.alive = false;
    await h.settle();
    await h.restart();
    await h.pass(7 * minuteMs);
    expect(h.destination.rows.map((row) => row.correlationId)).toEqual(['home/pi/*/device-silent']);
  });

  test('a restart does not end a quiet period before its device has spoken', async () => {
    const h = await ready();
    await recover(h, h.anomaly());
    h.alive = false;
    const stopped = h.handler.stop();
    h.time.advance(20 * minuteMs);
    await stopped;
    await h.restart();
    await h.pass(3 * minuteMs);
    expect(h.destination.rows[0]?.state).toBe('new');
    h.alive = true;
    await h.pass(2 * minuteMs);
    expect(h.destination.rows[0]?.state).toBe('resolved');
  });

  test('a clock that was ahead does not delay a quiet period beyond a reboot that set it right', async () => {
    const h = await ready();
    const aheadMs = 3 * 24 * 60 * minuteMs;
    const early = () => isoUtc(h.time.wallMs() + aheadMs);
    const fired = h.anomaly({ startedAt: early(), at: early(), bootId: 'first' });
    await h.settle();
    const over = { phase: 'resolved', endedAt: early(), endReason: 'cleared', at: early(), bootId: 'first' } as const;
    h.anomaly({ ...over, firingSequence: fired.firingSequence, startedAt: fired.startedAt });
    await h.settle();
    h.alive = false;
    const speaksFor = async (minutes: readonly number[]) => {
      for (const minute of minutes) {
        await h.pass(minuteMs);
        h.status({
          kind: 'heartbeat',
          bootId: 'second',
          monotonicMs: minute * minuteMs,
          lastReadingAt: null,
          sensor: 'ok',
        });
      }
      await h.settle();
      return h.destination.rows[0]?.state;
    };
    expect(await speaksFor([1, 4, 8, 12, 14])).toBe('new');
    expect(await speaksFor([15])).toBe('resolved');
  });

  test('what an earlier boot said, and is told late, does not end a quiet period', async () => {
    const h = await ready();
    const before = h.message({ metric: 'humidity', bootId: 'first', monotonicMs: 60 * minuteMs });
    await h.pass(minuteMs);
    await recover(h, h.anomaly());
    h.send('IoTBlog/anomaly', before);
    await h.settle();
    expect(h.destination.rows.find(({ correlationId }) => correlationId.includes('temperature'))?.state).toBe('new');
  });

  test('breaches that come and go inside the quiet period do not pile up', async () => {
    const h = await ready((config) => {
      config.handler.keepEnded = 100;
      config.handler.storm.keys = 1_000;
    });
    for (let n = 0; n < 150; n += 1) {
      await recover(h, h.anomaly());
      h.time.advance(1_000);
    }
    expect(h.destination.rows).toHaveLength(1);
    expect(h.handler.recent(1_000).length).toBeLessThanOrEqual(102);
  });
});
