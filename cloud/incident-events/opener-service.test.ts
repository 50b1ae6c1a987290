import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AnomalyMessage } from '../../device/anomaly/anomaly.ts';
import { anomaly, breach } from './test-messages.ts';
import { fired, quietMs, resolved, settleMs, stage, updated } from './test-opener-stage.ts';

describe('a breach', () => {
  test('is an incident with its notes, and resolved once its quiet period is over', async () => {
    const { take, pass, rows } = await stage();
    expect(await take(fired())).toBe('accepted');
    await take(updated());
    await take(resolved());
    expect(rows()).toMatchObject([
      { state: 'new', correlationId: 'hall-2/press-4/temperature/upper', openedBy: fired().id },
    ]);
    for (const sequence of [1, 2, 3]) expect(rows()[0]?.workNotes).toContain(`[${fired().id}:${sequence}]`);
    expect(rows()[0]?.workNotes).toContain('Opened by the cloud.');
    await pass(quietMs);
    expect(rows()).toMatchObject([{ state: 'resolved' }]);
    expect(rows()[0]?.closeNotes).toContain(`breach ${fired().id} start=2026-01-02T03:04:06Z end=2026-01-02T03:04:08Z`);
  });

  test('of a device whose edge opens is recorded elsewhere', async () => {
    const { take, table, store } = await stage();
    expect(await take(anomaly({ opener: 'edge' }))).toBe('recorded');
    expect(table.calls.find).toBe(0);
    expect(store.keys.size).toBe(0);
  });

  test('that the edge opens within the quiet period goes on in the incident, which is not resolved here', async () => {
    const { take, pass, rows } = await stage();
    for (const message of [fired(), resolved()]) await take(message);
    expect(await take(anomaly({ opener: 'edge', sequence: 9 }))).toBe('recorded');
    await pass(2 * quietMs);
    expect(rows()).toMatchObject([{ state: 'new' }]);
  });

  test('within the quiet period goes on in the same incident', async () => {
    const { take, pass, rows } = await stage();
    for (const message of [...breach(1), ...breach(11).slice(0, 2)]) await take(message);
    await pass(2 * quietMs);
    expect(rows()).toMatchObject([{ state: 'new' }]);
    await take(breach(11)[2] ?? fired());
    await pass(quietMs);
    expect(rows()).toMatchObject([{ state: 'resolved' }]);
  });

  test('that people have ended is left to them', async () => {
    const { take, pass, rows, table } = await stage();
    await take(fired());
    table.edit(rows()[0]?.number ?? '', { state: 'closed' });
    for (const message of [updated(), resolved()]) await take(message);
    await pass(2 * quietMs);
    expect(rows()).toMatchObject([{ state: 'closed' }]);
  });

  test('a message that comes again changes nothing (duplicate)', async () => {
    const { take, pass, rows, table } = await stage();
    for (const message of breach(1)) await take(message);
    await pass(2 * quietMs);
    const { create, update } = { ...table.calls };
    for (const message of breach(1)) expect(await take(message)).toBe('duplicate');
    await pass(2 * quietMs);
    expect(table.calls).toMatchObject({ create, update });
    expect(rows()).toHaveLength(1);
  });

  test('is told as it was last, whatever comes late', async () => {
    const { take, store } = await stage();
    await take(fired());
    expect(await take(anomaly({ phase: 'updated', firingSequence: 1, sequence: 3, severity: 'critical' }))).toBe(
      'accepted',
    );
    expect(await take(anomaly({ phase: 'updated', firingSequence: 1, sequence: 2, severity: 'low' }))).toBe(
      'duplicate',
    );
    const [row] = [...store.keys.values()];
    expect(JSON.parse(row?.text ?? '{}')).toMatchObject({
      occurrences: [{ toldSeverity: 'critical', message: { sequence: 3, severity: 'critical' } }],
    });
  });

  test('whose end comes after the begin of the next one does not resolve the incident that they share', async () => {
    const { take, pass, rows } = await stage();
    const [next, , over] = breach(11);
    if (next === undefined || over === undefined) throw new Error('a breach has three messages');
    for (const message of [fired(), next, resolved()]) expect(await take(message)).toBe('accepted');
    await pass(2 * quietMs);
    expect(rows()).toMatchObject([{ state: 'new' }]);
    await take(over);
    await pass(quietMs);
    expect(rows()).toMatchObject([{ state: 'resolved' }]);
  });

  test('of an older installation is not heard, and a newer one goes on in the same incident', async () => {
    const { take, pass, rows } = await stage();
    const newer = { installationId: 'b'.repeat(32), installationCreatedAt: '2026-01-02T00:00:00Z' };
    await take(fired());
    const [again, , over] = breach(1, newer);
    if (again === undefined || over === undefined) throw new Error('a breach has three messages');
    expect(await take(again)).toBe('accepted');
    expect(await take(updated())).toBe('older-installation');
    await take(over);
    await pass(2 * quietMs);
    expect(rows()).toMatchObject([{ state: 'resolved' }]);
    expect(rows()[0]?.workNotes).toContain(`[${again.id}:1]`);
  });
});

