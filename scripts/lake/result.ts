import type { QueryResult } from '../../cloud/shared/lake/query-result.ts';

/** A value for people: instants to the second, numbers to at most six digits behind the point. */
export function readable(value: string | null): string {
  if (value === null) return '';
  if (/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+$/.test(value)) return value.slice(0, 19);
  return /^-?\d+\.\d{7,}$/.test(value) ? String(Number(Number(value).toFixed(6))) : value;
}

/** Rows as JSON, an object each, with the values as the engine wrote them. */
export function toJson(result: QueryResult): string {
  return `${JSON.stringify(objectsOf(result), undefined, 2)}\n`;
}

/** The same, a line each: what the room data-out takes. */
export function toNdjson(result: QueryResult): string {
  return objectsOf(result)
    .map((row) => `${JSON.stringify(row)}\n`)
    .join('');
}

function objectsOf({ columns, rows }: QueryResult): Record<string, string | null>[] {
  return rows.map((row) => Object.fromEntries(columns.map((column, place) => [column, row[place] ?? null])));
}
