import { openStore, type Store, transaction } from '../../platform/sqlite.ts';
import type { CompiledQuery } from './query-sql.ts';
import { type Row, type Table, tables } from './tables.ts';

export interface RecordStore {
  get(table: Table, sysId: string): Row | undefined;
  /** First record, in order of creation, whose `field` is `value` (without regard to case). */
  findBy(table: Table, field: string, value: string): Row | undefined;
  select(table: Table, query: CompiledQuery, page: { limit: number; offset: number }): Row[];
  count(table: Table, query: CompiledQuery): number;
  insert(table: Table, row: Row): void;
  update(table: Table, sysId: string, changes: Row): void;
  /** Removes the record with its journal and its attachments. */
  remove(table: Table, sysId: string): void;
  /** Keeps the `count` newest of the records whose `field` is `value`. */
  keepNewest(table: Table, field: string, value: string, count: number): void;
  nextNumber(table: Table): string;
  /** Entries of a record's journal, newest first. */
  journal(sysId: string, element: string): Row[];
  content(attachmentId: string): Uint8Array | undefined;
  setContent(attachmentId: string, bytes: Uint8Array): void;
  /** Calls `listener` at each write with what it knows of the row; its transaction may still fail. */
  watch(listener: (table: string, row: Row) => void): void;
  /** Runs `work` in one transaction: nothing of it stays when it throws. */
  atomically<T>(work: () => T): T;
  /** Empties every table and starts the numbers anew. */
  clear(): void;
  /** The file itself, for accounts and tokens. */
  readonly db: Store;
  close(): void;
}

const internalTables = `
  CREATE TABLE number_counter (prefix TEXT PRIMARY KEY, next INTEGER NOT NULL);
  CREATE TABLE attachment_content (attachment_id TEXT PRIMARY KEY, bytes BLOB NOT NULL);
  CREATE TABLE account (user_name TEXT PRIMARY KEY, salt TEXT NOT NULL, hash TEXT NOT NULL, roles TEXT NOT NULL);
  CREATE TABLE oauth_token (
    access_token TEXT PRIMARY KEY, refresh_token TEXT NOT NULL, client_id TEXT NOT NULL, user_name TEXT NOT NULL,
    expires_at INTEGER NOT NULL, refresh_expires_at INTEGER NOT NULL
  );
  CREATE INDEX oauth_token_refresh ON oauth_token (refresh_token);
`;

/** A scan of 100,000 incidents reads some 100 MB: mapped and cached, it costs no copies. */
const readFaster = 'PRAGMA mmap_size = 536870912; PRAGMA cache_size = -65536';

/**
 * Tells SQLite which index is selective; without it, it prefers `state` to `correlation_id`. Some 75 ms for 100,000
 * incidents. (Samples, by `analysis_limit`, are quicker and so wrong that whole tables are read by the wrong index.)
 */
const analyse = 'ANALYZE';
const insertsBeforeAnalysis = 1_000;

