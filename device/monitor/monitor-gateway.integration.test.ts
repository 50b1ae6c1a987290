import { afterEach, describe, expect, test } from 'vitest';
import { type Harness, type HarnessOptions, startHarness } from './monitor-harness.ts';

const hot = { temperature: 31 };
const mild = { temperature: 25 };

let open: Harness[] = [];
afterEach(async () => {
  for (const harness of open) await harness.close();
  open = [];
});

async function start(options: HarnessOptions = {}): Promise<Harness> {
  const harness = await startHarness({
    ...options,
    config: (config) => {
      config.sensor.kind = 'mqtt';
      options.config?.(config);
    },
  });
  open.push(harness);
  return harness;
}

async function readAll(h: Harness, devices: readonly string[], ms: number, metrics: Record<string, number>) {
  for (let left = ms; left > 0; left -= 5_000) {
    h.time.advance(5_000);
    for (const deviceId of devices) h.read(metrics, { deviceId });
    await h.settle();
  }
}
const told = (h: Harness) => h.anomalies.map(({ deviceId, rule, phase }) => `${deviceId} ${rule} ${phase}`);

describe('a gateway', () => {
  test('watches each device by itself: numbers, breaches, silence', async () => {
    const h = await start();
    await readAll(h, ['a', 'b'], 70_000, hot);
    expect(told(h)).toEqual(['a upper firing', 'b upper firing']);
    expect(h.readings.filter(({ deviceId }) => deviceId === 'b').map(({ seq }) => seq)).toEqual([...Array(14).keys()]);
    await readAll(h, ['a'], 65_000, mild);
    expect(told(h).slice(2)).toEqual(['a upper resolved', 'b no-data firing']);
    expect(h.monitor.status()).toMatchObject({ devices: 2, firing: [{ deviceId: 'b' }, { deviceId: 'b' }] });
  });

  test('publishes readings again unless told not to; breaches are told all the same', async () => {
    const h = await start({
      config(config) {
        config.sensor.mqtt.republish = false;
      },
    });
    await readAll(h, ['a'], 70_000, hot);
    expect(told(h)).toEqual(['a upper firing']);
    expect(h.readings).toEqual([]);
    expect(h.monitor.status().readings).toMatchObject({ read: 14, published: 0, buffered: 0 });
  });

  test('puts a device away with its state, and goes on where it was: its breach, its numbers, its sequence', async () => {
    const h = await start();
    await readAll(h, ['a'], 70_000, hot);
    h.sink().evicted?.('a');
    expect(h.monitor.status().devices).toBe(0);
    h.handlerStarts('start-1');
    await h.settle();
    expect(h.rollCalls().at(-1)).toMatchObject({
      deviceId: 'a',
      keys: [{ lastSequence: 1, firing: { firingSequence: 1 } }],
    });
    await readAll(h, ['a'], 5_000, mild);
    expect(h.anomalies.at(-1)).toMatchObject({ phase: 'resolved', sequence: 2, firingSequence: 1 });
    expect(h.readings.at(-1)?.seq).toBe(14);
  });

  test('an idle device that is put away stays without data until it is heard', async () => {
    const h = await start();
    await readAll(h, ['a'], 5_000, mild);
    await h.pass(61_000);
    expect(told(h)).toEqual(['a no-data firing']);
    h.sink().evicted?.('a');
    await h.crash();
    expect(
      h
        .rollCalls()
        .filter(({ deviceId }) => deviceId === 'a')
        .at(-1)?.keys,
    ).toMatchObject([{ rule: 'no-data', firing: {} }]);
    await readAll(h, ['a'], 5_000, mild);
    expect(told(h)).toEqual(['a no-data firing', 'a no-data resolved']);
  });

  test('that restarts watches the devices that it had heard, and a device that fell silent meanwhile has no data', async () => {
    const h = await start();
    await readAll(h, ['a', 'b'], 60_000, mild);
    await h.crash();
    expect(h.monitor.status().devices).toBe(2);
    await readAll(h, ['a'], 70_000, mild);
    expect(told(h)).toEqual(['b no-data firing']);
  });

  test('keeps devices of one name at two sites apart', async () => {
    const h = await start();
    for (let n = 0; n < 14; n += 1) {
      h.time.advance(5_000);
      h.read(hot, { deviceId: 'a', site: 'one' });
      h.read(mild, { deviceId: 'a', site: 'two' });
      await h.settle();
    }
    expect(h.anomalies).toMatchObject([{ site: 'one', deviceId: 'a', rule: 'upper' }]);
  });

  test('spreads the heartbeats of many devices, each once', async () => {
    const h = await start();
    const devices = Array.from({ length: 100 }, (_, index) => `d${index}`);
    await h.pass(50_000);
    for (const deviceId of devices) h.read(mild, { deviceId });
    const before = h.heartbeats().length;
    const sent = () => h.heartbeats().length - before;
    await h.pass(10_000);
    expect(sent()).toBe(16);
    await h.pass(100);
    expect(sent()).toBe(32);
    await h.pass(1_000, 100);
    expect(sent()).toBe(101);
    expect(new Set(h.heartbeats().map(({ deviceId }) => deviceId)).size).toBe(101);
    await h.pass(60_000);
    expect(sent()).toBe(102);
  });

  test('sends a heartbeat of itself, and of each device that was heard since the last one', async () => {
    const h = await start();
    await readAll(h, ['a', 'b'], 5_000, mild);
    await h.pass(56_000);
    expect(h.heartbeats().map(({ deviceId }) => deviceId)).toEqual(['IoT-blog_Core', 'IoT-blog_Core', 'a', 'b']);
    await readAll(h, ['a'], 5_000, mild);
    await h.pass(60_000);
    expect(
      h
        .heartbeats()
        .slice(4)
        .map(({ deviceId }) => deviceId),
    ).toEqual(['IoT-blog_Core', 'a']);
  });

  test('calls the roll of thousands a bounded number at a time, and of each once', async () => {
    let underWay = 0;
    let most = 0;
    const h = await start();
    const names = Array.from({ length: 2_000 }, (_, n) => `device-${n}`);
    await readAll(h, names, 5_000, mild);
    const before = h.rollCalls().length;
    // Acknowledged in the next turn, as by a broker.
    const publish = h.monitorTransport.publish;
    h.monitorTransport.publish = async (...args) => {
      underWay += 1;
      most = Math.max(most, underWay);
      await new Promise((resolve) => setImmediate(resolve));
      underWay -= 1;
      return publish(...args);
    };
    h.handlerStarts('start-1');
    while (h.rollCalls().length < before + 2_001) await h.pass(100);
    expect(most).toBeLessThanOrEqual(32);
    const called = h
      .rollCalls()
      .slice(before)
      .map(({ deviceId }) => deviceId);
    expect(new Set(called).size).toBe(2_001);
  });

  test('tells the breaches of its devices again under another installation, those of devices put away, too', async () => {
    const h = await start();
    await readAll(h, ['a', 'b'], 70_000, hot);
    h.sink().evicted?.('b');
    const [first] = h.anomalies;
    if (first === undefined) throw new Error('nothing was told');
    h.answer(first, { result: 'duplicate', highWater: 9 });
    await h.settle();
    const { installationId } = h.monitor.status();
    const again = h.anomalies.slice(2);
    expect(again).toMatchObject([
      { deviceId: 'a', phase: 'firing', sequence: 1, installationId },
      { deviceId: 'b', phase: 'firing', sequence: 1, installationId },
    ]);
    expect(h.monitor.status()).toMatchObject({ devices: 1, messages: { waiting: 0 } });
  });

  test('that reads a sensor of its own again ends what fires at its devices', async () => {
    const h = await start();
    await readAll(h, ['a'], 70_000, hot);
    await h.crash({
      config: (config) => {
        config.sensor.kind = 'mock';
      },
    });
    expect(h.anomalies.at(-1)).toMatchObject({ deviceId: 'a', phase: 'resolved', endReason: 'sensor removed' });
    expect(h.monitor.status()).toMatchObject({ devices: 1, messages: { waiting: 0 } });
  });

  test('forgets the longest unheard of those put away that never spoke of a breach', async () => {
    const h = await start({
      config: (config) => {
        config.sensor.mqtt.maxDevices = 3;
      },
    });
    await readAll(h, ['breaching'], 70_000, hot);
    h.sink().evicted?.('breaching');
    for (let n = 0; n < 20; n += 1) {
      h.read(mild, { deviceId: `passer-by-${n}` });
      await h.pass(1_000);
      h.sink().evicted?.(`passer-by-${n}`);
    }
    await h.pass(60_000);
    const { openJournal } = await import('./journal.ts');
    const { join } = await import('node:path');
    await h.monitor.stop();
    const journal = openJournal(join(h.dataDir, 'monitor.db'));
    const kept = Array.from({ length: 20 }, (_, n) => n).filter(
      (n) => journal.device('home', `passer-by-${n}`) !== undefined,
    );
    expect(kept).toEqual([17, 18, 19]);
    expect(journal.device('home', 'breaching')?.firing).toBe(true);
    journal.close();
  });
});
