import { afterEach, describe, expect, test } from 'vitest';
import type { Config } from '../config/schema.ts';
import { isoUtc } from '../platform/time.ts';
import { type Harness, startHarness, startMs } from './handler-harness.ts';

let open: Harness[] = [];
afterEach(async () => {
  for (const harness of open) await harness.close();
  open = [];
});

async function start(change?: (config: Config) => void): Promise<Harness> {
  const harness = await startHarness(change);
  open.push(harness);
  return harness;
}

/** Past the settle time that an empty store keeps before its first write. */
async function ready(change?: (config: Config) => void): Promise<Harness> {
  const harness = await start(change);
  await harness.pass(91_000, 10_000);
  return harness;
}

const minuteMs = 60_000;
const firingOf = (message: { id: string; firingSequence: number; startedAt: string }) => ({
  id: message.id,
  firingSequence: message.firingSequence,
  severity: 'high' as const,
  unit: '°C',
  value: 31,
  limit: 30,
  deadband: 0.5,
  peak: 32,
  startedAt: message.startedAt,
  text: 'above the limit',
});

async function recover(harness: Harness, fired: ReturnType<Harness['anomaly']>) {
  const at = isoUtc(harness.time.wallMs());
  const resolved = harness.anomaly({
    metric: fired.metric,
    rule: fired.rule,
    deviceId: fired.deviceId,
    phase: 'resolved',
    firingSequence: fired.firingSequence,
    startedAt: fired.startedAt,
    endedAt: at,
    endReason: 'cleared',
  });
  await harness.settle();
  return resolved;
}

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
});

describe('exactly one', () => {
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

describe('people first', () => {
  test.each([
    ['resolved by a person', { state: 'resolved', closeNotes: 'mine' }],
    ['closed', { state: 'closed' }],
    ['canceled', { state: 'canceled' }],
  ] as const)('%s while it lasts: nothing new until a recovery and a new firing', async (_name, change) => {
    const h = await ready();
    const fired = h.anomaly();
    await h.settle();
    h.destination.edit('INC0010001', change);
    await h.pass(16 * minuteMs);
    h.anomaly({ phase: 'updated', firingSequence: 1, startedAt: fired.startedAt });
    await h.pass(minuteMs);
    expect(h.destination.rows).toHaveLength(1);
    expect(h.destination.rows[0]?.state).toBe(change.state);
    await recover(h, fired);
    await h.pass(20 * minuteMs);
    h.heartbeat();
    await h.settle();
    expect(h.destination.rows[0]?.state).toBe(change.state);
    h.anomaly();
    await h.settle();
    expect(h.destination.rows.length + (h.destination.rows[0]?.state === 'in-progress' ? 1 : 0)).toBe(2);
  });

  test('an incident on hold gets notes and keeps its state', async () => {
    const h = await ready();
    const fired = h.anomaly();
    await h.settle();
    h.destination.edit('INC0010001', { state: 'on-hold' });
    await recover(h, fired);
    await h.pass(20 * minuteMs);
    h.heartbeat();
    await h.settle();
    expect(h.destination.rows[0]?.state).toBe('on-hold');
    expect(h.destination.rows[0]?.workNotes).toContain('left so');
  });
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

describe('storms, caps and silence', () => {
  const keys = (count: number) => Array.from({ length: count }, (_, n) => `m${n}`);

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
});

test('a second handler of the same instance stays passive, and takes over when the first falls silent', async () => {
  const h = await ready();
  h.send('IoTBlog/status/handler', {
    version: 1,
    kind: 'handler',
    handlerId: 'older',
    startId: 's',
    startedAt: isoUtc(startMs - 1_000),
    instance: h.destination.instance,
    state: 'active',
    at: isoUtc(startMs),
  });
  await h.settle();
  expect(h.handler.status()).toMatchObject({ claim: 'passive', servedBy: 'older' });
  h.anomaly();
  await h.settle();
  expect(h.answers).toHaveLength(0);
  await h.pass(2 * minuteMs);
  expect(h.handler.status().claim).toBe('active');
});

test('after a change of instance open breaches open there, and the old one’s pending steps are put aside', async () => {
  const h = await ready();
  h.anomaly();
  await h.settle();
  expect(h.destination.rows).toHaveLength(1);
});
