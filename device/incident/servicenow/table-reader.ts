import { z } from 'zod';
import type { DestinationResult } from '../destination.ts';
import type { ServiceNowConnection } from './connection.ts';

/** A record with the asked fields as texts; a field that the table does not have is not in it. */
export type TableRow = Readonly<Record<string, string>>;

export interface TableQuery {
  table: string;
  /** Encoded query; values in it come from `queryValue`. An instance drops parts that it does not understand. */
  query: string;
  fields: readonly string[];
  limit: number;
}

/** Reads rows of any table: groups, people, choices. */
export type TableReader = (query: TableQuery) => Promise<DestinationResult<TableRow[]>>;

const rows = z.object({ result: z.array(z.record(z.string(), z.string())) }).transform((answer) => answer.result);

export function createTableReader(connection: ServiceNowConnection): TableReader {
  return ({ table, query, fields, limit }) => {
    const parameters = new URLSearchParams({
      sysparm_query: query,
      sysparm_fields: fields.join(','),
      sysparm_limit: String(limit),
      sysparm_exclude_reference_link: 'true',
      sysparm_no_count: 'true',
    });
    const url = `${connection.baseUrl}/api/now/table/${encodeURIComponent(table)}?${parameters}`;
    const request = { method: 'GET' as const, url, headers: {} };
    return connection.exchange(request, { what: `GET ${table}`, addressesRecord: false }, rows);
  };
}

/** A value for an encoded query; undefined for one that would end its condition. */
export function queryValue(text: string): string | undefined {
  return /[\^\p{Cc}]/u.test(text) || text.trim() === '' ? undefined : text;
}
