import { AppError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import type { Time, Timer } from '../platform/time.ts';
import { type Bounds, plausibilityCheck } from './plausibility.ts';
import { type Columns, type Row, recordedRows } from './replay/recording.ts';
import type { SampleSink, SampleSource, SourceStats } from './source.ts';

export interface ReplayOptions {
  file: string;
  columns: Columns;
  /** The recording's clock: rows are handed over at their instants on it, so whoever turns it sets the pace. */
  time: Time;
  logger: Logger;
  plausibility: Readonly<Record<string, Bounds>>;
}

/** Bad rows that are told one by one; the rest is in the count at the end. */
const badRowsTold = 3;

/**
 * Hands over a recording's rows at their recorded instants, gaps kept. Rows that cannot be read, and rows older than the
 * one before, are counted and left out.
 */
export function createReplay(options: ReplayOptions): SampleSource {
  const { file, columns, time, logger } = options;
  const check = plausibilityCheck(options.plausibility);
  const stats: SourceStats = { read: 0, failed: 0, skipped: 0 };
  let rows: Generator<Row, void> | undefined;
  let timer: Timer | undefined;
  let sink: SampleSink | undefined;
  let latestMs = Number.NEGATIVE_INFINITY;
  let doubting = false;

  /** The next row that can be handed over; what comes before it and cannot is counted. */
  function nextRow(): Extract<Row, { ok: true }> | undefined {
    for (let next = rows?.next(); next !== undefined && next.done !== true; next = rows?.next()) {
      const row = next.value;
      if (!row.ok) {
        stats.failed += 1;
        if (stats.failed <= badRowsTold)
          logger.warn({ file, line: row.line, detail: row.message }, 'recorded row is bad');
      } else if (row.atMs < latestMs) {
        stats.skipped += 1;
        if (stats.skipped === 1) logger.warn({ file, line: row.line }, 'recorded row is older than the one before');
      } else {
        latestMs = row.atMs;
        return row;
      }
    }
    return undefined;
  }

  function scheduleNext(): void {
    const row = nextRow();
    // The end has its own turn too, so that `start` returns before anything is handed over.
    timer = time.after(row === undefined ? 0 : row.atMs - time.wallMs(), () => {
      if (row === undefined) end();
      else handOver(row);
    });
  }

  function handOver(row: Extract<Row, { ok: true }>): void {
    const checked = check(row.metrics);
    if (checked.ok) {
      stats.read += 1;
      doubting = false;
      sink?.sample({ atMs: row.atMs, monotonicMs: time.monotonicMs(), metrics: checked.metrics });
    } else {
      stats.failed += 1;
      const message = `"${file}", line ${row.line}: ${checked.message}`;
      if (!doubting) sink?.fault({ reason: 'implausible', message, atMs: row.atMs });
      doubting = true;
    }
    if (rows === undefined) return;
    try {
      scheduleNext();
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      sink?.fault({ reason: 'io-error', message: error.message, atMs: time.wallMs() });
      end();
    }
  }

  function end(): void {
    rows = undefined;
    logger.info({ file, ...stats }, 'recording has ended');
    sink?.ended?.();
  }

  return {
    kind: 'replay',
    describe: () => `replay: ${file}`,
    async start(target) {
      if (rows !== undefined) return;
      sink = target;
      rows = recordedRows(file, columns);
      scheduleNext();
    },
    async stop() {
      timer?.cancel();
      rows?.return();
      rows = undefined;
    },
    stats: () => ({ ...stats }),
  };
}