test('a breach that its device moves from the edge to the cloud goes on in the incident of the edge', async () => {
  const { take, pass, table, rows } = await stage();
  await take(anomaly({ opener: 'edge' }));
  await table.create({
    ...{ correlationId: 'hall-2/press-4/temperature/upper', openedBy: fired().id, severity: 'high', site: 'hall-2' },
    ...{ deviceId: 'press-4', metric: 'temperature', rule: 'upper' },
    ...{ shortDescription: 'hot', description: '', workNotes: `Opened by the edge. [${fired().id}:1]` },
  });
  await take(updated());
  await take(resolved());
  await pass(2 * quietMs);
  expect(table.calls.create).toBe(1);
  expect(rows()).toMatchObject([{ state: 'resolved' }]);
  for (const sequence of [1, 3]) expect(rows()[0]?.workNotes.split(`[${fired().id}:${sequence}]`)).toHaveLength(2);
});

describe('a message of a breach that the edge opens', () => {
  const edge = (phase: AnomalyMessage['phase'], firingSequence: number, sequence: number) =>
    anomaly({ opener: 'edge', phase, firingSequence, sequence });

  test.each([
    ['of before, late', edge('resolved', 1, 3)],
    ['of before, that is not known to have ended', edge('firing', 1, 1)],
    ['of after it, that has ended', edge('resolved', 21, 23)],
  ])('%s leaves the end of the incident to the cloud', async (_what, message) => {
    const { take, pass, rows } = await stage();
    for (const own of breach(11)) await take(own);
    expect(await take(message)).toBe('recorded');
    await pass(2 * quietMs);
    expect(rows()).toMatchObject([{ state: 'resolved' }]);
  });

  test('that comes before the end of the one that the cloud opened keeps the incident open', async () => {
    const { take, pass, rows } = await stage();
    const [begin, , end] = breach(1);
    for (const message of [begin, edge('firing', 11, 11), end]) if (message !== undefined) await take(message);
    await pass(2 * quietMs);
    expect(rows()).toMatchObject([{ state: 'new' }]);
  });
});

const arrivals = fc
  .shuffledSubarray(
    Array.from({ length: 9 }, (_, place) => place),
    { minLength: 9 },
  )
  .chain((order) => fc.tuple(fc.constant(order), fc.array(fc.nat(8), { maxLength: 6 })));
const openers = fc.tuple(fc.constantFrom('cloud', 'edge'), fc.constantFrom('cloud', 'edge'));

test('in whatever order the messages of a key come, their incident ends alike (reorder)', async () => {
  await fc.assert(
    fc.asyncProperty(arrivals, openers, async ([order, repeated], [first, second]) => {
      const { take, pass, rows, store } = await stage();
      // What the edge opens is no affair of the cloud: the last breach is the cloud's, and with it the end.
      const messages = [...breach(1, { opener: first }), ...breach(11, { opener: second }), ...breach(21)];
      for (const place of [...order, ...repeated]) {
        const message = messages[place];
        if (message !== undefined) await take(message);
      }
      await pass(3 * quietMs);
      expect(rows()).toMatchObject([{ state: 'resolved' }]);
      const own = [messages[0], messages[3], messages[6]].flatMap((one) => (one?.opener === 'cloud' ? [one] : []));
      for (const { id } of own) {
        expect(`${rows()[0]?.workNotes}${rows()[0]?.closeNotes}`).toMatch(
          new RegExp(`breach ${id} start=\\S+ end=2026`),
        );
      }
      expect([...store.keys.values()].map(({ text }) => JSON.parse(text).entries)).toEqual([[]]);
    }),
    { numRuns: 80 },
  );
});

