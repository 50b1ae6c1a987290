import type { Choices } from './choices.ts';
import type { RecordStore } from './record-store.ts';
import { type Field, type Row, type Table, tables } from './tables.ts';

export interface RenderOptions {
  /** `sysparm_display_value`. */
  display: 'false' | 'true' | 'all';
  /** `sysparm_fields`; undefined gives all. Unknown names are ignored. */
  fields: readonly string[] | undefined;
  excludeReferenceLink: boolean;
  /** `https://host/api/now/table`, which links to records start with. */
  tableUrl: string;
}

/** Turns stored rows into what the Table API answers. One renderer serves one answer: it remembers what it looked up. */
export function createRenderer(
  store: RecordStore,
  choices: Choices,
  options: RenderOptions,
): (table: Table, row: Row) => Record<string, unknown> {
  const seen = new Map<string, Row | undefined>();
  const record = (table: Table, sysId: string): Row | undefined => {
    const key = `${table.name}/${sysId}`;
    if (!seen.has(key)) seen.set(key, store.get(table, sysId));
    return seen.get(key);
  };
  const names = new Map<string, string>();
  const nameOf = (userName: string): string => {
    const known = names.get(userName);
    if (known !== undefined) return known;
    const users = tables.get('sys_user');
    const name = (users === undefined ? undefined : store.findBy(users, 'user_name', userName)?.['name']) ?? userName;
    names.set(userName, name);
    return name;
  };

  function history(sysId: string, element: string, label: string): string {
    return store
      .journal(sysId, element)
      .map(
        (entry) =>
          `${entry['sys_created_on']} - ${nameOf(entry['sys_created_by'] ?? '')} (${label})\n${entry['value']}\n\n`,
      )
      .join('');
  }

  function displayOf(table: Table, name: string, field: Field, value: string, row: Row): string {
    if (field.type === 'journal') return history(row['sys_id'] ?? '', name, field.label);
    if (field.choice === true) return choices.label(table.name, name, value);
    if (field.type !== 'reference' || value === '') return value;
    const target = tables.get(field.references ?? '');
    return target === undefined ? '' : (record(target, value)?.[target.display] ?? '');
  }

  function rendered(table: Table, name: string, field: Field, row: Row): unknown {
    const value = row[name] ?? '';
    const display = options.display === 'false' ? '' : displayOf(table, name, field, value, row);
    const isLinked = field.type === 'reference' && value !== '' && !options.excludeReferenceLink;
    const link = `${options.tableUrl}/${field.references}/${value}`;
    switch (options.display) {
      case 'all':
        return isLinked ? { display_value: display, link, value } : { display_value: display, value };
      case 'true':
        return isLinked ? { display_value: display, link } : display;
      case 'false':
        return isLinked ? { link, value } : value;
    }
  }

  /** Follows a dot-walked path; a step that is unknown leaves the field out, a reference that leads nowhere makes it empty. */
  function walked(table: Table, row: Row, steps: readonly string[]): unknown {
    let at = { table, row };
    for (const step of steps.slice(0, -1)) {
      const field = at.table.fields.get(step);
      const next = tables.get(field?.references ?? '');
      if (next === undefined) return undefined;
      at = { table: next, row: record(next, at.row[step] ?? '') ?? {} };
    }
    const name = steps.at(-1) ?? '';
    const field = at.table.fields.get(name);
    return field === undefined ? undefined : rendered(at.table, name, field, at.row);
  }

  const split = new Map<Table, [path: string, steps: string[]][]>();
  function pathsOf(table: Table): [path: string, steps: string[]][] {
    const known = split.get(table);
    if (known !== undefined) return known;
    const paths = (options.fields ?? [...table.fields.keys()]).map((path): [string, string[]] => [
      path,
      path.split('.'),
    ]);
    split.set(table, paths);
    return paths;
  }

  return (table, row) => {
    const shown: Record<string, unknown> = {};
    for (const [path, steps] of pathsOf(table)) {
      const value = walked(table, row, steps);
      if (value !== undefined) shown[path] = value;
    }
    return shown;
  };
}
