import type { AllowedColumns, CanvasSchema, Column, FileList, FileToFetch, PullPlan } from './contract.ts';

export interface PlanInput {
  list: FileList;
  schema: CanvasSchema;
  allowed: AllowedColumns;
  /** Keys that are in the bucket below `raw_files/`. */
  present: ReadonlySet<string>;
  /** Columns of the tables that are in the catalogue. */
  catalogue: ReadonlyMap<string, readonly Column[]>;
}

export interface Planned {
  plan: PullPlan;
  files: readonly FileToFetch[];
}

type TablePlan =
  | { ok: true; columns: Column[]; take: (number | null)[]; sourceColumns: number; leftAtSource: string[] }
  | { ok: false; reason: string; detail: string };

/** Where a file of a table lies. */
export function fileKey(table: string, filename: string): string {
  return `raw_files/${table}/${filename}`;
}

/**
 * What a pull has to do. Files have another name whenever they have another content, so what is present is not fetched
 * again. A table whose schema changed other than by additions, or which lost all of its files, is refused: it stays as it is.
 */
export function planPull(input: PlanInput): Planned {
  const { list, schema, allowed, present, catalogue } = input;
  const plan: PullPlan = {
    ...{
      schemaVersion: schema.version,
      tables: [],
      fetch: [],
      skipped: 0,
      obsolete: [],
      refused: [],
      leftAtSource: {},
    },
  };
  const files: FileToFetch[] = [];
  for (const table of Object.keys(allowed).toSorted()) {
    const listed = list.files.filter((file) => file.table === table);
    const keys = new Set(listed.map(({ filename }) => fileKey(table, filename)));
    const own = [...present].filter((key) => key.startsWith(`raw_files/${table}/`));
    const tablePlan = planTable(table, input);
    if (!tablePlan.ok) {
      plan.refused.push({ table, reason: tablePlan.reason, detail: tablePlan.detail });
      continue;
    }
    if (listed.length === 0) {
      plan.refused.push({ table, reason: 'no-files', detail: 'Canvas lists no file of it' });
      continue;
    }
    const { columns, take, sourceColumns, leftAtSource } = tablePlan;
    const known = catalogue.get(table);
    const extended = columns.length > (known?.length ?? 0) ? 'extended' : 'same';
    plan.tables.push({ table, change: known === undefined ? 'created' : extended, columns });
    if (leftAtSource.length > 0) plan.leftAtSource[table] = leftAtSource;
    for (const { url, filename } of listed) {
      const key = fileKey(table, filename);
      if (present.has(key)) plan.skipped += 1;
      else files.push({ url, table, filename, key, sourceColumns, take });
    }
    if (!list.incomplete) plan.obsolete.push(...own.filter((key) => !keys.has(key)));
  }
  plan.fetch = files.map(({ key }) => key);
  return { plan, files };
}

/** Columns of the table as they will be: those of the catalogue at their places, behind them those that are new. */
function planTable(table: string, { schema, allowed, catalogue }: PlanInput): TablePlan {
  const refused = (reason: string, detail: string): TablePlan => ({ ok: false, reason, detail });
  const source = Object.values(schema.schema).find(({ tableName }) => tableName === table)?.columns;
  if (source === undefined) return refused('table-missing', 'the schema of Canvas has no such table');
  const known = catalogue.get(table) ?? [];
  const names = allowed[table] ?? [];
  const columns: Column[] = [];
  const take: (number | null)[] = [];
  for (const name of [...known.map((column) => column.name), ...names.filter((name) => !isIn(known, name))]) {
    const before = known.find((column) => column.name === name);
    if (before !== undefined && !names.includes(name)) {
      // It may not leave Canvas any more: its place stays, and is left empty.
      columns.push(before);
      take.push(null);
      continue;
    }
    const place = source.findIndex((column) => column.name === name);
    const type = catalogueType(source[place]?.type);
    if (place < 0) return refused('column-missing', `the schema of Canvas has no column ${name}`);
    if (type === undefined) return refused('unknown-type', `${name} is ${source[place]?.type}`);
    if (before !== undefined && before.type !== type) {
      return refused('type-changed', `${name} was ${before.type} and is ${type}`);
    }
    columns.push({ name, type });
    take.push(place);
  }
  const leftAtSource = source.map((column) => column.name).filter((name) => !names.includes(name));
  return { ok: true, columns, take, sourceColumns: source.length, leftAtSource };
}

function isIn(columns: readonly Column[], name: string): boolean {
  return columns.some((column) => column.name === name);
}

const types: Readonly<Record<string, string>> = {
  bigint: 'bigint',
  boolean: 'boolean',
  date: 'date',
  datetime: 'timestamp',
  'double precision': 'double',
  enum: 'string',
  guid: 'string',
  int: 'int',
  integer: 'int',
  text: 'string',
  timestamp: 'timestamp',
  varchar: 'string',
};

/** A type of Canvas in the words of the catalogue; a longer varchar is no change of type. */
function catalogueType(type = ''): string | undefined {
  const plain = type.toLowerCase().replace(/\(\d+\)$/, '');
  return Object.hasOwn(types, plain) ? types[plain] : undefined;
}
