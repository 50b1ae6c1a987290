import type { QueryResult } from '../../cloud/shared/lake/query-result.ts';

/** A value for people: instants to the second, numbers to at most six digits behind the point. */
export function readable(value: string | null): string {
  if (value === null) return '';
  if (/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+$/.test(value)) return value.slice(0, 19);
  return /^-?\d+\.\d{7,}$/.test(value) ? String(Number(Number(value).toFixed(6))) : value;
}

/** Rows as JSON, an object each, with the values as the engine wrote them. */
export function toJson({ columns, rows }: QueryResult): string {
  const objects = rows.map((row) => Object.fromEntries(columns.map((column, place) => [column, row[place] ?? null])));
  return `${JSON.stringify(objects, undefined, 2)}\n`;
}
