import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { QueryResult } from '../../cloud/shared/lake/query-result.ts';
import { AppError, messageOf } from '../../device/platform/errors.ts';

/**
 * A query over Parquet files on disk: a copy of the bucket, whose files lie below `samples/day=YYYY-MM-DD/`.
 * @throws AppError `no-folder`, `query-failed`
 */
export async function queryFolder(folder: string, sql: string): Promise<QueryResult> {
  const samples = join(folder, 'samples');
  if (!existsSync(samples)) {
    throw new AppError(
      'no-folder',
      `${folder} has no folder samples: copy the bucket there, aws s3 sync s3://<ProcessedBucketName> ${folder}.`,
    );
  }
  const files = `${samples.replaceAll("'", "''")}/*/*.parquet`;
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  try {
    await connection.run(
      `CREATE VIEW samples AS SELECT * FROM read_parquet('${files}', hive_partitioning = true, hive_types = {'day': VARCHAR})`,
    );
    const reader = await connection.runAndReadAll(sql);
    const rows = reader.getRowsJson().map((row) => row.map((value) => (value === null ? null : String(value))));
    return { columns: reader.columnNames(), rows };
  } catch (error) {
    throw new AppError('query-failed', `DuckDB could not query ${files}: ${messageOf(error)}`, { cause: error });
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