test('a key that cannot be told does not keep the others from it, and a person hears of it', async () => {
  const { store, time, call, rows } = await stage();
  await store.pause(time.wallMs() + 1_000, 'busy');
  for (const metric of ['a', 'b', 'c']) await call().take(anomaly({ metric }));
  time.advance(1_000);
  const { load } = store;
  store.load = async (key) => {
    if (key.includes('/a/')) throw new Error('its row does not parse');
    return load(key);
  };
  await expect(call().tellDue()).rejects.toThrow('hall-2/press-4/a/upper: its row does not parse');
  expect(rows()).toHaveLength(2);
});

test('of the incidents that prove that rows can be seen the latest are kept, so old ones may be archived', async () => {
  const { take, table } = await stage();
  for (let place = 0; place < 12; place += 1) {
    await take(anomaly({ metric: `m${place}` }));
    table.rows.splice(0, table.rows.length - 4);
  }
  await take(fired());
  expect(table.rows.map(({ correlationId }) => correlationId)).toContain('hall-2/press-4/temperature/upper');
});

test('an instance that is left alone, and a key that waits for long, are complained of until they are told', async () => {
  const paused = await stage();
  paused.table.readFaults.push({ ok: false, kind: 'throttled', retryAfterMs: 150_000, message: 'too many' });
  await paused.take(fired());
  await paused.pass(120_000);
  expect(paused.complaints.map((text) => text.includes('The instance is left alone until'))).toEqual([true, true]);
  await paused.pass(600_000);
  expect(paused.complaints).toHaveLength(2);

  const away = await stage();
  const { find } = { ...away.table };
  away.table.find = async () => ({ ok: false, kind: 'not-sent', message: 'connection refused' });
  await away.take(fired());
  await away.pass(15 * 60_000);
  expect(away.complaints).toEqual([]);
  await away.pass(5 * 60_000);
  expect(away.complaints).toHaveLength(5);
  expect(away.complaints[0]).toContain('hall-2/press-4/temperature/upper has waited since');
  away.table.find = find;
  await away.pass(5 * 60_000);
  expect(away.complaints).toHaveLength(5);
});

test('a throttled instance is left alone as long as it says (throttle)', async () => {
  const { take, pass, table, rows, time } = await stage();
  table.readFaults.push({ ok: false, kind: 'throttled', retryAfterMs: 200_000, message: 'too many' });
  await take(fired());
  await take(anomaly({ metric: 'humidity' }));
  await pass(180_000);
  expect(table.calls.find).toBe(1);
  time.advance(20_000);
  await pass(60_000);
  expect(rows()).toHaveLength(2);
});

test('who may create but not read makes one incident, and then none', async () => {
  const { take, pass, table, pauses } = await stage();
  table.rights.read = false;
  for (const metric of ['a', 'b', 'c']) await take(anomaly({ metric }));
  await pass(20 * 60_000);
  expect(table.rows).toHaveLength(1);
  expect(pauses[0]).toContain('can create but not read');
  table.rights.read = true;
  await pass(20 * 60_000);
  expect(table.rows).toHaveLength(3);
});

test('of two functions that open the first incidents at once one goes first, until it is known to be visible', async () => {
  const { call, pass, table } = await stage();
  table.rights.read = false;
  await Promise.all(['a', 'b'].map((metric) => call().take(anomaly({ metric }))));
  await pass(20 * 60_000);
  expect(table.rows).toHaveLength(1);
});

