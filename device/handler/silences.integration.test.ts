import { describe, expect, test } from 'vitest';
import type { SilenceRequest } from '../incident/silence.ts';
import { isoUtc } from '../platform/time.ts';
import { type Harness, startMs } from './handler-harness.ts';
import { storeSilence } from './silences.ts';
import { handlerStoreName, openServedStore } from './store.ts';
import { firingOf, lostAfterRecovery, minuteMs, ready, recover, start } from './story-harness.ts';

function silence(h: Harness, forMs: number, scope: Partial<SilenceRequest> = {}) {
  return h.handler.silence({ author: 'Ann', reason: 'filter change', untilMs: h.time.wallMs() + forMs, ...scope });
}

const counts = (h: Harness) => h.handler.status().counts;
const only = (h: Harness) => {
  expect(h.destination.rows).toHaveLength(1);
  return h.destination.rows[0] ?? expect.unreachable();
};

describe('a breach that fires under a silence', () => {
  test('is taken in and held back, and opens when the time of the silence is up, with its true start', async () => {
    const h = await ready();
    silence(h, 10 * minuteMs, { metric: 'temperature' });
    const fired = h.anomaly();
    await h.pass(9 * minuteMs);
    expect(h.answers.at(-1)).toMatchObject({ result: 'accepted', sequence: 1 });
    expect(h.destination.rows).toEqual([]);
    expect(h.destination.calls.find).toBe(0);
    expect(counts(h)).toMatchObject({ firing: 1, silenced: 1, silences: 1, entries: 1 });
    expect(h.handler.oldestEntryMs()).toBeUndefined();
    await h.pass(minuteMs);
    expect(only(h).description).toContain(`breach ${fired.id} start=${fired.startedAt} end=-`);
    expect(only(h).workNotes).toMatch(
      /Held back by a silence that has ended\. First breach \S+, told \S+, 10 min 0 s later\./,
    );
    expect(counts(h)).toMatchObject({ firing: 1, silenced: 0, silences: 0, entries: 0 });
    await recover(h, fired);
    await h.pass(16 * minuteMs);
    expect(only(h).state).toBe('resolved');
  });

  test('opens at once when a person ends the silence', async () => {
    const h = await ready();
    const { id } = silence(h, 60 * minuteMs);
    h.anomaly();
    await h.settle();
    expect(h.handler.endSilence('none')).toBe(false);
    expect(h.destination.rows).toEqual([]);
    expect(h.handler.endSilence(id)).toBe(true);
    await h.settle();
    only(h);
    expect(h.handler.silences()).toEqual([]);
  });

  test('is recorded only where it has ended under it', async () => {
    const h = await ready();
    silence(h, 10 * minuteMs);
    const fired = h.anomaly();
    await h.pass(minuteMs);
    await recover(h, fired);
    await h.pass(60 * minuteMs, minuteMs);
    expect(h.destination.calls).toMatchObject({ find: 0, create: 0 });
    expect(h.handler.breach(fired.id)).toMatchObject({ phase: 'ended', place: 'recorded' });
    expect(counts(h)).toMatchObject({ entries: 0, silenced: 0 });
  });

  test.each([
    { clock: 'ahead', aheadMs: 62 * 60 * minuteMs, known: { clockSynchronised: false, clockSource: 'none' } },
    { clock: 'known to be wrong', aheadMs: -minuteMs * 60, known: { clockSynchronised: false, clockSource: 'chrony' } },
  ])('is recorded only where it has ended under it by a clock that is $clock', async ({ aheadMs, known }) => {
    const h = await ready();
    silence(h, 10 * minuteMs);
    const startedAt = isoUtc(h.time.wallMs() + aheadMs);
    const fired = h.anomaly({ ...known, startedAt, at: startedAt });
    await h.pass(minuteMs);
    const endedAt = isoUtc(h.time.wallMs() + aheadMs);
    const over = { phase: 'resolved', endedAt, endReason: 'cleared', at: endedAt } as const;
    h.anomaly({ ...known, ...over, firingSequence: fired.firingSequence, startedAt });
    await h.pass(60 * minuteMs, minuteMs);
    expect(h.destination.rows).toEqual([]);
    expect(h.handler.breach(fired.id)).toMatchObject({ phase: 'ended', place: 'recorded' });
  });

  test('goes on being held back while another silence covers it', async () => {
    const h = await ready();
    silence(h, 5 * minuteMs, { metric: 'temperature' });
    silence(h, 10 * minuteMs, { rule: 'upper' });
    h.anomaly();
    await h.pass(9 * minuteMs);
    expect(h.destination.rows).toEqual([]);
    await h.pass(minuteMs);
    only(h);
  });

  test('opens while others are held back, where the silence does not speak of it', async () => {
    const h = await ready();
    silence(h, 5 * minuteMs, { metric: 'humidity' });
    h.anomaly();
    h.anomaly({ metric: 'humidity' });
    await h.settle();
    expect(only(h).correlationId).toBe('home/pi/temperature/upper');
  });

  test('does not keep the earlier incident of its key open, and reopens it if it outlasts the silence', async () => {
    const h = await ready();
    await recover(h, h.anomaly());
    silence(h, 30 * minuteMs);
    const again = h.anomaly();
    await h.pass(20 * minuteMs);
    expect(only(h).state).toBe('resolved');
    await h.pass(11 * minuteMs);
    expect(only(h).state).toBe('in-progress');
    expect(only(h).workNotes).toContain(`breach ${again.id} start=${again.startedAt} end=-`);
  });

  test('that outlasts it inside the quiet period of the earlier one goes on in its incident', async () => {
    const h = await ready();
    await recover(h, h.anomaly());
    silence(h, 2 * minuteMs);
    const again = h.anomaly();
    await h.pass(30 * minuteMs);
    expect(only(h).state).toBe('new');
    await recover(h, again);
    await h.pass(16 * minuteMs);
    expect(only(h).state).toBe('resolved');
  });

  test('is told of like any other where it was over before the silence, however late it comes', async () => {
    const h = await ready();
    const startedAt = isoUtc(h.time.wallMs());
    await h.pass(minuteMs);
    const endedAt = isoUtc(h.time.wallMs());
    await h.pass(minuteMs);
    silence(h, 60 * minuteMs);
    h.anomaly({ startedAt });
    h.anomaly({ phase: 'resolved', firingSequence: 1, startedAt, endedAt, endReason: 'cleared' });
    await h.settle();
    expect(only(h).workNotes).toContain(`start=${startedAt} end=${endedAt}`);
  });
});

