import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type Harness, type HarnessOptions, startHarness } from './monitor-harness.ts';

const minuteMs = 60_000;
const hot = { temperature: 31 };
const mild = { temperature: 25 };

let open: Harness[] = [];
afterEach(async () => {
  for (const harness of open) await harness.close();
  open = [];
});

async function start(options?: HarnessOptions): Promise<Harness> {
  const harness = await startHarness(options);
  open.push(harness);
  return harness;
}

const short = (harness: Harness) =>
  harness.anomalies.map(
    ({ rule, phase, sequence, firingSequence }) => `${rule} ${phase} ${sequence}/${firingSequence}`,
  );

describe('a power loss', () => {
  test('before a message was sent loses nothing', async () => {
    const h = await start();
    h.bus.disconnect('monitor');
    await h.readFor(70_000, hot);
    await h.crash();
    expect(h.anomalies).toEqual([]);
    h.bus.connect('monitor');
    await h.settle();
    expect(short(h)).toEqual(['upper firing 1/1']);
  });

  test('before an answer sends it again, with the same identity', async () => {
    const h = await start();
    h.answering = 'silent';
    await h.readFor(70_000, hot);
    const [before] = h.anomalies;
    h.answering = 'accept';
    const sent = h.anomalies.length;
    await h.crash();
    expect(h.anomalies).toHaveLength(sent + 1);
    expect(h.anomalies.at(-1)).toEqual(before);
    expect(h.monitor.status().messages.waiting).toBe(0);
  });

  test('while it fires goes on with the same occurrence', async () => {
    const h = await start();
    await h.readFor(70_000, hot);
    await h.crash({ downMs: 20_000 });
    expect(h.rollCalls().at(-1)?.keys).toMatchObject([
      { lastSequence: 1, waiting: false, firing: { firingSequence: 1 } },
    ]);
    await h.readFor(5_000, mild);
    expect(short(h)).toEqual(['upper firing 1/1', 'upper resolved 2/1']);
    expect(h.anomalies[1]?.startedAt).toBe('2026-03-01T12:00:05Z');
  });

  test('while it is pending costs at most what was not saved; a saved one goes on, in another boot too', async () => {
    const h = await start();
    await h.pass(25_000);
    await h.readFor(40_000, hot);
    // Saved at 60 s: pending since 30 s. The clock of the test says that the other boot has lasted 65 s already.
    await h.crash({ bootId: 'boot-2' });
    await h.readFor(5_000, hot);
    expect(short(h)).toEqual(['upper firing 1/1']);
    expect(h.anomalies[0]).toMatchObject({ startedAt: '2026-03-01T12:00:30Z', bootId: 'boot-2' });
  });

  test('after a pending breach has cleared does not bring it back, though a device at rest is saved seldom', async () => {
    const h = await start();
    await h.readFor(100_000, mild);
    await h.readFor(25_000, hot);
    // Saved at 120 s while pending, and at 180 s.
    await h.readFor(60_000, mild);
    await h.crash();
    await h.readFor(5_000, hot);
    expect(short(h)).toEqual([]);
  });

  test('at any moment of two breaches loses none, doubles none, and each has its true end', async () => {
    const series = [...Array(30).fill(hot), mild, mild, ...Array(30).fill(hot), mild, mild];
    for (let stopAt = 0; stopAt <= series.length + 2; stopAt += 3) {
      const h = await start();
      for (const [index, metrics] of series.entries()) {
        if (index === stopAt) await h.crash();
        h.time.advance(5_000);
        h.read(metrics);
        // In half of the runs the answers come at once, in the others they are on their way when the power goes.
        if (stopAt % 2 === 0 || index !== stopAt - 1) await h.settle();
        else await new Promise((resolve) => setImmediate(resolve));
      }
      if (stopAt > series.length - 1) await h.crash();
      await h.pass(5_000);
      const last = [...new Map(h.anomalies.map((message) => [message.id, message])).values()];
      expect(last.map(({ phase, endedAt }) => [phase, endedAt])).toEqual([
        ['resolved', '2026-03-01T12:02:35Z'],
        ['resolved', '2026-03-01T12:05:15Z'],
      ]);
      expect(h.monitor.status().messages.waiting).toBe(0);
      await h.close();
      open = [];
    }
  });
});