test('an instance that drops parts of the query is written nothing', async () => {
  const { take, pass, table, pauses } = await stage();
  // More than the few that are known to exist.
  for (const metric of ['a', 'b', 'c', 'd', 'e', 'f']) await take(anomaly({ metric }));
  table.dropQueryParts = true;
  await take(fired());
  await pass(60_000);
  expect(table.rows).toHaveLength(6);
  expect(pauses[0]).toContain('was not asked for');
});

test('an empty table may be a lost one: it waits for its settle time, and finds what it had made', async () => {
  const { take, pass, table, store, rows } = await stage();
  table.writeFaults.push({ commitAfterMs: 60_000 });
  await take(fired());
  store.lose();
  await take(fired());
  expect(table.calls.create).toBe(1);
  await pass(settleMs + 60_000);
  for (const message of [updated(), resolved()]) await take(message);
  await pass(2 * quietMs);
  expect(rows()).toMatchObject([{ state: 'resolved' }]);
  expect(table.calls.create).toBe(1);
});

test('a refused login is tried once a pause, and once for each version of the secret', async () => {
  const { take, pass, table, rows } = await stage();
  table.secret.accepted = false;
  await take(fired());
  await take(anomaly({ metric: 'humidity' }));
  await pass(240_000);
  expect(table.calls.find).toBe(1);
  table.secret = { version: 'v2', accepted: true };
  await pass(120_000);
  expect(rows()).toHaveLength(2);
});

test('what the instance refuses is put aside with its reason, what follows waits, and a person redrives it', async () => {
  const { take, pass, table, rows, dead, call } = await stage();
  table.writeFaults.push({ ok: false, kind: 'refused-record', message: 'Business Rule' });
  for (const message of breach(1)) await take(message);
  await pass(600_000);
  expect(dead).toEqual(['open: Business Rule']);
  expect(rows()).toEqual([]);
  await call().redrive('hall-2/press-4/temperature/upper');
  await pass(quietMs);
  expect(rows()).toMatchObject([{ state: 'resolved' }]);
});

test('an incident counts once among the new ones of an hour, however often it is tried', async () => {
  const { take, pass, table, rows } = await stage({ maxNewPerHour: 5 });
  for (let time = 0; time < 5; time += 1) table.writeFaults.push({ ok: false, kind: 'not-sent', message: 'away' });
  await take(fired());
  await pass(15 * 60_000);
  expect(rows()).toHaveLength(1);
});

test('of a key whose instance is away for long the latest breaches are told, and the others put aside by name', async () => {
  const { take, pass, table, rows, store, leftOut } = await stage();
  const { find } = { ...table };
  table.find = async () => ({ ok: false, kind: 'not-sent', message: 'away' });
  for (let place = 0; place < 120; place += 1) for (const message of breach(1 + 3 * place)) await take(message);
  const [row] = [...store.keys.values()];
  expect(row?.text.length).toBeLessThan(120_000);
  expect(leftOut.length).toBeGreaterThan(60);
  expect(new Set(leftOut).size).toBe(leftOut.length);
  expect(await take(fired())).toBe('duplicate');
  table.find = find;
  await pass(3_600_000);
  expect(rows()).toMatchObject([{ state: 'resolved' }]);
  const [latest] = breach(1 + 3 * 119);
  expect(rows()[0]?.closeNotes).toContain(`breach ${latest?.id}`);
});

test('more new incidents than an hour may have wait for the next', async () => {
  const { take, pass, rows } = await stage({ maxNewPerHour: 2 });
  for (const metric of ['a', 'b', 'c']) await take(anomaly({ metric }));
  expect(rows()).toHaveLength(2);
  await pass(3_600_000);
  expect(rows()).toHaveLength(3);
});

test('a breach of which nothing more is to be told is kept by its id alone, and of ids the latest', async () => {
  const { take, store, pass } = await stage({ quietMs: 0 });
  for (let place = 0; place < 60; place += 1) for (const message of breach(1 + 3 * place)) await take(message);
  await pass(120_000);
  const [row] = [...store.keys.values()];
  expect(JSON.parse(row?.text ?? '{}')).toMatchObject({ occurrences: [], entries: [] });
  expect(row?.text.length).toBeLessThan(6_000);
  expect(await take(fired())).toBe('duplicate');
});
