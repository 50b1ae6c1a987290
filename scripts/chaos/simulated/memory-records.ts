import { type Condition, parseEncodedQuery } from '../../../device/simulation/servicenow/encoded-query.ts';
import type { RecordStore } from '../../../device/simulation/servicenow/record-store.ts';
import type { Row, Table } from '../../../device/simulation/servicenow/tables.ts';

/** Records of an instance in plain maps: no SQL, so a request costs a tenth. Who changed what is not kept (`sys_audit`). */
export interface MemoryRecords {
  /** As far as writing and rendering need it. */
  store: RecordStore;
  /** Records that an encoded query asks for, in its order; conditions on `droppedFields` (`*`: all) are left out. */
  list(table: Table, query: string, droppedFields: readonly string[]): Row[];
  /** All records, the oldest first. */
  rows(table: string): Row[];
}

export function createMemoryRecords(): MemoryRecords {
  const tables = new Map<string, Map<string, Row>>();
  const contents = new Map<string, Uint8Array>();
  const numbers = new Map<string, number>();

  function records(name: string): Map<string, Row> {
    const known = tables.get(name) ?? new Map<string, Row>();
    tables.set(name, known);
    return known;
  }
  const rows = (name: string) => [...records(name).values()];
  const unused = (what: string) => (): never => {
    throw new Error(`the simulated instance does not ${what}`);
  };

  const store: RecordStore = {
    get: (table, sysId) => records(table.name).get(sysId),
    findBy: (table, field, value) => rows(table.name).find((row) => isEqual(row[field], value)),
    select: () => [],
    count: unused('count'),
    insert(table, row) {
      if (table.name !== 'sys_audit') records(table.name).set(row['sys_id'] ?? '', row);
    },
    update(table, sysId, changes) {
      const before = records(table.name).get(sysId);
      if (before !== undefined) records(table.name).set(sysId, { ...before, ...changes });
    },
    remove(table, sysId) {
      records(table.name).delete(sysId);
      for (const [name, field] of [
        ['sys_journal_field', 'element_id'],
        ['sys_attachment', 'table_sys_id'],
      ] as const) {
        for (const row of rows(name)) if (row[field] === sysId) records(name).delete(row['sys_id'] ?? '');
      }
    },
    keepNewest() {},
    nextNumber(table) {
      const { prefix, first } = table.numbered ?? { prefix: '', first: 1 };
      const next = numbers.get(prefix) ?? first;
      numbers.set(prefix, next + 1);
      return `${prefix}${String(next).padStart(7, '0')}`;
    },
    journal: (sysId, element) =>
      rows('sys_journal_field')
        .filter((row) => row['element_id'] === sysId && row['element'] === element)
        .reverse(),
    content: (attachmentId) => contents.get(attachmentId),
    setContent: (attachmentId, bytes) => void contents.set(attachmentId, bytes),
    watch() {},
    // Each request is one synchronous step, and none fails half-way.
    atomically: (work) => work(),
    clear: unused('start anew'),
    get db() {
      return unused('have a file')();
    },
    close() {},
  };

  return {
    store,
    rows,
    list(table, text, droppedFields) {
      const { groups, orderBy } = parseEncodedQuery(text);
      const stays = (condition: Condition) =>
        condition.kind === 'invalid' || !(droppedFields.includes('*') || droppedFields.includes(condition.field));
      const kept = groups.map((clauses) =>
        clauses.map((alternatives) => alternatives.filter(stays)).filter((alternatives) => alternatives.length > 0),
      );
      const isAsked = (row: Row) =>
        kept.length === 0 ||
        kept.some((clauses) => clauses.every((alternatives) => alternatives.some((one) => meets(row, one))));
      const found = rows(table.name).filter(isAsked);
      // The newest first is all that is asked for; of one second the later one.
      return orderBy[0]?.descending === true ? found.reverse() : found;
    },
  };
}

function isEqual(one: string | undefined, other: string): boolean {
  return (one ?? '').toLowerCase() === other.toLowerCase();
}

/** @throws where the edge asks for what it never asked for before: then this is to be taught it. */
function meets(row: Row, condition: Condition): boolean {
  switch (condition.kind) {
    case 'in':
      return condition.values.some((value) => isEqual(row[condition.field], value)) !== condition.negated;
    case 'compare': {
      const value = (row[condition.field] ?? '').toLowerCase();
      if (condition.operator === '=') return value === condition.value.toLowerCase();
      if (condition.operator === 'starts-with') return value.startsWith(condition.value.toLowerCase());
      break;
    }
    default:
  }
  throw new Error(`the simulated instance does not know the condition ${JSON.stringify(condition)}`);
}
