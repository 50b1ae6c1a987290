import { closeSync, fsyncSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { configSchema } from '../../../device/config/schema.ts';
import { createHistory } from '../../../device/console/history.ts';
import { silentLogger } from '../../../device/platform/logger.ts';
import { seededRandom } from '../../../device/platform/random.ts';
import { createStoreWorld } from '../store/store-world.ts';
import type { Figure } from './figure.ts';

const dayMs = 24 * 60 * 60_000;
const minuteMs = 60_000;

/**
 * What a quiet day writes: one device at the defaults, with both components and the history of the console, on a clock
 * that is turned through 24 hours. The files are synced each minute, for a system writes out after half a minute what
 * here would change many times before it is.
 * @param cache on a disk: writes to a file system in memory are not counted
 */
export async function writtenADay(cache: string, onProgress: (line: string) => void): Promise<Figure[]> {
  const folder = mkdtempSync(join(cache, 'day-'));
  const config = configSchema.parse({ deviceId: 'pi', store: { reserveBytes: 0 } });
  const random = seededRandom(1);
  const { intervalMs } = config.sensor;
  const world = createStoreWorld({ folder, config, random, onReading: (reading) => void history.add(reading) });
  const history = createHistory({
    ...{ path: join(world.directories.handler, 'console.db'), time: world.time, deliveryTime: world.time },
    ...{ historyMs: config.console.historyMs, maxDevices: config.console.maxDevices, logger: silentLogger },
  });
  try {
    history.start();
    await world.start();
    const before = written();
    let readings = 0;
    for (let atMs = 0; atMs < dayMs; atMs += intervalMs) {
      const metrics = { temperature: 20 + 5 * random(), humidity: 40 + 5 * random(), pressure: 1010 + 5 * random() };
      world.say([{ deviceId: config.deviceId, metrics }]);
      readings += 1;
      await world.pass(intervalMs);
      if ((atMs + intervalMs) % minuteMs !== 0) continue;
      for (const directory of Object.values(world.directories)) syncFilesIn(directory);
      onProgress(`bytes written in a quiet day: hour ${Math.floor(atMs / 3_600_000) + 1} of 24`);
    }
    const after = written();
    const { firing, dead } = world.status().counts;
    if (firing + dead > 0) throw new Error('the quiet day was not quiet');
    await world.stop();
    history.stop();
    const how = `${readings.toLocaleString('en')} readings of three values, a simulated day, both stores and the console's`;
    return [
      {
        ...{ measure: 'written to the disk in a quiet day', value: (after.disk - before.disk) / 1e6, unit: 'MB' },
        how: `${how}; write_bytes of /proc/self/io, synced each minute`,
      },
      {
        ...{ measure: 'handed to write calls in a quiet day', value: (after.calls - before.calls) / 1e6, unit: 'MB' },
        how: 'the same day; wchar of /proc/self/io',
      },
    ];
  } finally {
    world.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Bytes of this process so far. Source: proc(5). */
function written(): { disk: number; calls: number } {
  const io = readFileSync('/proc/self/io', 'utf8');
  const field = (name: string) => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(io)?.[1]);
  return { disk: field('write_bytes'), calls: field('wchar') };
}

function syncFilesIn(directory: string): void {
  for (const name of readdirSync(directory)) {
    if (name.endsWith('.lock')) continue;
    const file = openSync(join(directory, name), 'r');
    try {
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  }
}
