import { AthenaClient } from '@aws-sdk/client-athena';
import { expect, test } from 'vitest';
import { type AwsRequest, fakeAws } from '../../testing/fake-aws.ts';
import { queryAthena } from './query.aws.ts';

const ask = (answer: (request: AwsRequest) => unknown, sleeps: number[] = []) =>
  queryAthena({
    athena: new AthenaClient(fakeAws(answer)),
    ...{ workgroup: 'sensor-data-lake', database: 'sensor_data_lake', sql: 'SELECT 1' },
    sleep: async (ms) => void sleeps.push(ms),
  });

test('a query is started in its workgroup, waited for, and read page by page', async () => {
  const states = ['QUEUED', 'RUNNING', 'SUCCEEDED'];
  const sleeps: number[] = [];
  const metadata = { ColumnInfo: [{ Name: 'day' }, { Name: 'value' }] };
  const data = (...values: (string | undefined)[]) => ({ Data: values.map((VarCharValue) => ({ VarCharValue })) });
  const result = await ask(({ operation, input }) => {
    if (operation === 'StartQueryExecution') {
      expect(input).toMatchObject({
        ...{ QueryString: 'SELECT 1', WorkGroup: 'sensor-data-lake' },
        QueryExecutionContext: { Database: 'sensor_data_lake' },
      });
      return { QueryExecutionId: 'q1' };
    }
    if (operation === 'GetQueryExecution') return { QueryExecution: { Status: { State: states.shift() } } };
    return JSON.stringify(input).includes('NextToken')
      ? { ResultSet: { Rows: [data('2026-01-03', '2')], ResultSetMetadata: metadata } }
      : {
          ResultSet: { Rows: [data('day', 'value'), data('2026-01-02')], ResultSetMetadata: metadata },
          NextToken: 'n',
        };
  }, sleeps);
  expect(result).toEqual({
    columns: ['day', 'value'],
    rows: [
      ['2026-01-02', null],
      ['2026-01-03', '2'],
    ],
  });
  expect(sleeps).toEqual([250, 250]);
});

test('a query that fails is told with the reason of Athena', async () => {
  const failed = ask(({ operation }) =>
    operation === 'StartQueryExecution'
      ? { QueryExecutionId: 'q1' }
      : { QueryExecution: { Status: { State: 'FAILED', StateChangeReason: 'Query exhausted resources' } } },
  );
  await expect(failed).rejects.toThrow('Athena ended the query q1: Query exhausted resources');
});