describe('a data directory', () => {
  test('that is lost takes another installation id, of a later time, and tells what fires as its own', async () => {
    const h = await start();
    await h.readFor(70_000, hot);
    const was = h.monitor.status().installationId;
    for (const name of ['monitor.db', 'monitor.db-wal', 'monitor.db-shm'])
      rmSync(join(h.dataDir, name), { force: true });
    await h.crash();
    expect(h.monitor.status().installationId).not.toBe(was);
    expect(h.rollCalls().at(-1)?.keys).toEqual([]);
    await h.readFor(70_000, hot);
    const [first, second] = h.anomalies;
    expect(second).toMatchObject({ phase: 'firing', sequence: 1, installationId: h.monitor.status().installationId });
    expect(second?.id).not.toBe(first?.id);
    expect(Date.parse(second?.installationCreatedAt ?? '')).toBeGreaterThan(
      Date.parse(first?.installationCreatedAt ?? ''),
    );
  });

  test('that was restored or cloned is found by an answer, takes another id, and tells again what fires', async () => {
    const h = await start();
    await h.readFor(70_000, hot);
    const was = h.monitor.status().installationId;
    const [first] = h.anomalies;
    if (first === undefined) throw new Error('nothing was told');
    // As the handler answers a roll call of a monitor that lags behind.
    h.answer(first, { result: 'duplicate', highWater: 5 });
    await h.settle();
    const now = h.monitor.status().installationId;
    expect(now).not.toBe(was);
    expect(h.anomalies.at(-1)).toMatchObject({
      phase: 'firing',
      installationId: now,
      sequence: 1,
      startedAt: first.startedAt,
    });
    expect(h.rollCalls().at(-1)).toMatchObject({
      installationId: now,
      keys: [{ lastSequence: 1, firing: { firingSequence: 1 } }],
    });
    await h.readFor(5_000, mild);
    expect(h.anomalies.at(-1)).toMatchObject({
      phase: 'resolved',
      installationId: now,
      sequence: 2,
      firingSequence: 1,
    });
    h.answer(first, { result: 'duplicate', highWater: 9 });
    await h.settle();
    expect(h.monitor.status().installationId).toBe(now);
    await h.crash();
    expect(h.monitor.status().installationId).toBe(now);
  });

  test('the breaches that ended and wait are told by the new installation, too', async () => {
    const h = await start();
    h.answering = 'silent';
    await h.readFor(70_000, hot);
    await h.readFor(5_000, mild);
    const [first] = h.anomalies;
    if (first === undefined) throw new Error('nothing was told');
    h.answering = 'accept';
    h.answer(first, { result: 'duplicate', highWater: 7 });
    await h.settle();
    expect(h.anomalies.at(-1)).toMatchObject({
      ...{ phase: 'resolved', sequence: 1, firingSequence: 1, startedAt: first.startedAt },
      installationId: h.monitor.status().installationId,
    });
    expect(h.monitor.status().messages.waiting).toBe(0);
  });

  test('serves one monitor at a time', async () => {
    const h = await start();
    await expect(startHarness({ dataDir: h.dataDir })).rejects.toThrow(/Another sensor-monitor runs/);
    await h.monitor.stop();
    open.push(await startHarness({ dataDir: h.dataDir }));
  });

  test('of a newer release is refused with a sentence', async () => {
    const h = await start();
    await h.monitor.stop();
    const { default: Database } = await import('libsql');
    const db = new Database(join(h.dataDir, 'monitor.db'));
    db.pragma('user_version = 2000');
    db.close();
    await expect(h.crash()).rejects.toThrow(/newer release/);
  });
});

describe('a changed configuration', () => {
  test('a removed rule ends its occurrence with that reason', async () => {
    const h = await start();
    await h.readFor(70_000, hot);
    await h.crash({
      config: (config) => {
        config.thresholds = {};
      },
    });
    expect(h.anomalies.at(-1)).toMatchObject({
      phase: 'resolved',
      endReason: 'rule removed',
      sequence: 2,
      firingSequence: 1,
    });
    expect(h.rollCalls().at(-1)?.keys).toMatchObject([{ firing: null }]);
  });

  test('a changed limit ends it at the next reading', async () => {
    const h = await start();
    await h.readFor(70_000, hot);
    await h.crash({
      config: (config) => {
        config.thresholds = {
          ...config.thresholds,
          temperature: { ...config.thresholds['temperature'], upper: 40 } as never,
        };
      },
    });
    expect(h.anomalies).toHaveLength(1);
    await h.readFor(5_000, hot);
    expect(h.anomalies.at(-1)).toMatchObject({ phase: 'resolved', endReason: 'limit changed' });
  });

  test('another name of the device ends what fires at the old one', async () => {
    const h = await start();
    await h.readFor(70_000, hot);
    await h.crash({
      config: (config) => {
        config.deviceId = 'renamed';
      },
    });
    expect(h.anomalies.at(-1)).toMatchObject({
      deviceId: 'IoT-blog_Core',
      phase: 'resolved',
      endReason: 'sensor removed',
    });
    expect(h.monitor.status().messages.waiting).toBe(0);
    await h.crash();
    expect(short(h)).toHaveLength(2);
    expect(existsSync(join(h.dataDir, 'monitor.db'))).toBe(true);
  });
});

test('a saved state that cannot be read begins anew, and the roll call says that nothing fires', async () => {
  const h = await start();
  await h.readFor(70_000, hot);
  const { default: Database } = await import('libsql');
  const db = new Database(join(h.dataDir, 'monitor.db'));
  db.exec(`UPDATE device SET state = '{"version":99}'`);
  db.close();
  await h.crash();
  expect(h.rollCalls().at(-1)?.keys).toMatchObject([{ lastSequence: 1, firing: null, waiting: false }]);
  await h.readFor(70_000, hot);
  expect(h.anomalies.at(-1)).toMatchObject({ phase: 'firing', sequence: 2, firingSequence: 2 });
  await h.readFor(2 * minuteMs, mild);
});
