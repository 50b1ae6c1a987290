import { describe, expect, test } from 'vitest';
import { isoUtc } from '../platform/time.ts';
import { firingOf, lostAfterRecovery, minuteMs, ready, recover, start } from './story-harness.ts';

/** Two open incidents of one key: of one breach, or of one each. */
async function twoOpenIncidents(isDouble: boolean) {
  const h = await ready();
  const over = h.anomaly();
  await h.settle();
  const [first] = h.destination.rows;
  if (first === undefined) return expect.unreachable();
  const id = isDouble ? over.id : 'd'.repeat(32);
  const description = first.description.replaceAll(over.id, id);
  h.destination.rows.push({
    ...first,
    sysId: 'f'.repeat(32),
    number: 'INC0020000',
    openedBy: id,
    description,
    workNotes: '',
  });
  return h;
}

describe('either store lost', () => {
  test('a handler that lost its store adopts what fires, and finds its incident again', async () => {
    const h = await ready();
    const fired = h.anomaly();
    await h.settle();
    await h.restart({ loseStore: true });
    h.rollCall([{ metric: 'temperature', rule: 'upper', lastSequence: 1, waiting: false, firing: firingOf(fired) }]);
    await h.pass(100_000);
    expect(h.destination.rows).toHaveLength(1);
    expect(h.told.at(-1)?.told.kind).toBe('adopted');
    await recover(h, fired);
    await h.pass(20 * minuteMs);
    h.heartbeat();
    await h.settle();
    expect(h.destination.rows[0]?.state).toBe('resolved');
  });

  test('a handler that lost its store creates the incident of a breach that fires and has none', async () => {
    const h = await start();
    const fired = h.anomaly();
    await h.pass(10_000);
    await h.restart({ loseStore: true });
    h.rollCall([{ metric: 'temperature', rule: 'upper', lastSequence: 1, waiting: false, firing: firingOf(fired) }]);
    await h.pass(100_000);
    expect(h.destination.rows).toHaveLength(1);
    expect(h.destination.rows[0]?.openedBy).toBe(fired.id);
  });

  test('a handler that lost its store only records what fires where the cloud opens the incidents', async () => {
    const h = await ready();
    const fired = h.anomaly({ opener: 'cloud' });
    await h.settle();
    await h.restart({ loseStore: true });
    const key = {
      metric: 'temperature',
      rule: 'upper',
      lastSequence: 1,
      waiting: false,
      firing: firingOf(fired),
    } as const;
    h.rollCall([key], 'cloud');
    await h.pass(100_000);
    expect(h.destination.calls.create).toBe(0);
    expect(h.handler.status().counts.firing).toBe(1);
  });

  test('an open row whose breach its device does not know is ended', async () => {
    const h = await ready();
    h.anomaly();
    await h.settle();
    await h.restart({ loseStore: true });
    h.rollCall([{ metric: 'temperature', rule: 'upper', lastSequence: 4, waiting: false, firing: null }]);
    await h.pass(100_000);
    expect(h.destination.rows[0]?.state).toBe('resolved');
    expect(h.destination.rows[0]?.workNotes).toContain('does not know this breach any more');
  });

  test('a storm of a lost store ends by the clock of the handler, whatever that of the device that calls says', async () => {
    const h = await ready((config) => {
      config.handler.storm = { keys: 1, windowMs: minuteMs };
    });
    for (const metric of ['a', 'b']) h.anomaly({ metric });
    await h.settle();
    await h.restart({ loseStore: true });
    const call = { software: 'test', callId: 'c', page: 1, pages: 1, keys: [] };
    h.status({ kind: 'roll-call', ...call, at: '2031-01-01T00:00:00Z' });
    await h.pass(5 * minuteMs);
    const storm = h.destination.rows.find(({ correlationId }) => correlationId.endsWith('/storm'));
    expect(storm?.state).toBe('resolved');
    expect(storm?.closeNotes).toMatch(/^breach \w+ start=2026\S+ end=2026/m);
  });

  test('an open row that tells the ends of two breaches is resolved with the times of the one that ended last', async () => {
    const h = await ready();
    const first = h.anomaly();
    await h.pass(10_000);
    await recover(h, first);
    await h.pass(20_000);
    const second = h.anomaly();
    await h.pass(10_000);
    const { endedAt } = await recover(h, second);
    await h.restart({ loseStore: true });
    h.rollCall([{ metric: 'temperature', rule: 'upper', lastSequence: 4, waiting: false, firing: null }]);
    await h.pass(100_000);
    expect(h.destination.rows).toMatchObject([{ state: 'resolved', openedBy: first.id }]);
    expect(h.destination.rows[0]?.closeNotes).toContain(
      `breach ${second.id} start=${second.startedAt} end=${endedAt}\n`,
    );
  });

  test('an open row whose key has messages waiting is not ended before they came: they tell its end', async () => {
    const h = await ready();
    const fired = h.anomaly();
    await h.settle();
    await h.restart({ loseStore: true });
    const walks = h.destination.calls.findOpen;
    h.rollCall([{ metric: 'temperature', rule: 'upper', lastSequence: 2, waiting: true, firing: null }]);
    await h.pass(100_000);
    expect(h.destination.calls.findOpen).toBeGreaterThan(walks);
    expect(h.destination.rows).toMatchObject([{ state: 'new', modCount: 0 }]);
    await recover(h, fired);
    await h.pass(20 * minuteMs);
    expect(h.destination.rows).toMatchObject([{ state: 'resolved' }]);
    expect(h.destination.rows[0]?.workNotes).not.toContain('does not know this breach any more');
  });

  test('an open row whose key has messages waiting is walked again: what they tell went into a storm, and it is resolved', async () => {
    const { harness: h, over: first } = await lostAfterRecovery((config) => {
      config.handler.storm = { keys: 1, windowMs: minuteMs };
    });
    const second = h.message();
    const key = { metric: 'temperature', rule: 'upper', lastSequence: second.sequence } as const;
    h.rollCall([{ ...key, waiting: true, firing: null }]);
    await h.pass(100_000);
    const humid = h.anomaly({ metric: 'humidity' });
    await h.settle();
    h.send('IoTBlog/anomaly', second);
    await h.pass(3 * minuteMs);
    expect(h.handler.breach(second.id)).toMatchObject({ place: 'held', toldSeverity: 'high' });
    h.rollCall([
      { ...key, metric: 'humidity', lastSequence: humid.sequence, waiting: false, firing: firingOf(humid) },
      { ...key, waiting: false, firing: firingOf(second) },
    ]);
    await h.pass(3 * minuteMs);
    expect(h.destination.rows.find(({ openedBy }) => openedBy === first.id)?.state).toBe('resolved');
    expect(h.handler.breach(second.id)?.place).toBe('held');
  });

  test('an open row whose breach fires in the call, but has ended in a storm before the walk, hears of the end', async () => {
    const h = await ready((config) => {
      config.handler.storm = { keys: 1, windowMs: minuteMs };
    });
    const fired = h.anomaly();
    await h.settle();
    await h.restart({ loseStore: true });
    h.destination.rights.read = false;
    const humid = h.message({ metric: 'humidity' });
    h.rollCall([
      { metric: 'humidity', rule: 'upper', lastSequence: 1, waiting: false, firing: firingOf(humid) },
      { metric: 'temperature', rule: 'upper', lastSequence: 1, waiting: false, firing: firingOf(fired) },
    ]);
    await h.settle();
    await recover(h, fired);
    h.destination.rights.read = true;
    await h.pass(20 * minuteMs);
    const row = h.destination.rows.find(({ openedBy }) => openedBy === fired.id);
    expect(row?.workNotes).toMatch(new RegExp(`breach ${fired.id} start=\\S+ end=2026`));
    expect(row?.state).toBe('resolved');
  });

  test.each([
    ['a double of the incident that goes on is canceled', true, 'canceled'],
    ['an incident of what is over is resolved', false, 'resolved'],
  ])('of a key that fires again in one of two open incidents: %s', async (_, isDouble, state) => {
    const h = await twoOpenIncidents(isDouble);
    await h.restart({ loseStore: true });
    const again = h.anomaly();
    await h.pass(2 * minuteMs);
    h.rollCall([
      { metric: 'temperature', rule: 'upper', lastSequence: again.sequence, waiting: false, firing: firingOf(again) },
    ]);
    await h.pass(5 * minuteMs);
    expect(h.destination.rows.map((row) => row.state)).toEqual([expect.not.stringMatching(/resolved|canceled/), state]);
  });

  test('of two incidents of a breach that is over one is canceled, before what fires by then may go on in each', async () => {
    const h = await twoOpenIncidents(true);
    await h.restart({ loseStore: true });
    const again = h.anomaly();
    h.rollCall([
      { metric: 'temperature', rule: 'upper', lastSequence: again.sequence, waiting: false, firing: firingOf(again) },
    ]);
    await h.pass(2 * minuteMs);
    expect(h.told.map(({ told }) => told.kind)).toContain('joined');
    await recover(h, again);
    await h.pass(16 * minuteMs);
    h.anomaly();
    await h.pass(minuteMs);
    expect(h.destination.rows.map((row) => row.state)).toEqual(['in-progress', 'canceled']);
  });

  test('two open incidents of a key whose quiet period runs are walked again: the one of what is over goes, too', async () => {
    const h = await twoOpenIncidents(false);
    await h.restart({ loseStore: true });
    const { sequence } = await recover(h, h.anomaly());
    const key = { metric: 'temperature', rule: 'upper', lastSequence: sequence, waiting: false, firing: null } as const;
    await h.pass(2 * minuteMs);
    h.rollCall([key]);
    await h.pass(16 * minuteMs);
    expect(h.destination.rows.map((row) => row.state)).toEqual(['resolved', 'new']);
    h.rollCall([key]);
    await h.pass(minuteMs);
    expect(h.destination.rows.map((row) => row.state)).toEqual(['resolved', 'resolved']);
  });

  test('a walk whose answer holds a row that was not asked for is not believed; it is asked again after the pause', async () => {
    let dropsPrefix = true;
    const h = await ready(undefined, {
      destination: (table) => ({
        ...table,
        findOpen: (query) => table.findOpen(dropsPrefix ? { ...query, prefix: '' } : query),
      }),
    });
    h.anomaly();
    h.anomaly({ deviceId: 'other' });
    await h.settle();
    await h.restart({ loseStore: true });
    h.rollCall([{ metric: 'temperature', rule: 'upper', lastSequence: 1, waiting: false, firing: null }]);
    await h.pass(100_000);
    expect(h.handler.status().relay.gate).toMatchObject({
      state: 'paused',
      reason: expect.stringMatching(/answered a look-up with INC\d+, which was not asked for/),
    });
    dropsPrefix = false;
    await h.pass(minuteMs);
    expect(h.destination.rows.map((row) => row.state)).toEqual(['new', 'new']);
    h.destination.rights.read = false;
    await h.pass(6 * minuteMs);
    expect(h.handler.status().relay.gate.state).toBe('probing');
    h.destination.rights.read = true;
    await h.pass(2 * minuteMs);
    expect(h.destination.rows.map((row) => row.state)).toEqual(['resolved', 'new']);
  });

  test('a walk that finds nothing while no incident is known is walked again: this user may not have been able to read', async () => {
    const h = await ready();
    h.anomaly();
    await h.settle();
    await h.restart({ loseStore: true });
    h.destination.rights.read = false;
    const key = { metric: 'temperature', rule: 'upper', lastSequence: 1, waiting: false, firing: null } as const;
    h.rollCall([key]);
    await h.pass(100_000);
    h.destination.rights.read = true;
    await h.pass(minuteMs);
    expect(h.destination.rows[0]?.state).toBe('new');
    h.rollCall([key]);
    await h.pass(minuteMs);
    expect(h.destination.rows[0]?.state).toBe('resolved');
    await h.pass(2 * minuteMs);
    const walks = h.destination.calls.findOpen;
    h.rollCall([key]);
    await h.pass(2 * minuteMs);
    expect(h.destination.calls.findOpen).toBe(walks);
  });

  test('after a pause the device whose walk finds nothing does not keep the others from being walked', async () => {
    const h = await ready();
    h.anomaly();
    await h.settle();
    await h.restart({ loseStore: true });
    h.destination.readFaults.push({ ok: false, kind: 'throttled', retryAfterMs: minuteMs, message: '429' });
    h.send('IoTBlog/status/idle', {
      ...{ version: 1, kind: 'roll-call', software: 'test', callId: 'c', page: 1, pages: 1, keys: [] },
      ...{ site: 'home', deviceId: 'idle', at: isoUtc(h.time.wallMs()) },
      ...{ installationId: 'e'.repeat(32), installationCreatedAt: '2026-01-01T00:00:00Z' },
      ...{ bootId: 'b', monotonicMs: 0, clockSynchronised: true, clockSource: 'none' },
    });
    await h.settle();
    h.rollCall([]);
    await h.pass(5 * minuteMs);
    expect(h.destination.rows.map((row) => row.state)).toEqual(['resolved']);
    expect(h.handler.status().relay.gate.state).toBe('open');
  });

  test('a walk that does not show an incident that is known to exist is not believed: the destination pauses', async () => {
    const h = await ready();
    h.anomaly();
    await h.settle();
    await h.restart({ loseStore: true });
    h.destination.rights.read = false;
    const humid = h.anomaly({ metric: 'humidity' });
    await h.pass(100_000);
    expect(h.destination.rows).toHaveLength(2);
    h.rollCall([
      { metric: 'temperature', rule: 'upper', lastSequence: 1, waiting: false, firing: null },
      { metric: 'humidity', rule: 'upper', lastSequence: 1, waiting: false, firing: firingOf(humid) },
    ]);
    await h.pass(minuteMs);
    expect(h.handler.status().relay.gate).toMatchObject({
      state: 'paused',
      reason: expect.stringContaining('can create but not read incidents'),
    });
    h.destination.rights.read = true;
    await h.pass(7 * minuteMs);
    expect(h.destination.rows.map((row) => row.state)).toEqual(['resolved', 'new']);
  });

  test('up to where a roll call says that a key was told, a message that comes late is a duplicate', async () => {
    const h = await ready();
    h.rollCall([{ metric: 'temperature', rule: 'upper', lastSequence: 5, waiting: false, firing: null }]);
    await h.settle();
    h.anomaly({ sequence: 4, firingSequence: 4 });
    h.anomaly({ sequence: 5, firingSequence: 4, phase: 'updated' });
    await h.settle();
    expect(h.answers.map(({ result, highWater }) => [result, highWater])).toEqual([
      ['duplicate', 5],
      ['duplicate', 5],
    ]);
    expect(h.destination.calls.create).toBe(0);
    h.anomaly({ sequence: 6 });
    await h.settle();
    expect(h.answers.at(-1)).toMatchObject({ result: 'accepted', highWater: 6 });
  });

  test('a monitor that lost its store: the breach of the old installation is ended, the new one joins', async () => {
    const h = await ready();
    h.anomaly();
    await h.settle();
    const fresh = { installationId: 'e'.repeat(32), installationCreatedAt: '2026-02-01T00:00:00Z' };
    const again = h.anomaly({ ...fresh, sequence: 1, firingSequence: 1 });
    h.status({
      kind: 'roll-call',
      software: 'test',
      callId: 'c',
      page: 1,
      pages: 1,
      ...fresh,
      keys: [{ metric: 'temperature', rule: 'upper', lastSequence: 1, waiting: false, firing: firingOf(again) }],
    });
    await h.pass(minuteMs);
    expect(h.destination.rows).toHaveLength(1);
    expect(h.destination.rows[0]?.workNotes).toContain(`[${again.id}:1]`);
    h.anomaly({ sequence: 9, firingSequence: 9 });
    await h.settle();
    expect(h.answers.at(-1)).toMatchObject({
      result: 'rejected',
      reason: 'a newer installation speaks for this device',
    });
  });

  test('a key with messages waiting, or above the call, is left alone', async () => {
    const h = await ready();
    h.anomaly();
    await h.settle();
    h.rollCall([{ metric: 'temperature', rule: 'upper', lastSequence: 1, waiting: true, firing: null }]);
    h.rollCall([{ metric: 'temperature', rule: 'upper', lastSequence: 0, waiting: false, firing: null }]);
    await h.settle();
    expect(h.handler.status().counts.firing).toBe(1);
    h.rollCall([{ metric: 'temperature', rule: 'upper', lastSequence: 1, waiting: false, firing: null }]);
    await h.settle();
    expect(h.handler.status().counts.firing).toBe(0);
  });

  test('a monitor whose sequence lies below the high-water mark is told so', async () => {
    const h = await ready();
    h.anomaly({ sequence: 7, firingSequence: 7 });
    await h.settle();
    h.rollCall([{ metric: 'temperature', rule: 'upper', lastSequence: 2, waiting: false, firing: null }]);
    await h.settle();
    expect(h.answers.at(-1)).toMatchObject({ result: 'duplicate', highWater: 7 });
  });
});
