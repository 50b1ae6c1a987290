import {
  type AthenaClient,
  GetQueryExecutionCommand,
  GetQueryResultsCommand,
  StartQueryExecutionCommand,
} from '@aws-sdk/client-athena';
import type { QueryResult } from './query-result.ts';

export interface AthenaQuery {
  athena: Pick<AthenaClient, 'send'>;
  workgroup: string;
  database: string;
  sql: string;
  /** Waits between two looks at a query that runs, ms. */
  sleep(ms: number): Promise<void>;
}

const everyMs = 250;
/** Athena ends a query after half an hour. */
const looks = (30 * 60_000) / everyMs;

/** @throws Error with Athena's reason where the query fails; the SDK's where Athena cannot be asked */
export async function queryAthena({ athena, workgroup, database, sql, sleep }: AthenaQuery): Promise<QueryResult> {
  const { QueryExecutionId } = await athena.send(
    new StartQueryExecutionCommand({
      QueryString: sql,
      WorkGroup: workgroup,
      QueryExecutionContext: { Database: database },
    }),
  );
  for (let look = 0; look < looks; look += 1) {
    const { QueryExecution } = await athena.send(new GetQueryExecutionCommand({ QueryExecutionId }));
    const { State, StateChangeReason = 'no reason given' } = QueryExecution?.Status ?? {};
    if (State === 'SUCCEEDED') return resultOf(athena, QueryExecutionId);
    if (State === 'FAILED' || State === 'CANCELLED') {
      throw new Error(`Athena ended the query ${QueryExecutionId}: ${StateChangeReason}`);
    }
    await sleep(everyMs);
  }
  throw new Error(`The query ${QueryExecutionId} still runs after half an hour; stop it in Athena.`);
}

async function resultOf(athena: Pick<AthenaClient, 'send'>, QueryExecutionId?: string): Promise<QueryResult> {
  const rows: (string | null)[][] = [];
  let columns: string[] = [];
  let NextToken: string | undefined;
  do {
    const page = await athena.send(new GetQueryResultsCommand({ QueryExecutionId, NextToken, MaxResults: 1_000 }));
    const { Rows = [], ResultSetMetadata } = page.ResultSet ?? {};
    // The first row of the first page has the names of the columns.
    const values = NextToken === undefined ? Rows.slice(1) : Rows;
    columns = ResultSetMetadata?.ColumnInfo?.map(({ Name = '' }) => Name) ?? columns;
    rows.push(...values.map(({ Data = [] }) => columns.map((_, place) => Data[place]?.VarCharValue ?? null)));
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  return { columns, rows };
}