describe('an incident that was open before', () => {
  test('gets no notes but its recovery, and is resolved', async () => {
    const h = await ready();
    const fired = h.anomaly();
    await h.settle();
    silence(h, 120 * minuteMs);
    const before = only(h).workNotes;
    const looks = h.destination.calls.find;
    await h.pass(20 * minuteMs, minuteMs);
    h.anomaly({ phase: 'updated', firingSequence: 1, startedAt: fired.startedAt, severity: 'critical' });
    await h.pass(minuteMs);
    expect(only(h).workNotes).toBe(before);
    expect(counts(h).silenced).toBe(1);
    expect(h.destination.calls.find).toBe(looks);
    await recover(h, fired);
    expect(only(h).workNotes).toMatch(/Recovered.*start=\S+ end=2026/s);
    expect(only(h).workNotes).not.toContain('Still breaching');
    await h.pass(16 * minuteMs);
    expect(only(h).state).toBe('resolved');
  });

  test('is told the latest that it missed, once, when it outlasts the silence', async () => {
    const h = await ready();
    const fired = h.anomaly();
    await h.settle();
    silence(h, 10 * minuteMs);
    for (const severity of ['medium', 'low', 'critical'] as const) {
      h.anomaly({ phase: 'updated', firingSequence: 1, startedAt: fired.startedAt, severity });
      await h.pass(minuteMs);
    }
    await h.pass(7 * minuteMs);
    expect(only(h).workNotes.match(/Still breaching/g)).toHaveLength(1);
    expect(only(h).workNotes).toContain('Severity changed from high to critical.');
  });

  test('hears of the end of its breach under another installation, too', async () => {
    const h = await ready();
    h.anomaly();
    await h.settle();
    silence(h, 60 * minuteMs);
    const anew = { installationId: '0a'.repeat(16), installationCreatedAt: '2026-02-01T00:00:00Z' };
    const fired = h.anomaly({ ...anew, sequence: 1 });
    await h.settle();
    const before = only(h).workNotes;
    const endedAt = isoUtc(h.time.wallMs());
    h.anomaly({ ...anew, sequence: 2, firingSequence: 1, phase: 'resolved', endedAt, endReason: 'cleared' });
    await h.settle();
    expect(only(h).workNotes).not.toBe(before);
    expect(only(h).workNotes).toContain(`breach ${fired.id} start=${fired.startedAt} end=${endedAt}`);
    await h.pass(2 * minuteMs);
  });
});

