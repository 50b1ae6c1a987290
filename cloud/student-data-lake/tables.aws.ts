import {
  CreateTableCommand,
  EntityNotFoundException,
  GetTableCommand,
  type GlueClient,
  type TableInput,
  UpdateTableCommand,
} from '@aws-sdk/client-glue';
import type { Column, PullPlan } from './contract.ts';

/** The tables of the catalogue. */
export interface Tables {
  /** Columns of those that there are. */
  read(names: readonly string[]): Promise<Map<string, Column[]>>;
  /** Creates what is new, extends what has got more columns. */
  apply(tables: PullPlan['tables']): Promise<void>;
}

export interface TablesDeps {
  glue: Pick<GlueClient, 'send'>;
  databaseName: string;
  /** `s3://bucket/raw_files/` */
  location: string;
}

export function createTables({ glue, databaseName, location }: TablesDeps): Tables {
  async function columnsOf(name: string): Promise<Column[] | undefined> {
    try {
      const { Table } = await glue.send(new GetTableCommand({ DatabaseName: databaseName, Name: name }));
      const columns = Table?.StorageDescriptor?.Columns ?? [];
      return columns.map(({ Name = '', Type = '' }) => ({ name: Name, type: Type }));
    } catch (error) {
      if (error instanceof EntityNotFoundException) return undefined;
      throw error;
    }
  }

  return {
    async read(names) {
      const found = new Map<string, Column[]>();
      for (const name of names) {
        const columns = await columnsOf(name);
        if (columns !== undefined) found.set(name, columns);
      }
      return found;
    },
    async apply(tables) {
      for (const { table, columns } of tables) {
        const known = await columnsOf(table);
        const request = { DatabaseName: databaseName, TableInput: tableInput(table, columns, location) };
        if (known === undefined) await glue.send(new CreateTableCommand(request));
        else if (known.length < columns.length) await glue.send(new UpdateTableCommand(request));
      }
    },
  };
}

/** Lines with tabs, packed, as Canvas writes them; a line that is shorter than the table has NULL behind its end. */
function tableInput(name: string, columns: readonly Column[], location: string): TableInput {
  return {
    Name: name,
    TableType: 'EXTERNAL_TABLE',
    Parameters: { classification: 'csv', compressionType: 'gzip', EXTERNAL: 'TRUE' },
    StorageDescriptor: {
      Columns: columns.map((column) => ({ Name: column.name, Type: column.type })),
      Location: `${location}${name}/`,
      InputFormat: 'org.apache.hadoop.mapred.TextInputFormat',
      OutputFormat: 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat',
      Compressed: true,
      SerdeInfo: {
        SerializationLibrary: 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe',
        Parameters: { 'field.delim': '\t', 'serialization.format': '\t', 'escape.delim': '\\' },
      },
    },
  };
}
