import { z } from 'zod';
import { AppError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import { type Migration, openStore, transaction } from '../platform/sqlite.ts';
import type { Bucket } from './bucket.ts';

/** A metric of a device. */
export interface SeriesName {
  site: string;
  deviceId: string;
  metric: string;
}

export interface StoredSeries extends SeriesName {
  id: number;
  lastAtMs: number;
  lastValue: number;
}

/** What one write brings of a series. */
export interface SeriesUpdate extends SeriesName {
  lastAtMs: number;
  lastValue: number;
  /** `atMs` is the begin of the minute; what is stored of it already is merged. */
  minutes: readonly Bucket[];
}

/**
 * Minutes of the last day in a file of its own. Nothing here is acknowledged to anybody, so no write waits for the disk,
 * and a file that cannot be used is done without.
 */
export type MinuteStore = ReturnType<typeof openMinuteStore>;

const minuteMs = 60_000;

const migrations: readonly Migration[] = [
  {
    version: 1_000,
    sql: `
      CREATE TABLE series (
        id INTEGER PRIMARY KEY, site TEXT NOT NULL, device_id TEXT NOT NULL, metric TEXT NOT NULL,
        last_at INTEGER NOT NULL, last_value REAL NOT NULL,
        UNIQUE (site, device_id, metric)
      );
      CREATE TABLE minute (
        series_id INTEGER NOT NULL, minute INTEGER NOT NULL,
        min REAL NOT NULL, max REAL NOT NULL, sum REAL NOT NULL, count INTEGER NOT NULL,
        PRIMARY KEY (series_id, minute)
      ) WITHOUT ROWID;
    `,
  },
];

const seriesRow = z.object({
  id: z.number(),
  site: z.string(),
  device_id: z.string(),
  metric: z.string(),
  last_at: z.number(),
  last_value: z.number(),
});
const minuteRow = z.object({
  minute: z.number(),
  min: z.number(),
  max: z.number(),
  sum: z.number(),
  count: z.number(),
});
const idRow = z.object({ id: z.number() });

export function openMinuteStore(path: string, logger: Logger) {
  const db = opened(path, logger);
  const sql = {
    list: db.prepare('SELECT * FROM series ORDER BY last_at DESC'),
    put: db.prepare(
      `INSERT INTO series (site, device_id, metric, last_at, last_value) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET last_at = excluded.last_at, last_value = excluded.last_value RETURNING id`,
    ),
    add: db.prepare(
      `INSERT INTO minute (series_id, minute, min, max, sum, count) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
         min = min(min, excluded.min), max = max(max, excluded.max),
         sum = sum + excluded.sum, count = count + excluded.count`,
    ),
    between: db.prepare(
      `SELECT minute, min, max, sum, count FROM minute
       WHERE series_id = (SELECT id FROM series WHERE site = ? AND device_id = ? AND metric = ?)
         AND minute BETWEEN ? AND ? ORDER BY minute`,
    ),
    dropMinutes: db.prepare('DELETE FROM minute WHERE series_id = ? AND minute < ?'),
    dropSeries: db.prepare('DELETE FROM series WHERE id = ?'),
    idOf: db.prepare('SELECT id FROM series WHERE site = ? AND device_id = ? AND metric = ?'),
    ids: db.prepare('SELECT id FROM series'),
  };

  function drop(id: number): void {
    sql.dropMinutes.run(id, Number.MAX_SAFE_INTEGER);
    sql.dropSeries.run(id);
  }

  return {
    /** The latest first. */
    list: (): StoredSeries[] =>
      sql.list.all().map((raw) => {
        const row = seriesRow.parse(raw);
        return {
          ...{ id: row.id, site: row.site, deviceId: row.device_id, metric: row.metric },
          ...{ lastAtMs: row.last_at, lastValue: row.last_value },
        };
      }),
    /** One transaction. */
    write(updates: readonly SeriesUpdate[]): void {
      transaction(db, () => {
        for (const { site, deviceId, metric, lastAtMs, lastValue, minutes } of updates) {
          const { id } = idRow.parse(sql.put.get(site, deviceId, metric, lastAtMs, lastValue));
          for (const { atMs, min, max, sum, count } of minutes) {
            sql.add.run(id, Math.floor(atMs / minuteMs), min, max, sum, count);
          }
        }
      });
    },
    between: ({ site, deviceId, metric }: SeriesName, fromMs: number, toMs: number): Bucket[] =>
      sql.between.all(site, deviceId, metric, Math.floor(fromMs / minuteMs), Math.floor(toMs / minuteMs)).map((raw) => {
        const { minute, ...values } = minuteRow.parse(raw);
        return { atMs: minute * minuteMs, ...values };
      }),
    forget(names: readonly SeriesName[]): void {
      transaction(db, () => {
        for (const { site, deviceId, metric } of names) {
          const row = sql.idOf.get(site, deviceId, metric);
          if (row !== undefined) drop(idRow.parse(row).id);
        }
      });
    },
    /** Drops what is older. */
    prune(beforeMs: number): void {
      transaction(db, () => {
        for (const row of sql.ids.all()) sql.dropMinutes.run(idRow.parse(row).id, Math.floor(beforeMs / minuteMs));
      });
    },
    close(): void {
      db.close();
    },
  };
}

function opened(path: string, logger: Logger) {
  try {
    return openStore({ path, migrations, synchronous: 'normal' });
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    logger.warn({ reason: error.reason, detail: error.message }, 'readings of the console are kept in memory only');
    return openStore({ path: ':memory:', migrations, synchronous: 'normal' });
  }
}