describe('an opening that waits when the silence begins', () => {
  test('is held back as well', async () => {
    const h = await ready();
    h.destination.secret.accepted = false;
    h.anomaly();
    await h.settle();
    silence(h, 30 * minuteMs);
    h.destination.secret.accepted = true;
    await h.pass(29 * minuteMs);
    expect(h.destination.rows).toEqual([]);
    await h.pass(minuteMs);
    only(h);
  });

  test('is told in any case where its breach was over before', async () => {
    const h = await ready();
    h.destination.secret.accepted = false;
    await recover(h, h.anomaly());
    await h.pass(minuteMs);
    silence(h, 60 * minuteMs);
    h.destination.secret.accepted = true;
    await h.pass(20 * minuteMs);
    expect(only(h).state).toBe('resolved');
  });

  test('is kept where its attempt has made the incident after all, which hears of the end', async () => {
    const h = await ready();
    h.destination.writeFaults.push({ commitAfterMs: 30_000 });
    const fired = h.anomaly();
    await h.settle();
    silence(h, 60 * minuteMs);
    await h.pass(5 * minuteMs);
    expect(h.handler.breach(fired.id)?.incident?.number).toBe(only(h).number);
    expect(only(h).modCount).toBe(0);
    await recover(h, fired);
    await h.pass(5 * minuteMs);
    expect(only(h).workNotes).toMatch(/Recovered.*end=2026/s);
    await h.pass(16 * minuteMs);
    expect(only(h).state).toBe('resolved');
  });

  test('is held back where its attempt has made none, and opens once', async () => {
    const h = await ready();
    h.destination.writeFaults.push('cut-before-commit');
    h.anomaly();
    await h.settle();
    silence(h, 30 * minuteMs);
    await h.pass(29 * minuteMs);
    expect(h.destination.calls.create).toBe(1);
    expect(h.destination.rows).toEqual([]);
    await h.pass(minuteMs);
    only(h);
  });

  test('is dropped where its attempt has made none and the breach ended under the silence', async () => {
    const h = await ready();
    h.destination.writeFaults.push('cut-before-commit');
    const fired = h.anomaly();
    await h.settle();
    silence(h, 30 * minuteMs);
    await h.pass(10_000);
    await recover(h, fired);
    await h.pass(60 * minuteMs, minuteMs);
    expect(h.destination.rows).toEqual([]);
    expect(counts(h).entries).toBe(0);
  });
});

describe('an opening whose attempt has no known end', () => {
  test('is looked up when the silence ends before that, and no storm takes it', async () => {
    const h = await ready((config) => {
      config.handler.storm = { keys: 1, windowMs: minuteMs };
    });
    h.destination.writeFaults.push({ commitAfterMs: 30_000 });
    const fired = h.anomaly();
    await h.settle();
    const { id } = silence(h, 60 * minuteMs);
    for (const metric of ['a', 'b', 'c']) h.anomaly({ metric });
    await h.settle();
    h.handler.endSilence(id);
    await h.pass(10 * minuteMs);
    expect(h.handler.breach(fired.id)).toMatchObject({ place: 'attached', heldBy: null });
    expect(h.destination.rows.filter((row) => row.correlationId === 'home/pi/temperature/upper')).toHaveLength(1);
  });

  test('is not made anew under the silence when another installation tells of the breach', async () => {
    const h = await ready();
    h.destination.writeFaults.push('cut-before-commit');
    h.anomaly();
    await h.settle();
    silence(h, 30 * minuteMs);
    const anew = { installationId: '0a'.repeat(16), installationCreatedAt: '2026-02-01T00:00:00Z' };
    const fired = h.anomaly({ ...anew, sequence: 1 });
    await h.pass(10 * minuteMs);
    expect(h.destination.rows).toEqual([]);
    h.alive = false;
    await h.pass(21 * minuteMs);
    expect(h.destination.rows.find((row) => row.correlationId.endsWith('/upper'))?.openedBy).toBe(fired.id);
  });
});

