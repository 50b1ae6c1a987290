import { readFileSync } from 'node:fs';
import type { ColumnType } from '../shared/lake/columns.ts';

/** A named query: its SQL is `queries/<name>.sql`, in what Trino (Athena) and DuckDB have in common. */
export interface LakeQuery {
  name: string;
  title: string;
  /** Columns of its result. Each has `day`, so that whoever asks can say which days are read. */
  columns: Readonly<Record<string, ColumnType>>;
  /** Days before the first one asked for that it has to read as well; none where absent. */
  readsDaysBefore?: number;
  /** How it is drawn, a line for each metric and device; absent where it is a table only. */
  chart?: { x: string; y: string; band?: { from: string; to: string } };
}

const source = { day: 'string', site: 'string', device_id: 'string' } as const;
const extremes = { lowest: 'double', mean: 'double', highest: 'double', readings: 'bigint' } as const;
const band = { from: 'lowest', to: 'highest' };

export const queries: readonly LakeQuery[] = [
  {
    name: 'readings',
    title: 'Readings',
    columns: { ...source, measured_at: 'timestamp', metric: 'string', value: 'double', received_at: 'timestamp' },
    chart: { x: 'measured_at', y: 'value' },
  },
  {
    name: 'hourly',
    title: 'Mean of each hour, from its lowest to its highest value',
    columns: { day: 'string', hour: 'timestamp', site: 'string', device_id: 'string', metric: 'string', ...extremes },
    chart: { x: 'hour', y: 'mean', band },
  },
  {
    name: 'daily',
    title: 'Mean of each day, from its lowest to its highest value',
    columns: { ...source, metric: 'string', ...extremes },
    chart: { x: 'day', y: 'mean', band },
  },
  {
    name: 'latest',
    title: 'Last known values',
    columns: { ...source, metric: 'string', measured_at: 'timestamp', value: 'double' },
  },
  {
    name: 'above-limits',
    title: 'Readings above the default limits',
    columns: { ...source, metric: 'string', readings: 'bigint', above: 'bigint', highest: 'double' },
    chart: { x: 'day', y: 'above' },
  },
  {
    name: 'silences',
    title: 'Where a device sent nothing for more than a minute',
    columns: { ...source, began: 'timestamp', ended: 'timestamp', seconds: 'bigint' },
    // A silence began before the day that it is told on.
    readsDaysBefore: 1,
  },
];

/** The query as its file has it: it reads the table `samples`, or the query `readings` by name. */
export function sqlOf({ name }: LakeQuery): string {
  return readFileSync(new URL(`./queries/${name}.sql`, import.meta.url), 'utf8').trim();
}

/** The query with all that it reads but the table: it runs where no view is. */
export function standaloneSql(query: LakeQuery): string {
  const sql = sqlOf(query);
  return readsReadings(query) ? `WITH readings AS (\n${baseSql()}\n)\n${sql}` : sql;
}

export interface Selection {
  /** First and last day, `YYYY-MM-DD`. */
  from: string;
  to: string;
  device?: string;
  metric?: string;
  /** Rows at most. */
  limit: number;
}

/**
 * Rows of a query for some days, device and metric, in the order of the first instant or day that it has. The days stand
 * where the table is read, so that no other day's files are: no engine carries them there through a maximum or a window.
 */
export function selectionSql(query: LakeQuery, { from, to, device, metric, limit }: Selection): string {
  const where = [`day BETWEEN ${quoted(from)} AND ${quoted(to)}`];
  if (device !== undefined) where.push(`device_id = ${quoted(device)}`);
  if (metric !== undefined) where.push(`metric = ${quoted(metric)}`);
  const first = daysBefore(from, query.readsDaysBefore ?? 0);
  const base = baseSql().replace(
    '\nFROM samples\n',
    `\nFROM samples\nWHERE day BETWEEN ${quoted(first)} AND ${quoted(to)}\n`,
  );
  const named = readsReadings(query) ? `WITH readings AS (\n${base}\n),\n` : 'WITH ';
  const order = [...new Set([query.chart?.x ?? 'day', 'site', 'device_id'])].join(', ');
  return `${named}selected AS (\n${readsReadings(query) ? sqlOf(query) : base}\n)
SELECT * FROM selected
WHERE ${where.join(' AND ')}
ORDER BY ${'metric' in query.columns ? `${order}, metric` : order}
LIMIT ${limit}`;
}

/** The day, `YYYY-MM-DD`, so many days before another. */
function daysBefore(day: string, count: number): string {
  const dayMs = 86_400_000;
  return new Date(Date.parse(day) - count * dayMs).toISOString().slice(0, 10);
}

/** Text as a literal of SQL. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

const baseSql = () => readFileSync(new URL('./queries/readings.sql', import.meta.url), 'utf8').trim();
const readsReadings = ({ name }: LakeQuery) => name !== 'readings';
