import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { startHarness } from './monitor-harness.ts';

const processIo = '/proc/self/io';

/** Bytes that this process has handed to write calls so far. */
function writtenBytes(): number {
  return Number(/^wchar: (\d+)$/m.exec(readFileSync(processIo, 'utf8'))?.[1]);
}

test.skipIf(!existsSync(processIo))(
  'a day of readings every 5 s at rest saves every 5 min, and syncs nothing',
  async () => {
    const h = await startHarness({
      config: (config) => {
        const rules = { stuck: { afterMs: 3_600_000, tolerance: 0 }, onDelayMs: 60_000, offDelayMs: 0 };
        config.thresholds = {
          temperature: { ...rules, upper: 30, lower: 5, severity: 'high', tiers: [] },
          humidity: { ...rules, upper: 60, severity: 'high', tiers: [] },
        };
      },
    });
    const transactions = { synced: 0, grouped: 0, unsynced: 0 };
    h.diskIsFull = (durability) => {
      transactions[durability] += 1;
      return false;
    };
    const before = writtenBytes();
    for (let reading = 0; reading < 17_280; reading += 1) {
      h.time.advance(5_000);
      h.read({ temperature: 20 + (reading % 97) / 10, humidity: 40 + (reading % 89) / 10 });
      if (reading % 10 === 0) await h.settle();
    }
    const written = writtenBytes() - before;
    expect(h.anomalies).toEqual([]);
    expect(h.monitor.status().readings.read).toBe(17_280);
    expect(transactions).toEqual({ synced: 0, grouped: 0, unsynced: 1 + 24 * 12 });
    await h.close();
    console.info(`${(written / 1e6).toFixed(1)} MB written in a day of readings every 5 s`);
    // The disk takes up to four times as much: whole pages, and the mapped index of the log. 20 MB are for all stores.
    expect(written).toBeLessThan(2_500_000);
  },
);