/** Opens the records of the instance in a SQLite file or in `:memory:`; creates what the table definitions have gained. */
export function openRecordStore(path: string): RecordStore {
  const db = openStore({ path, migrations: [{ version: 1_000, sql: internalTables }], synchronous: 'normal' });
  for (const table of tables.values()) bringUpToDate(db, table);

  db.exec(readFaster);
  db.exec(analyse);
  let inserted = 0;
  // Taken again at each doubling, so that what they cost stays in proportion to what is written.
  let analysedAt = insertsBeforeAnalysis;

  const prepared = new Map<string, ReturnType<typeof db.prepare>>();
  const statement = (sql: string) => {
    const found = prepared.get(sql);
    if (found !== undefined) return found;
    // Shapes of queries are chosen by clients: the cache is bounded.
    if (prepared.size >= 500) prepared.clear();
    const made = db.prepare(sql);
    prepared.set(sql, made);
    return made;
  };
  const rows = (sql: string, values: readonly unknown[]): Row[] =>
    statement(sql)
      .all(...values)
      .map(toRow);
  const columns = new Map([...tables.values()].map((table) => [table.name, storedFields(table).join(', ')]));
  const selection = (table: Table) => `SELECT ${columns.get(table.name) ?? '*'} FROM "${table.name}" t`;

  const listeners: ((table: string, row: Row) => void)[] = [];
  const tell = (table: Table, row: Row) => {
    for (const listener of listeners) listener(table.name, row);
  };

  const store: RecordStore = {
    db,
    get: (table, sysId) => rows(`${selection(table)} WHERE sys_id = ?`, [sysId])[0],
    findBy: (table, field, value) => rows(`${selection(table)} WHERE "${field}" = ? ORDER BY seq LIMIT 1`, [value])[0],
    select(table, query, { limit, offset }) {
      // Only keys are sorted; the wide rows are fetched for the page alone.
      const page = `SELECT t.seq FROM "${table.name}" t WHERE ${query.where} ORDER BY ${query.orderBy} LIMIT ? OFFSET ?`;
      return rows(`${selection(table)} WHERE t.seq IN (${page}) ORDER BY ${query.orderBy}`, [
        ...query.values,
        limit,
        offset,
      ]);
    },
    count(table, query) {
      const found: unknown = statement(`SELECT count(*) AS n FROM "${table.name}" t WHERE ${query.where}`).get(
        ...query.values,
      );
      return typeof found === 'object' && found !== null && 'n' in found ? Number(found.n) : 0;
    },
    insert(table, row) {
      const names = Object.keys(row);
      const marks = names.map(() => '?').join(', ');
      statement(`INSERT INTO "${table.name}" (${names.map(quoted).join(', ')}) VALUES (${marks})`).run(
        ...Object.values(row),
      );
      tell(table, row);
      inserted += 1;
      if (inserted >= analysedAt) {
        analysedAt = inserted * 2;
        db.exec(analyse);
      }
    },
    update(table, sysId, changes) {
      const set = Object.keys(changes).map((name) => `${quoted(name)} = ?`);
      statement(`UPDATE "${table.name}" SET ${set.join(', ')} WHERE sys_id = ?`).run(...Object.values(changes), sysId);
      tell(table, { ...changes, sys_id: sysId });
    },
    remove(table, sysId) {
      const removed = store.get(table, sysId) ?? {};
      statement(
        'DELETE FROM attachment_content WHERE attachment_id IN (SELECT sys_id FROM sys_attachment WHERE table_sys_id = ?)',
      ).run(sysId);
      statement('DELETE FROM attachment_content WHERE attachment_id = ?').run(sysId);
      statement('DELETE FROM sys_attachment WHERE table_sys_id = ?').run(sysId);
      statement('DELETE FROM sys_journal_field WHERE element_id = ?').run(sysId);
      statement('DELETE FROM sys_audit WHERE documentkey = ?').run(sysId);
      statement(`DELETE FROM "${table.name}" WHERE sys_id = ?`).run(sysId);
      tell(table, removed);
    },
    keepNewest(table, field, value, count) {
      const oldestGone = `SELECT seq FROM "${table.name}" WHERE "${field}" = ? ORDER BY seq DESC LIMIT 1 OFFSET ?`;
      statement(`DELETE FROM "${table.name}" WHERE "${field}" = ? AND seq <= (${oldestGone})`).run(value, value, count);
    },
    nextNumber(table) {
      const { prefix, first } = table.numbered ?? { prefix: '', first: 1 };
      const taken: unknown = statement(
        'INSERT INTO number_counter VALUES (?, ?) ON CONFLICT (prefix) DO UPDATE SET next = next + 1 RETURNING next',
      ).get(prefix, first);
      const number = typeof taken === 'object' && taken !== null && 'next' in taken ? Number(taken.next) : first;
      return `${prefix}${String(number).padStart(7, '0')}`;
    },
    journal(sysId, element) {
      const table = tables.get('sys_journal_field');
      if (table === undefined) return [];
      return rows(`${selection(table)} WHERE element_id = ? AND element = ? ORDER BY seq DESC`, [sysId, element]);
    },
    content(attachmentId) {
      const found: unknown = statement('SELECT bytes FROM attachment_content WHERE attachment_id = ?').get(
        attachmentId,
      );
      if (typeof found !== 'object' || found === null || !('bytes' in found)) return undefined;
      const { bytes } = found;
      return bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes instanceof Uint8Array ? bytes : undefined;
    },
    setContent(attachmentId, bytes) {
      statement('INSERT INTO attachment_content VALUES (?, ?)').run(attachmentId, Buffer.from(bytes));
    },
    watch(listener) {
      listeners.push(listener);
    },
    atomically: (work) => transaction(db, work),
    clear() {
      transaction(db, () => {
        for (const table of tables.keys()) db.exec(`DELETE FROM "${table}"`);
        for (const table of ['number_counter', 'attachment_content', 'oauth_token']) db.exec(`DELETE FROM ${table}`);
      });
    },
    close: () => db.close(),
  };
  return store;
}

const quoted = (name: string) => `"${name}"`;

function storedFields(table: Table): string[] {
  return [...table.fields].filter(([, field]) => field.type !== 'journal').map(([name]) => quoted(name));
}

/** Creates the table, or adds the columns that its definition has gained since the file was made. */
function bringUpToDate(db: Store, table: Table): void {
  const columns = [...table.fields].flatMap(([name, field]) =>
    field.type === 'journal'
      ? []
      : [
          {
            name,
            sql: `"${name}" ${field.type === 'integer' ? 'INTEGER' : 'TEXT'} NOT NULL COLLATE NOCASE DEFAULT ''`,
          },
        ],
  );
  db.exec(
    `CREATE TABLE IF NOT EXISTS "${table.name}" (seq INTEGER PRIMARY KEY AUTOINCREMENT, ${columns.map((column) => column.sql).join(', ')})`,
  );
  const present = new Set(
    db
      .prepare(`SELECT name FROM pragma_table_info('${table.name}')`)
      .all()
      .map((row) => toRow(row)['name']),
  );
  for (const column of columns) {
    if (!present.has(column.name)) db.exec(`ALTER TABLE "${table.name}" ADD COLUMN ${column.sql}`);
  }
  db.exec(`CREATE UNIQUE INDEX IF NOT EXISTS "${table.name}_sys_id" ON "${table.name}" (sys_id)`);
  for (const field of table.indexed) {
    db.exec(`CREATE INDEX IF NOT EXISTS "${table.name}_${field}" ON "${table.name}" ("${field}")`);
  }
}

function toRow(value: unknown): Row {
  const row: Row = {};
  if (typeof value !== 'object' || value === null) return row;
  for (const [name, field] of Object.entries(value)) row[name] = String(field);
  return row;
}
