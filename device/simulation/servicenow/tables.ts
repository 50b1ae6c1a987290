/**
 * The tables of the local ServiceNow: what a field is called, what it holds and how long it may be. The SQL schema, the
 * encoded query, reading and writing are all driven by these definitions, so a new field or table is added here alone.
 */
type FieldType = 'string' | 'integer' | 'boolean' | 'date-time' | 'reference' | 'journal';

export interface Field {
  readonly type: FieldType;
  readonly label: string;
  /** Longer values are cut without an error, as an instance does. */
  readonly maxLength?: number;
  /** Table that a reference points to. */
  readonly references?: string;
  /** The values have labels in `sys_choice`. */
  readonly choice?: true;
  /** Kept by the instance; what a client sends is ignored. */
  readonly readOnly?: true;
  readonly initial?: string;
}

export interface Table {
  readonly name: string;
  readonly label: string;
  /** Field that stands for the record where another one refers to it. */
  readonly display: string;
  readonly fields: ReadonlyMap<string, Field>;
  readonly indexed: readonly string[];
  /** `instance`: only the instance itself writes it. */
  readonly writtenBy: 'clients' | 'instance';
  /** Numbers are given out as prefix and seven digits. */
  readonly numbered?: { readonly prefix: string; readonly first: number };
}

/** A stored record: every field but the journals, as the text that ServiceNow gives for its value. */
export type Row = Record<string, string>;

type Traits = Partial<Omit<Field, 'type' | 'label'>>;
const text = (label: string, maxLength = 40, traits: Traits = {}): Field => ({
  type: 'string',
  label,
  maxLength,
  ...traits,
});
const integer = (label: string, traits: Traits = {}): Field => ({ type: 'integer', label, ...traits });
const bool = (label: string, initial: 'true' | 'false', traits: Traits = {}): Field => ({
  type: 'boolean',
  label,
  initial,
  ...traits,
});
const instant = (label: string, traits: Traits = {}): Field => ({ type: 'date-time', label, ...traits });
const reference = (label: string, references: string, traits: Traits = {}): Field => ({
  type: 'reference',
  label,
  references,
  maxLength: 32,
  ...traits,
});
const journal = (label: string): Field => ({ type: 'journal', label });
const kept: Traits = { readOnly: true };
const choice: Traits = { choice: true };

const systemFields: Record<string, Field> = {
  sys_id: text('Sys ID', 32, kept),
  sys_created_on: instant('Created', kept),
  sys_created_by: text('Created by', 40, kept),
  sys_updated_on: instant('Updated', kept),
  sys_updated_by: text('Updated by', 40, kept),
  sys_mod_count: integer('Updates', { ...kept, initial: '0' }),
  sys_tags: text('Tags', 40, kept),
};

function table(definition: Omit<Table, 'fields'> & { fields: Record<string, Field> }): Table {
  return { ...definition, fields: new Map(Object.entries({ ...definition.fields, ...systemFields })) };
}

const incident = table({
  name: 'incident',
  label: 'Incident',
  display: 'number',
  // What lists are filtered and sorted by. A sort without an index reads all rows; with one, the page.
  indexed: [
    'correlation_id',
    'number',
    'state',
    'active',
    'priority',
    'category',
    'assignment_group',
    'assigned_to',
    'opened_at',
    'sys_created_on',
    'sys_updated_on',
  ],
  writtenBy: 'clients',
  numbered: { prefix: 'INC', first: 10_001 },
  fields: {
    number: text('Number', 40, kept),
    short_description: text('Short description', 160),
    description: text('Description', 4_000),
    state: integer('State', { ...choice, initial: '1' }),
    incident_state: integer('Incident state', { ...choice, initial: '1' }),
    hold_reason: integer('On hold reason', choice),
    active: bool('Active', 'true'),
    impact: integer('Impact', { ...choice, initial: '3' }),
    urgency: integer('Urgency', { ...choice, initial: '3' }),
    priority: integer('Priority', { ...choice, ...kept, initial: '5' }),
    severity: integer('Severity', { ...choice, initial: '3' }),
    category: text('Category', 40, { ...choice, initial: 'inquiry' }),
    subcategory: text('Subcategory', 40, choice),
    contact_type: text('Channel', 40, choice),
    caller_id: reference('Caller', 'sys_user'),
    opened_by: reference('Opened by', 'sys_user'),
    assigned_to: reference('Assigned to', 'sys_user'),
    assignment_group: reference('Assignment group', 'sys_user_group'),
    resolved_by: reference('Resolved by', 'sys_user'),
    closed_by: reference('Closed by', 'sys_user'),
    cmdb_ci: reference('Configuration item', 'cmdb_ci'),
    parent_incident: reference('Parent Incident', 'incident'),
    opened_at: instant('Opened'),
    resolved_at: instant('Resolved'),
    closed_at: instant('Closed'),
    due_date: instant('Due date'),
    correlation_id: text('Correlation ID', 100),
    correlation_display: text('Correlation display', 100),
    close_code: text('Resolution code', 40, choice),
    close_notes: text('Resolution notes', 4_000),
    reopen_count: integer('Reopen count', { ...kept, initial: '0' }),
    reassignment_count: integer('Reassignment count', { ...kept, initial: '0' }),
    escalation: integer('Escalation', { initial: '0' }),
    location: text('Location', 100),
    work_notes: journal('Work notes'),
    comments: journal('Additional comments'),
    sys_class_name: text('Task type', 80, { ...kept, initial: 'incident' }),
    sys_domain: text('Domain', 40, { ...kept, initial: 'global' }),
  },
});

