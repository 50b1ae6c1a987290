import { fieldOf, type InstanceApi, type Row } from './instance-api.ts';

export interface Option {
  value: string;
  label: string;
}

/** How the instance calls fields, choices, people, groups and items. */
export interface Dictionary {
  /** What a field may hold, where that is a list. */
  options: (field: string) => readonly Option[];
  fieldLabel: (field: string) => string;
  /** The value itself where nothing is known of it. */
  valueLabel: (field: string, value: string) => string;
  personName: (userName: string) => string;
}

export const fieldLabels: Readonly<Record<string, string>> = {
  number: 'Number',
  opened_at: 'Opened',
  short_description: 'Short description',
  description: 'Description',
  priority: 'Priority',
  state: 'State',
  active: 'Active',
  category: 'Category',
  subcategory: 'Subcategory',
  assignment_group: 'Assignment group',
  assigned_to: 'Assigned to',
  sys_updated_on: 'Updated',
  sys_created_on: 'Created',
  caller_id: 'Caller',
  cmdb_ci: 'Configuration item',
  contact_type: 'Channel',
  impact: 'Impact',
  urgency: 'Urgency',
  hold_reason: 'On hold reason',
  close_code: 'Resolution code',
  close_notes: 'Resolution notes',
  parent_incident: 'Parent incident',
  correlation_id: 'Correlation ID',
  correlation_display: 'Correlation display',
  resolved_at: 'Resolved',
  resolved_by: 'Resolved by',
  closed_at: 'Closed',
  closed_by: 'Closed by',
  reopen_count: 'Reopen count',
};

/** Table behind each field that refers to a record. */
const referenced: Readonly<Record<string, keyof Records>> = {
  assigned_to: 'people',
  caller_id: 'people',
  opened_by: 'people',
  resolved_by: 'people',
  closed_by: 'people',
  assignment_group: 'groups',
  cmdb_ci: 'items',
};

interface Records {
  choices: readonly Row[];
  people: readonly Row[];
  groups: readonly Row[];
  items: readonly Row[];
}

/** Entries of a list that a person chooses from. */
const mostOptions = 1_000;

export async function loadDictionary(api: InstanceApi): Promise<Dictionary> {
  const rowsOf = async (table: string, query: string, fields: readonly string[]) => {
    const answer = await api.list(table, { query, fields, limit: mostOptions });
    return answer.ok ? answer.value.rows : [];
  };
  const [choices, people, groups, items] = await Promise.all([
    rowsOf('sys_choice', 'name=incident^inactive=false^ORDERBYsequence', ['element', 'value', 'label']),
    rowsOf('sys_user', 'ORDERBYname', ['sys_id', 'user_name', 'name']),
    rowsOf('sys_user_group', 'ORDERBYname', ['sys_id', 'name']),
    rowsOf('cmdb_ci', 'ORDERBYname', ['sys_id', 'name']),
  ]);
  return dictionaryOf({ choices, people, groups, items });
}

export function dictionaryOf(records: Records): Dictionary {
  const byField = new Map<string, Option[]>();
  for (const row of records.choices) {
    const field = fieldOf(row, 'element').value;
    const option = { value: fieldOf(row, 'value').value, label: fieldOf(row, 'label').value };
    byField.set(field, [...(byField.get(field) ?? []), option]);
  }
  for (const [field, table] of Object.entries(referenced)) {
    byField.set(
      field,
      records[table].map((row) => ({ value: fieldOf(row, 'sys_id').value, label: fieldOf(row, 'name').value })),
    );
  }
  const names = new Map(records.people.map((row) => [fieldOf(row, 'user_name').value, fieldOf(row, 'name').value]));
  const options = (field: string) => byField.get(field) ?? [];
  return {
    options,
    fieldLabel: (field) => fieldLabels[field] ?? field,
    valueLabel: (field, value) => options(field).find((option) => option.value === value)?.label ?? value,
    personName: (userName) => names.get(userName) ?? userName,
  };
}
