import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { startConsoleStage } from '../../../device/console/console-stage.ts';
import { openMinuteStore } from '../../../device/console/minute-store.ts';
import { silentLogger } from '../../../device/platform/logger.ts';
import { isoUtc } from '../../../device/platform/time.ts';
import type { Figure } from './figure.ts';
import { figuresOf, medianLooks } from './page-visit.ts';

const minuteMs = 60_000;
const dayMinutes = 1_440;
/** A reading every 5 s. */
const readingsAMinute = 12;
const metrics = { temperature: 22, humidity: 44, pressure: 1013 };
const breaches = 10;

/** The console of a device that has been read for a day and has breached ten times: its first page, and the whole day. */
export async function consolePage(browser: Browser, onProgress: (line: string) => void): Promise<Figure[]> {
  const dataDir = mkdtempSync(join(tmpdir(), 'bench-console-'));
  onProgress('console with a day of data');
  writeDay(dataDir);
  const stage = await startConsoleStage((config) => {
    config.store.dataDir = dataDir;
  });
  try {
    await stage.read(metrics);
    await stage.heartbeat();
    for (let index = breaches; index > 0; index -= 1) {
      const startedAt = isoUtc(Date.now() - index * 2 * 60 * minuteMs);
      await stage.resolve(await stage.fire({ startedAt }));
    }
    const looks = await medianLooks(browser, async ({ goTo, click }) => ({
      first: await goTo(stage.link, hasPoints(1)),
      day: await click('24 h', hasPoints(dayMinutes / 4)),
    }));
    return Object.entries({ first: 'console, first page', day: 'console, its curves of 24 h' }).flatMap(
      ([look, name]) => figuresOf(name, looks[look] ?? { ms: Number.NaN, bytes: Number.NaN }),
    );
  } finally {
    await stage.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** Each curve is drawn, of so many points at least. */
function hasPoints(least: number): string {
  const charts = "[...document.querySelectorAll('[data-points]')]";
  return `${charts}.length === ${Object.keys(metrics).length} && ${charts}.every((chart) => Number(chart.dataset.points) >= ${least})`;
}

function writeDay(dataDir: string): void {
  const store = openMinuteStore(join(dataDir, 'console.db'), silentLogger);
  const lastAtMs = Math.floor(Date.now() / minuteMs) * minuteMs - 1;
  store.write(
    Object.entries(metrics).map(([metric, usual]) => ({
      ...{ site: 'home', deviceId: 'pi', metric, lastAtMs, lastValue: usual },
      minutes: Array.from({ length: dayMinutes - 1 }, (_, index) => {
        const value = usual + Math.sin(index / 60);
        return {
          atMs: lastAtMs + 1 - (dayMinutes - 1 - index) * minuteMs,
          ...{ min: value - 0.1, max: value + 0.1, sum: value * readingsAMinute, count: readingsAMinute },
        };
      }),
    })),
  );
  store.close();
}
