import type { RecordStore } from './record-store.ts';
import type { Records } from './records.ts';
import { tables } from './tables.ts';

/** An invalid part of a query empties the answer instead of being ignored. */
export const invalidQueryReturnsNoRows = 'glide.invalid_query.returns_no_rows';

/** What a new instance has. */
const initially: Readonly<Record<string, { value: string; type: string; description: string }>> = {
  [invalidQueryReturnsNoRows]: {
    value: 'false',
    type: 'boolean',
    description: 'A query with an invalid part returns no rows instead of ignoring the part',
  },
};

/** System properties: records of `sys_properties`, which clients may read and administrators may write. */
export interface Properties {
  /** Writes those that are missing. */
  ensure(): void;
  isOn(name: string): boolean;
  /** False where there is no such property. */
  set(name: string, value: string): boolean;
  all(): Record<string, string>;
}

export function createProperties(store: RecordStore, records: Records): Properties {
  const found = tables.get('sys_properties');
  if (found === undefined) throw new Error('no table sys_properties');
  const table = found;
  const row = (name: string) => store.findBy(table, 'name', name);
  return {
    ensure() {
      for (const [name, property] of Object.entries(initially)) {
        if (row(name) === undefined) records.add(table, { name, ...property }, 'system');
      }
    },
    isOn: (name) => row(name)?.['value'] === 'true',
    set(name, value) {
      const before = row(name);
      if (before === undefined) return false;
      records.update(table, before, { value }, { userName: 'system', userSysId: '', inputIsDisplayValue: false });
      return true;
    },
    all() {
      const rows = store.select(table, { where: '1', orderBy: 't.name', values: [] }, { limit: 1_000, offset: 0 });
      return Object.fromEntries(rows.map((one) => [one['name'] ?? '', one['value'] ?? '']));
    },
  };
}