describe('a silence over the time of the handler', () => {
  test('outlives a restart, and one that ended meanwhile lets go at the start', async () => {
    const h = await ready();
    silence(h, 10 * minuteMs);
    h.anomaly();
    await h.settle();
    await h.restart();
    await h.pass(2 * minuteMs);
    expect(h.destination.rows).toEqual([]);
    const stopped = h.handler.stop();
    h.time.advance(10 * minuteMs);
    await stopped;
    await h.restart();
    await h.pass(2 * minuteMs);
    only(h);
    expect(h.handler.silences()).toEqual([]);
  });

  test('is noticed where another process sets or ends it', async () => {
    const h = await ready();
    h.anomaly();
    await h.settle();
    const other = openServedStore(`${h.dataDir}/${handlerStoreName}`);
    const request = { author: 'Bo', reason: 'tests', untilMs: h.time.wallMs() + 60 * minuteMs };
    const now = { id: '1'.repeat(32), nowMs: h.time.wallMs() };
    const { id } = other.transaction(() => storeSilence(other, request, now));
    await h.pass(minuteMs);
    h.anomaly({ metric: 'humidity' });
    await h.pass(minuteMs);
    only(h);
    expect(counts(h)).toMatchObject({ silenced: 2, silences: 1 });
    other.removeSilence(id);
    other.close();
    await h.pass(minuteMs);
    expect(h.destination.rows).toHaveLength(2);
  });

  test('ends as well when the clock is set beyond its end', async () => {
    const h = await ready();
    silence(h, 60 * minuteMs);
    h.anomaly();
    await h.settle();
    h.time.setWall(startMs + 120 * minuteMs);
    await h.pass(minuteMs);
    only(h);
  });

  test('is refused in a sentence where it cannot be, and nothing is kept of it', async () => {
    const h = await start();
    expect(() => silence(h, -1)).toThrow(/^This silence cannot be set: its end has passed already\.$/);
    expect(() => silence(h, minuteMs, { rule: 'uper' })).toThrow(/not a rule/);
    expect(h.handler.silences()).toEqual([]);
    const set = silence(h, minuteMs, { deviceId: 'pi' });
    expect(h.handler.silences()).toEqual([set]);
    expect(set).toMatchObject({ site: null, deviceId: 'pi', author: 'Ann', startsAtMs: startMs });
    await h.pass(minuteMs);
    expect(counts(h).silences).toBe(0);
  });
});

