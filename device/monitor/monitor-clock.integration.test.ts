import { afterEach, describe, expect, test } from 'vitest';
import { type Harness, type HarnessOptions, startHarness, startMs } from './monitor-harness.ts';

const hourMs = 3_600_000;
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

const wrong = { clock: { synchronised: false, source: 'timesyncd' } } as const;
const right = { synchronised: true, source: 'timesyncd' } as const;
const setWall = (harness: Harness, byMs: number) => harness.time.setWall(harness.time.wallMs() + byMs);
const iso = (ms: number) => new Date(ms).toISOString().replace('.000Z', 'Z');

/** A breach that has begun, ended and waits unanswered, all by a clock two hours ahead, which is right now. */
async function waitingByWrongClock(): Promise<Harness> {
  const h = await start(wrong);
  h.bus.disconnect('monitor');
  await h.readFor(70_000, hot);
  await h.readFor(hourMs, mild);
  setWall(h, -2 * hourMs);
  h.clock = right;
  return h;
}
const twoHoursEarlier = {
  ...{ phase: 'resolved', clockSynchronised: true },
  startedAt: iso(startMs - 2 * hourMs + 5_000),
  endedAt: iso(startMs - 2 * hourMs + 75_000),
  installationCreatedAt: iso(startMs - 2 * hourMs),
};

describe('a clock that is set right after an hour', () => {
  test('corrects what fires, and tells it', async () => {
    const h = await start(wrong);
    await h.readFor(hourMs, hot);
    expect(h.anomalies[0]).toMatchObject({ startedAt: iso(startMs + 5_000), clockSynchronised: false });
    setWall(h, 5 * hourMs);
    h.clock = right;
    await h.readFor(5_000, hot);
    const last = h.anomalies.at(-1);
    expect(last).toMatchObject({
      phase: 'updated',
      startedAt: iso(startMs + 5 * hourMs + 5_000),
      clockSynchronised: true,
    });
    expect(last?.window[0]?.[0]).toBeGreaterThan(startMs + 4 * hourMs);
    await h.readFor(5_000, mild);
    expect(h.anomalies.at(-1)).toMatchObject({
      ...{ phase: 'resolved', startedAt: iso(startMs + 5 * hourMs + 5_000), clockSynchronised: true },
      endedAt: iso(startMs + 6 * hourMs + 10_000),
    });
    const [first] = h.anomalies;
    expect(new Set(h.anomalies.map(({ id }) => id))).toEqual(new Set([first?.id]));
  });

  test('corrects what waits unanswered, of a breach that has ended, and the time of the installation', async () => {
    const h = await waitingByWrongClock();
    await h.readFor(5_000, mild);
    h.bus.connect('monitor');
    await h.settle();
    expect(h.anomalies).toMatchObject([twoHoursEarlier]);
  });

  test('is noticed by its step, before a source says so, and is not corrected twice', async () => {
    const h = await start(wrong);
    await h.readFor(70_000, hot);
    setWall(h, hourMs);
    await h.readFor(5_000, hot);
    expect(h.anomalies.at(-1)).toMatchObject({ startedAt: iso(startMs + hourMs + 5_000), clockSynchronised: false });
    h.clock = right;
    await h.readFor(5_000, hot);
    await h.readFor(5_000, mild);
    expect(h.anomalies.at(-1)).toMatchObject({ startedAt: iso(startMs + hourMs + 5_000), clockSynchronised: true });
  });

  test('while the monitor was down in the same boot is corrected at its start', async () => {
    const h = await start(wrong);
    await h.readFor(70_000, hot);
    setWall(h, hourMs);
    h.clock = right;
    await h.crash({ downMs: 10_000 });
    expect(h.anomalies.at(-1)).toMatchObject({ phase: 'updated', startedAt: iso(startMs + hourMs + 5_000) });
  });

  test('while the monitor was down corrects what waits unanswered and the time of the installation, too', async () => {
    const h = await waitingByWrongClock();
    await h.crash();
    h.bus.connect('monitor');
    await h.settle();
    expect(h.anomalies).toMatchObject([twoHoursEarlier]);
    expect(h.rollCalls().at(-1)?.installationCreatedAt).toBe(iso(startMs - 2 * hourMs));
  });

  test('right before the monitor stops is corrected by then: what it saves is of the clock as it is now', async () => {
    const h = await start(wrong);
    await h.readFor(70_000, hot);
    setWall(h, hourMs);
    h.clock = right;
    await h.restart();
    expect(h.anomalies.at(-1)).toMatchObject({ phase: 'updated', startedAt: iso(startMs + hourMs + 5_000) });
  });

  test('makes rejected ones wait again: they were refused for the age of their installation', async () => {
    const h = await start(wrong);
    h.answering = () => ({ result: 'rejected', reason: 'a newer installation speaks for this device', highWater: 0 });
    await h.readFor(70_000, hot);
    expect(h.monitor.status().messages).toMatchObject({ waiting: 0, rejected: 1 });
    h.answering = 'accept';
    setWall(h, hourMs);
    h.clock = right;
    await h.readFor(5_000, hot);
    await h.settle();
    expect(h.monitor.status().messages).toMatchObject({ waiting: 0, rejected: 0 });
    expect(h.anomalies.at(-1)).toMatchObject({ installationCreatedAt: iso(startMs + hourMs) });
  });
});

describe('a jump of the wall clock', () => {
  test.each([
    ['forward', 10 * hourMs],
    ['back', -10 * hourMs],
  ])('%s changes no duration and loses nothing', async (_, byMs) => {
    const h = await start();
    await h.readFor(30_000, hot);
    setWall(h, byMs);
    await h.readFor(30_000, hot);
    expect(h.anomalies).toEqual([]);
    await h.readFor(5_000, hot);
    expect(h.anomalies).toMatchObject([{ phase: 'firing', startedAt: iso(startMs + 5_000) }]);
    setWall(h, byMs);
    await h.readFor(5_000, mild);
    expect(h.anomalies).toMatchObject([{ phase: 'firing' }, { phase: 'resolved' }]);
    expect(h.heartbeats().length).toBeGreaterThanOrEqual(2);
    expect(h.anomalies.some(({ rule }) => rule === 'no-data')).toBe(false);
  });

  test('in a container, where nothing is known of the clock, moves no stamp', async () => {
    const h = await start({ clock: { synchronised: false, source: 'none' } });
    await h.readFor(70_000, hot);
    setWall(h, hourMs);
    await h.readFor(5_000, mild);
    expect(h.anomalies.at(-1)).toMatchObject({
      startedAt: iso(startMs + 5_000),
      clockSynchronised: false,
      clockSource: 'none',
    });
  });

  test('in another boot than the stamps were made moves none of them', async () => {
    const h = await start(wrong);
    await h.readFor(70_000, hot);
    await h.crash({ bootId: 'boot-2' });
    setWall(h, hourMs);
    h.clock = right;
    await h.readFor(5_000, mild);
    expect(h.anomalies).toHaveLength(2);
    expect(h.anomalies[1]).toMatchObject({
      clockSynchronised: false,
      startedAt: iso(startMs + 5_000),
      phase: 'resolved',
    });
  });
});
