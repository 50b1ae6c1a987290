import { AppError } from '../../platform/errors.ts';
import type { Metrics } from '../../reading/reading.ts';
import { csvRecords } from './csv-records.ts';

/** Column of the file for `timestamp` and for each metric. */
export type Columns = Readonly<Record<string, string>>;

export type Row =
  | { ok: true; line: number; atMs: number; metrics: Metrics }
  | { ok: false; line: number; message: string };

/**
 * The rows of a recording, in the order of the file. An empty cell is a metric that was not measured; a row without a
 * readable timestamp, with a cell that is not a number, or without any value, is told as such.
 * @throws AppError `replay-file` (missing, unreadable, empty), `replay-columns` (a column that is not there)
 */
export function* recordedRows(file: string, columns: Columns): Generator<Row, void> {
  const records = csvRecords(file);
  let mapping: Mapping | undefined;
  for (const { line, fields } of records) {
    if (mapping === undefined) mapping = mappingOf(file, columns, fields);
    else yield parseRow(line, fields, mapping);
  }
  if (mapping === undefined) throw new AppError('replay-file', `Cannot replay "${file}": it is empty.`);
}

/**
 * Instant of the first readable row, epoch ms: where a replay's clock is to start.
 * @throws AppError as `recordedRows`, and `replay-file` when no row can be used.
 */
export function firstTimestamp(file: string, columns: Columns): number {
  for (const row of recordedRows(file, columns)) {
    if (row.ok) return row.atMs;
  }
  throw new AppError('replay-file', `Cannot replay "${file}": none of its rows has a timestamp and a number.`);
}

interface Mapping {
  timestamp: { index: number; column: string };
  metrics: { metric: string; index: number; column: string }[];
}

function mappingOf(file: string, columns: Columns, header: readonly string[]): Mapping {
  const indexOf = (what: string, column: string) => {
    const index = header.indexOf(column);
    if (index >= 0) return { index, column };
    throw new AppError(
      'replay-columns',
      `"${file}" has no column "${column}" for ${what} (sensor.replay.columns). It has: ${header.join(', ')}.`,
    );
  };
  const { timestamp, ...metrics } = columns;
  if (timestamp === undefined) {
    throw new AppError(
      'replay-columns',
      `sensor.replay.columns must name the column of the timestamp: timestamp=… "${file}" has: ${header.join(', ')}.`,
    );
  }
  if (Object.keys(metrics).length === 0) {
    throw new AppError('replay-columns', 'sensor.replay.columns names no metric, e.g. temperature=…, humidity=…');
  }
  return {
    timestamp: indexOf('the timestamp', timestamp),
    metrics: Object.entries(metrics).map(([metric, column]) => ({ metric, ...indexOf(metric, column) })),
  };
}

function parseRow(line: number, fields: readonly string[], mapping: Mapping): Row {
  const written = fields[mapping.timestamp.index] ?? '';
  const atMs = instantOf(written);
  if (atMs === undefined) return { ok: false, line, message: `"${written}" is not a timestamp` };
  const metrics: Record<string, number> = {};
  for (const { metric, index, column } of mapping.metrics) {
    const cell = fields[index] ?? '';
    if (cell === '') continue;
    const value = Number(cell);
    if (!Number.isFinite(value)) return { ok: false, line, message: `"${cell}" in column ${column} is not a number` };
    metrics[metric] = value;
  }
  if (Object.keys(metrics).length === 0) return { ok: false, line, message: 'it has no values' };
  return { ok: true, line, atMs, metrics };
}

/** Numbers below this are seconds since 1970, others milliseconds: in seconds it is the year 5138. */
const leastEpochMs = 1e11;

/** Epoch seconds, epoch ms, or ISO 8601 (with a blank for the T too); without a zone it is UTC. */
export function instantOf(written: string): number | undefined {
  if (/^\d+(\.\d+)?$/.test(written)) {
    const number = Number(written);
    return number < leastEpochMs ? Math.round(number * 1_000) : Math.round(number);
  }
  const parts = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)) ?(Z|UTC|[+-]\d\d:?\d\d)?$/i.exec(written);
  if (parts === null) return undefined;
  const [, day, clock = '', zone = 'Z'] = parts;
  const offset = /^(z|utc)$/i.test(zone) ? 'Z' : `${zone.slice(0, 3)}:${zone.slice(-2)}`;
  const instant = Date.parse(`${day}T${clock.replace(',', '.')}${offset}`);
  return Number.isNaN(instant) ? undefined : instant;
}