describe('storms and what the handler raises itself', () => {
  const keys = (count: number) => Array.from({ length: count }, (_, n) => `m${n}`);

  test('many that outlast a silence are a storm; under it they are none', async () => {
    const h = await ready((config) => {
      config.handler.storm = { keys: 5, windowMs: minuteMs };
    });
    silence(h, 10 * minuteMs, { deviceId: 'pi' });
    const fired = keys(20).map((metric) => h.anomaly({ metric }));
    await h.pass(9 * minuteMs);
    expect(h.destination.rows).toEqual([]);
    await h.pass(5 * minuteMs);
    expect(h.destination.rows).toHaveLength(6);
    for (const one of fired) await recover(h, one);
    await h.pass(30 * minuteMs);
    expect(h.destination.rows.map((row) => row.state)).toEqual(h.destination.rows.map(() => 'resolved'));
  });

  test('a storm that is silenced is held back with what it holds', async () => {
    const h = await ready((config) => {
      config.handler.storm = { keys: 2, windowMs: minuteMs };
    });
    silence(h, 10 * minuteMs, { rule: 'storm' });
    const fired = keys(5).map((metric) => h.anomaly({ metric }));
    await h.pass(9 * minuteMs);
    expect(h.destination.rows).toHaveLength(2);
    await h.pass(5 * minuteMs);
    const storm = h.destination.rows.find((row) => row.correlationId === 'home/*/*/storm');
    for (const one of fired.slice(2)) expect(storm?.workNotes).toContain(`breach ${one.id} start=${one.startedAt}`);
  });

  test('a storm that ends untold under a silence is told all the same where it holds what was over before', async () => {
    const h = await ready((config) => {
      config.handler.storm = { keys: 1, windowMs: minuteMs };
    });
    // The instance is out of reach until all of it is over.
    h.destination.readFaults.push({ ok: false, kind: 'throttled', retryAfterMs: 5 * minuteMs, message: '429' });
    const [own, early, late] = keys(3).map((metric) => h.anomaly({ metric }));
    if (own === undefined || early === undefined || late === undefined) expect.unreachable('three were sent');
    await h.pass(minuteMs);
    await recover(h, early);
    await h.pass(10_000);
    silence(h, 30 * minuteMs);
    await h.pass(minuteMs);
    await recover(h, late);
    await h.pass(20 * minuteMs);
    const storm = h.destination.rows.find((row) => row.correlationId === 'home/*/*/storm');
    expect(`${storm?.description}\n${storm?.workNotes}`).toMatch(new RegExp(`breach ${early.id} start=\\S+ end=2026`));
    expect(storm?.state).toBe('resolved');
  });

  test('a storm that was told before lists nothing new under the silence, and all at its end', async () => {
    const h = await ready((config) => {
      config.handler.storm = { keys: 2, windowMs: minuteMs };
    });
    const early = keys(4).map((metric) => h.anomaly({ metric }));
    await h.pass(5 * minuteMs);
    const storm = () => h.destination.rows.find((row) => row.correlationId === 'home/*/*/storm')?.workNotes;
    silence(h, 60 * minuteMs, { rule: 'storm' });
    const before = storm();
    const late = h.anomaly({ metric: 'm9' });
    await h.pass(minuteMs);
    const sequence = h.handler.recent(20).find(({ message }) => message.rule === 'storm')?.message.sequence;
    await h.pass(10 * minuteMs);
    expect(h.handler.recent(20).find(({ message }) => message.rule === 'storm')?.message.sequence).toBe(sequence);
    expect(storm()).toBe(before);
    for (const one of [...early, late]) await recover(h, one);
    await h.pass(5 * minuteMs);
    expect(storm()).toMatch(new RegExp(`breach ${late.id} start=\\S+ end=2026`));
  });

  test('a breach that a storm lets go, for its key has an incident, is let go once its silence is over', async () => {
    const h = await ready((config) => {
      config.handler.storm = { keys: 1, windowMs: 60 * minuteMs };
    });
    const first = h.anomaly({ metric: 'a' });
    const listed = h.anomaly({ metric: 'c' });
    await h.pass(minuteMs);
    const held = h.anomaly({ metric: 'b' });
    await h.pass(5 * minuteMs);
    expect(h.handler.breach(held.id)?.place).toBe('held');
    await h.destination.create({
      ...{ correlationId: 'home/pi/b/upper', openedBy: '', shortDescription: '', description: '', workNotes: '' },
      ...{ severity: 'high', site: 'home', deviceId: 'pi', metric: 'b', rule: 'upper' },
    });
    const own = () => h.destination.rows.find((row) => row.correlationId === 'home/pi/b/upper')?.workNotes;
    silence(h, 30 * minuteMs, { metric: 'b' });
    const call = () =>
      h.rollCall(
        [first, held, listed].map((fired) => ({
          ...{ metric: fired.metric, rule: 'upper' as const, lastSequence: 1, waiting: false },
          firing: firingOf(fired),
        })),
      );
    call();
    const before = own();
    await h.pass(10 * minuteMs);
    expect(h.handler.breach(held.id)?.place).toBe('held');
    expect(h.handler.breach(listed.id)?.place).toBe('held');
    expect(own()).toBe(before);
    await h.pass(21 * minuteMs);
    call();
    await h.pass(minuteMs);
    expect(own()).toContain('Breaching again');
  });

  test('a breach that goes on in an incident about to be resolved, and ends untold: the incident is resolved', async () => {
    const h = await ready((config) => {
      config.handler.quietMs = 10 * minuteMs;
    });
    const first = h.anomaly();
    await h.pass(minuteMs);
    await recover(h, first);
    await h.pass(minuteMs);
    // The instance is out of reach when it begins, so that nothing is told of it before the silence.
    h.destination.readFaults.push({ ok: false, kind: 'throttled', retryAfterMs: 5 * minuteMs, message: '429' });
    const second = h.anomaly();
    await h.settle();
    silence(h, 30 * minuteMs);
    await h.pass(minuteMs);
    await recover(h, second);
    await h.pass(20 * minuteMs);
    expect(h.handler.breach(second.id)?.place).toBe('recorded');
    expect(h.destination.rows.map((row) => row.state)).toEqual(['resolved']);
    expect(h.destination.rows[0]?.workNotes).not.toContain(second.id);
  });

  test('a breach that goes on in an incident still to be made, and ends untold: the incident is resolved', async () => {
    const h = await ready((config) => {
      config.handler.quietMs = 10 * minuteMs;
    });
    // The instance is out of reach from the beginning to the end of both.
    h.destination.readFaults.push({ ok: false, kind: 'throttled', retryAfterMs: 5 * minuteMs, message: '429' });
    const first = h.anomaly();
    await h.pass(minuteMs);
    await recover(h, first);
    await h.pass(minuteMs);
    const second = h.anomaly();
    await h.settle();
    silence(h, 30 * minuteMs);
    await h.pass(minuteMs);
    await recover(h, second);
    await h.pass(20 * minuteMs);
    expect(h.handler.breach(second.id)?.place).toBe('recorded');
    expect(h.destination.rows.map((row) => row.state)).toEqual(['resolved']);
    expect(h.destination.rows[0]?.workNotes).toContain(first.id);
    expect(h.destination.rows[0]?.workNotes).not.toContain(second.id);
  });

  test('the end of a breach whose incident a lost store knew of is told, though it came under the silence', async () => {
    const h = await ready();
    const fired = h.anomaly();
    await h.pass(minuteMs);
    await h.restart({ loseStore: true });
    silence(h, 30 * minuteMs);
    await recover(h, fired);
    h.rollCall([{ metric: 'temperature', rule: 'upper', lastSequence: 2, firing: null, waiting: false }]);
    await h.pass(20 * minuteMs);
    expect(h.destination.rows.map((row) => row.state)).toEqual(['resolved']);
    expect(h.destination.rows[0]?.workNotes).toContain(`breach ${fired.id} start=${fired.startedAt} end=2026`);
  });

  test('the end of a breach whose incident a lost store knew of is told, though its walk came under the silence, too', async () => {
    const h = await ready();
    const fired = h.anomaly();
    await h.pass(minuteMs);
    await h.restart({ loseStore: true });
    silence(h, 30 * minuteMs);
    const firing = firingOf(fired);
    h.rollCall([{ metric: 'temperature', rule: 'upper', lastSequence: 1, firing, waiting: false }]);
    await h.pass(3 * minuteMs);
    await recover(h, fired);
    await h.pass(20 * minuteMs);
    expect(h.destination.rows.map((row) => row.state)).toEqual(['resolved']);
    expect(h.destination.rows[0]?.workNotes).toContain(`breach ${fired.id} start=${fired.startedAt} end=2026`);
  });

  test('what a lost store left open is resolved, though under a silence a storm held the next breach of its key', async () => {
    const { harness: h, over: first } = await lostAfterRecovery((config) => {
      config.handler.storm = { keys: 1, windowMs: minuteMs };
    });
    const humid = h.anomaly({ metric: 'humidity' });
    const second = h.anomaly();
    await h.settle();
    silence(h, 10 * minuteMs);
    const call = () =>
      h.rollCall([
        { metric: 'humidity', rule: 'upper', lastSequence: humid.sequence, waiting: false, firing: firingOf(humid) },
        {
          metric: 'temperature',
          rule: 'upper',
          lastSequence: second.sequence,
          waiting: false,
          firing: firingOf(second),
        },
      ]);
    for (let minute = 0; minute < 20; minute += 1) {
      call();
      await h.pass(minuteMs);
    }
    expect(h.handler.breach(second.id)).toMatchObject({ place: 'held', toldSeverity: 'high' });
    expect(h.destination.rows.find(({ openedBy }) => openedBy === first.id)?.state).toBe('resolved');
  });

  test('a silent device and a broker out of reach are held back like all else', async () => {
    const h = await ready();
    silence(h, 30 * minuteMs, { rule: 'device-silent' });
    const broker = silence(h, 60 * minuteMs, { rule: 'broker-silent' });
    h.heartbeat();
    h.alive = false;
    await h.pass(20 * minuteMs);
    expect(h.destination.rows).toEqual([]);
    await h.pass(11 * minuteMs);
    expect(only(h).correlationId).toBe('home/pi/*/device-silent');
    h.connected(false);
    await h.pass(20 * minuteMs);
    only(h);
    h.handler.endSilence(broker.id);
    await h.settle();
    expect(h.destination.rows.map((row) => row.correlationId)).toContain('home/handler/*/broker-silent');
  });
});
