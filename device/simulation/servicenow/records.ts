import type { Clock } from '../../platform/time.ts';
import type { Choices } from './choices.ts';
import { applyIncidentRules } from './incident-rules.ts';
import type { RecordStore } from './record-store.ts';
import { type Field, instanceTime, type Row, type Table, tables } from './tables.ts';

interface WriteContext {
  userName: string;
  userSysId: string;
  /** `sysparm_input_display_value`: labels of choices are taken for their values. */
  inputIsDisplayValue: boolean;
}

type WriteResult = { ok: true; row: Row } | { ok: false; mandatory: string };

/** Writes as the instance does them: cut values, kept fields, rules, journals, counters. Each is one synchronous step. */
export interface Records {
  create(table: Table, input: Readonly<Record<string, string>>, context: WriteContext): WriteResult;
  /** A write that changes nothing leaves sys_mod_count and sys_updated_on as they are. */
  update(table: Table, before: Row, input: Readonly<Record<string, string>>, context: WriteContext): WriteResult;
  /** A record that the instance writes itself (attachment, journal entry). */
  add(table: Table, fields: Row, userName: string): Row;
}

export interface RecordsOptions {
  store: RecordStore;
  choices: Choices;
  clock: Clock;
  newId: () => string;
}

/** Changes of fields that are kept of one incident; older ones go. */
const mostAudited = 1_000;
const longestAudited = 4_000;
/** `incident_state` mirrors `state`. */
const unaudited: ReadonlySet<string> = new Set(['incident_state', 'sys_mod_count', 'sys_updated_on', 'sys_updated_by']);

export function createRecords({ store, choices, clock, newId }: RecordsOptions): Records {
  const now = () => instanceTime(clock.wallMs());

  function stored(table: Table, name: string, field: Field, value: string, context: WriteContext): string | undefined {
    const text = value.replaceAll('\u0000', '');
    switch (field.type) {
      case 'integer': {
        const number =
          field.choice === true && context.inputIsDisplayValue ? choices.value(table.name, name, text) : text.trim();
        return number === '' || /^-?\d{1,15}$/.test(number) ? number : undefined;
      }
      case 'boolean':
        return /^(true|1|yes)$/i.test(text) ? 'true' : 'false';
      case 'date-time':
        return text === '' || /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(text) ? text : undefined;
      case 'reference':
        return referenced(field, text);
      default:
        return cut(
          field.choice === true && context.inputIsDisplayValue ? choices.value(table.name, name, text) : text,
          field.maxLength ?? 40,
        );
    }
  }

  /** A reference is written as a sys_id or as the display value of the record. */
  function referenced(field: Field, text: string): string {
    const target = tables.get(field.references ?? '');
    if (target === undefined || text === '' || store.get(target, text) !== undefined) return text;
    return store.findBy(target, target.display, text)?.['sys_id'] ?? cut(text, 32);
  }

  function accepted(
    table: Table,
    input: Readonly<Record<string, string>>,
    context: WriteContext,
  ): { fields: Row; journals: Row } {
    const fields: Row = {};
    const journals: Row = {};
    for (const [name, value] of Object.entries(input)) {
      const field = table.fields.get(name);
      if (field === undefined || field.readOnly === true) continue;
      if (field.type === 'journal') {
        if (value !== '') journals[name] = value.replaceAll('\u0000', '');
        continue;
      }
      const kept = stored(table, name, field, value, context);
      if (kept !== undefined) fields[name] = kept;
    }
    return { fields, journals };
  }

  /** Leaves in `sys_audit` what a write of an incident changes; the counters that each write moves are left out. */
  function addAudit(table: Table, before: Row, changes: Row, userName: string): void {
    const auditTable = tables.get('sys_audit');
    const documentkey = before['sys_id'] ?? '';
    if (auditTable === undefined || table.name !== 'incident') return;
    for (const [fieldname, newvalue] of Object.entries(changes)) {
      if (unaudited.has(fieldname)) continue;
      const [from, to] = [cut(before[fieldname] ?? '', longestAudited), cut(newvalue, longestAudited)];
      const entry = { tablename: table.name, documentkey, fieldname, oldvalue: from, newvalue: to, user: userName };
      records.add(auditTable, { ...entry, record_checkpoint: changes['sys_mod_count'] ?? '0' }, userName);
    }
    store.keepNewest(auditTable, 'documentkey', documentkey, mostAudited);
  }

  function addJournals(table: Table, sysId: string, journals: Row, userName: string): void {
    const journalTable = tables.get('sys_journal_field');
    if (journalTable === undefined) return;
    for (const [element, value] of Object.entries(journals)) {
      records.add(journalTable, { name: table.name, element, element_id: sysId, value }, userName);
    }
  }

  const initialValues = (table: Table): Row =>
    Object.fromEntries(
      [...table.fields].flatMap(([name, field]) => (field.type === 'journal' ? [] : [[name, field.initial ?? '']])),
    );

  const records: Records = {
    create(table, input, context) {
      const { fields, journals } = accepted(table, input, context);
      const initial = initialValues(table);
      const ruled =
        table.name === 'incident'
          ? applyIncidentRules(initial, fields, { now: now(), userSysId: context.userSysId, isNew: true })
          : { ok: true as const, changes: fields };
      if (!ruled.ok) return ruled;
      return store.atomically(() => {
        const numbered: Row = table.numbered === undefined ? {} : { number: store.nextNumber(table) };
        const row = records.add(table, { ...initial, ...ruled.changes, ...numbered }, context.userName);
        addJournals(table, row['sys_id'] ?? '', journals, context.userName);
        return { ok: true, row };
      });
    },
    update(table, before, input, context) {
      const { fields, journals } = accepted(table, input, context);
      const ruled =
        table.name === 'incident'
          ? applyIncidentRules(before, fields, { now: now(), userSysId: context.userSysId, isNew: false })
          : { ok: true as const, changes: fields };
      if (!ruled.ok) return ruled;
      const changes = Object.fromEntries(
        Object.entries(ruled.changes).filter(([name, value]) => before[name] !== value),
      );
      if (Object.keys(changes).length === 0 && Object.keys(journals).length === 0) return { ok: true, row: before };
      changes['sys_mod_count'] = String(Number(before['sys_mod_count'] ?? '0') + 1);
      changes['sys_updated_on'] = now();
      changes['sys_updated_by'] = context.userName;
      return store.atomically(() => {
        store.update(table, before['sys_id'] ?? '', changes);
        addAudit(table, before, changes, context.userName);
        addJournals(table, before['sys_id'] ?? '', journals, context.userName);
        return { ok: true, row: { ...before, ...changes } };
      });
    },
    add(table, fields, userName) {
      const at = now();
      const row: Row = {
        ...initialValues(table),
        ...fields,
        sys_id: newId(),
        sys_created_on: at,
        sys_created_by: userName,
        sys_updated_on: at,
        sys_updated_by: userName,
        sys_mod_count: '0',
      };
      store.insert(table, row);
      return row;
    },
  };
  return records;
}

/** Cut by characters, as the database counts them, so that none is torn. */
function cut(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : [...text].slice(0, maxLength).join('');
}