const user = table({
  name: 'sys_user',
  label: 'User',
  display: 'name',
  indexed: ['user_name', 'name'],
  writtenBy: 'clients',
  fields: {
    user_name: text('User ID', 40),
    name: text('Name', 151),
    first_name: text('First name', 50),
    last_name: text('Last name', 50),
    email: text('Email', 100),
    title: text('Title', 60),
    phone: text('Business phone', 40),
    active: bool('Active', 'true'),
  },
});

const group = table({
  name: 'sys_user_group',
  label: 'Group',
  display: 'name',
  indexed: ['name'],
  writtenBy: 'clients',
  fields: {
    name: text('Name', 80),
    description: text('Description', 1_000),
    email: text('Group email', 100),
    manager: reference('Manager', 'sys_user'),
    active: bool('Active', 'true'),
  },
});

const configurationItem = table({
  name: 'cmdb_ci',
  label: 'Configuration Item',
  display: 'name',
  indexed: ['name'],
  writtenBy: 'clients',
  fields: {
    name: text('Name', 255),
    short_description: text('Description', 1_000),
    serial_number: text('Serial number', 255),
    asset_tag: text('Asset tag', 40),
    location: text('Location', 100),
    ip_address: text('IP Address', 255),
    sys_class_name: text('Class', 80, { initial: 'cmdb_ci' }),
    install_status: integer('Status', { ...choice, initial: '1' }),
    operational_status: integer('Operational status', { ...choice, initial: '1' }),
    assigned_to: reference('Assigned to', 'sys_user'),
    support_group: reference('Support group', 'sys_user_group'),
  },
});

const choiceTable = table({
  name: 'sys_choice',
  label: 'Choice',
  display: 'label',
  indexed: ['name'],
  writtenBy: 'clients',
  fields: {
    name: text('Table', 80),
    element: text('Element', 80),
    value: text('Value', 255),
    label: text('Label', 255),
    sequence: integer('Sequence', { initial: '0' }),
    language: text('Language', 3, { initial: 'en' }),
    inactive: bool('Inactive', 'false'),
  },
});

const journalField = table({
  name: 'sys_journal_field',
  label: 'Journal Entry',
  display: 'element',
  indexed: ['element_id'],
  writtenBy: 'instance',
  fields: {
    name: text('Name', 80),
    element: text('Element', 80),
    element_id: text('Element ID', 32),
    value: text('Value', 10_485_760),
  },
});

const attachment = table({
  name: 'sys_attachment',
  label: 'Attachment',
  display: 'file_name',
  indexed: ['table_sys_id'],
  writtenBy: 'instance',
  fields: {
    file_name: text('File name', 100),
    content_type: text('Content type', 255),
    table_name: text('Table name', 80),
    table_sys_id: text('Table sys ID', 80),
    size_bytes: integer('Size bytes', { initial: '0' }),
    size_compressed: integer('Size compressed', { initial: '0' }),
    compressed: bool('Compressed', 'false'),
    hash: text('Hash', 64),
    state: text('State', 40, { initial: 'available' }),
  },
});

/** Who changed which field of an incident from what to what, and when (`sys_created_on`). */
const audit = table({
  name: 'sys_audit',
  label: 'Audit',
  display: 'fieldname',
  indexed: ['documentkey'],
  writtenBy: 'instance',
  fields: {
    tablename: text('Table name', 80),
    documentkey: text('Document key', 32),
    fieldname: text('Field name', 80),
    oldvalue: text('Old value', 4_000),
    newvalue: text('New value', 4_000),
    user: text('User', 40),
    record_checkpoint: integer('Update count', { initial: '0' }),
  },
});

const groupMember = table({
  name: 'sys_user_grmember',
  label: 'Group Member',
  display: 'user',
  indexed: ['group', 'user'],
  writtenBy: 'clients',
  fields: {
    group: reference('Group', 'sys_user_group'),
    user: reference('User', 'sys_user'),
  },
});

const property = table({
  name: 'sys_properties',
  label: 'System Property',
  display: 'name',
  indexed: ['name'],
  writtenBy: 'clients',
  fields: {
    name: text('Name', 100),
    value: text('Value', 4_000),
    type: text('Type', 40, { initial: 'string' }),
    description: text('Description', 512),
  },
});

const definitions = [
  incident,
  user,
  group,
  groupMember,
  configurationItem,
  choiceTable,
  property,
  journalField,
  attachment,
  audit,
];

export const tables: ReadonlyMap<string, Table> = new Map(definitions.map((one) => [one.name, one]));

/** The instance's form of an instant: `yyyy-MM-dd HH:mm:ss`, UTC, whole seconds. */
export function instanceTime(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 19).replace('T', ' ');
}
