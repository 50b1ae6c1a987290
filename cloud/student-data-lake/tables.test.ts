import { GlueClient } from '@aws-sdk/client-glue';
import { expect, test } from 'vitest';
import { AwsFault, type AwsRequest, fakeAws } from '../testing/fake-aws.ts';
import { createTables } from './tables.aws.ts';

/** A catalogue with one table, `user_dim (id bigint)`. */
function stage() {
  const requests: AwsRequest[] = [];
  const glue = new GlueClient(
    fakeAws((request) => {
      requests.push(request);
      if (request.operation !== 'GetTable') return {};
      if (!JSON.stringify(request.input).includes('user_dim')) throw new AwsFault('EntityNotFoundException');
      return { Table: { Name: 'user_dim', StorageDescriptor: { Columns: [{ Name: 'id', Type: 'bigint' }] } } };
    }),
  );
  const tables = createTables({ glue, databaseName: 'canvasdata_prod', location: 's3://lake/raw_files/' });
  return { tables, changes: () => requests.filter(({ operation }) => operation !== 'GetTable') };
}

const id = { name: 'id', type: 'bigint' };
const locale = { name: 'locale', type: 'string' };

test('the catalogue is read, and what is not in it is left out', async () => {
  const { tables } = stage();
  expect(await tables.read(['user_dim', 'course_dim'])).toEqual(new Map([['user_dim', [id]]]));
});

test('a new table is created over its files, a longer one is updated, and any other is left alone', async () => {
  const { tables, changes } = stage();
  await tables.apply([
    { table: 'course_dim', change: 'created', columns: [id] },
    { table: 'user_dim', change: 'extended', columns: [id, locale] },
    { table: 'user_dim', change: 'same', columns: [id] },
  ]);
  expect(changes()).toMatchObject([
    {
      operation: 'CreateTable',
      input: {
        DatabaseName: 'canvasdata_prod',
        TableInput: {
          Name: 'course_dim',
          StorageDescriptor: {
            Columns: [{ Name: 'id', Type: 'bigint' }],
            Location: 's3://lake/raw_files/course_dim/',
            SerdeInfo: { Parameters: { 'field.delim': '\t' } },
          },
        },
      },
    },
    { operation: 'UpdateTable', input: { TableInput: { StorageDescriptor: { Columns: [{}, { Name: 'locale' }] } } } },
  ]);
});
