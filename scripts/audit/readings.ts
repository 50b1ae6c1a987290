import { readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { AppError, messageOf } from '../../device/platform/errors.ts';
import type { PublishedReading } from './truth.ts';

const metrics = z.record(z.string(), z.number());
const stamps = {
  monotonicMs: z.number().optional(),
  bootId: z.string().optional(),
  clockSynchronised: z.boolean().optional(),
};

/** One line of what was published: as the message (`ts`), or with the instant as epoch ms (`atMs`). */
const readingLine = z.union([
  z.object({ site: z.string(), deviceId: z.string(), atMs: z.number(), metrics, ...stamps }),
  z
    .object({ site: z.string(), deviceId: z.string(), ts: z.iso.datetime(), metrics, ...stamps })
    .transform(({ ts, ...reading }) => ({ ...reading, atMs: Date.parse(ts) })),
]);

/**
 * Readings of an NDJSON file, one a line. A last line without an end was being written when the writer was killed: it is
 * left out where it is no JSON.
 * @throws AppError `readings-unreadable`
 */
export function readingsOfNdjson(file: string): PublishedReading[] {
  const lines = contentOf(file, 'Give the file that holds what was published, one JSON reading a line.').split('\n');
  const unfinished = lines.pop() ?? '';
  const readings = lines.flatMap((line, index) => (line.trim() === '' ? [] : [readingOf(line, file, index + 1)]));
  const last = readingLine.safeParse(jsonOf(unfinished));
  return last.success ? [...readings, last.data] : readings;
}

function readingOf(line: string, file: string, number: number): PublishedReading {
  const parsed = readingLine.safeParse(jsonOf(line));
  if (parsed.success) return parsed.data;
  throw new AppError(
    'readings-unreadable',
    `${file}, line ${number} is no reading: expected {"site","deviceId","atMs" or "ts","metrics"}. Repair or remove the line.`,
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export interface Recording {
  file: string;
  /** Column for `timestamp` and for each metric. */
  columns: Readonly<Record<string, string>>;
  site: string;
  deviceId: string;
}

/**
 * Rows of a CSV recording as readings of one device. Rows without a readable timestamp or number, and rows older than the
 * one before, are no readings.
 * @throws AppError `readings-unreadable`
 */
export function readingsOfRecording({ file, columns, site, deviceId }: Recording): PublishedReading[] {
  const rows = z
    .array(z.record(z.string(), z.string()))
    .parse(csvRows(file, contentOf(file, 'Give a CSV file with a header line.')));
  const { timestamp = 'timestamp', ...metricColumns } = columns;
  for (const column of [timestamp, ...Object.values(metricColumns)]) {
    if (rows[0] !== undefined && !(column in rows[0])) {
      const has = Object.keys(rows[0]).join(', ');
      throw new AppError('readings-unreadable', `${file} has no column ${column}. It has: ${has}.`);
    }
  }
  const readings: PublishedReading[] = [];
  for (const row of rows) {
    const atMs = instantOf(row[timestamp] ?? '');
    const cells = Object.entries(metricColumns).map(([metric, column]) => [metric, row[column] ?? ''] as const);
    const values = cells.filter(([, cell]) => cell !== '').map(([metric, cell]) => [metric, Number(cell)] as const);
    const usable = values.length > 0 && values.every(([, value]) => Number.isFinite(value));
    const latest = readings.at(-1)?.atMs ?? Number.NEGATIVE_INFINITY;
    if (atMs === undefined || atMs < latest || !usable) continue;
    readings.push({ site, deviceId, atMs, metrics: Object.fromEntries(values) });
  }
  return readings;
}

function csvRows(file: string, content: string): unknown {
  try {
    return parse(content, { columns: true, relax_column_count: true, skip_empty_lines: true, trim: true, bom: true });
  } catch (error) {
    throw new AppError('readings-unreadable', `${file} is not well-formed CSV: ${messageOf(error)}`, { cause: error });
  }
}

/** Epoch seconds (below the year 5138), epoch ms, or ISO 8601, which is UTC where it names no zone. */
function instantOf(cell: string): number | undefined {
  if (/^\d+(\.\d+)?$/.test(cell)) return Math.round(Number(cell) * (Number(cell) < 1e11 ? 1_000 : 1));
  const zoned = /(z|utc|[+-]\d\d:?\d\d)$/i.test(cell) || cell.length <= 10 ? cell : `${cell}Z`;
  const atMs = Date.parse(zoned.replace(' ', 'T').replace(/ ?utc$/i, 'Z'));
  return Number.isNaN(atMs) ? undefined : atMs;
}

function contentOf(file: string, hint: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new AppError('readings-unreadable', `Cannot read ${file}: ${messageOf(error)}. ${hint}`, { cause: error });
  }
}
