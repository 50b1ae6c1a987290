import type { RecordStore } from './record-store.ts';
import type { Records } from './records.ts';
import { type Row, type Table, tables } from './tables.ts';

type Labels = Readonly<Record<string, string>>;

const severities: Labels = { '1': '1 - High', '2': '2 - Medium', '3': '3 - Low' };
const states: Labels = {
  '1': 'New',
  '2': 'In Progress',
  '3': 'On Hold',
  '6': 'Resolved',
  '7': 'Closed',
  '8': 'Canceled',
};
const sameAsLabel = (...labels: string[]): Labels => Object.fromEntries(labels.map((label) => [label, label]));

/** Choices of a stock instance: table, field, value → label. */
const choices: readonly (readonly [string, string, Labels])[] = [
  ['incident', 'state', states],
  ['incident', 'incident_state', states],
  [
    'incident',
    'hold_reason',
    { '1': 'Awaiting Caller', '5': 'Awaiting Change', '3': 'Awaiting Problem', '4': 'Awaiting Vendor' },
  ],
  ['incident', 'impact', severities],
  ['incident', 'urgency', severities],
  ['incident', 'severity', severities],
  [
    'incident',
    'priority',
    { '1': '1 - Critical', '2': '2 - High', '3': '3 - Moderate', '4': '4 - Low', '5': '5 - Planning' },
  ],
  [
    'incident',
    'category',
    { inquiry: 'Inquiry / Help', software: 'Software', hardware: 'Hardware', network: 'Network', database: 'Database' },
  ],
  [
    'incident',
    'subcategory',
    { cpu: 'CPU', disk: 'Disk', memory: 'Memory', monitor: 'Monitor', dns: 'DNS', email: 'Email' },
  ],
  [
    'incident',
    'contact_type',
    { email: 'Email', monitoring: 'Monitoring', phone: 'Phone', 'self-service': 'Self-service', 'walk-in': 'Walk-in' },
  ],
  [
    'incident',
    'close_code',
    sameAsLabel(
      'Duplicate',
      'Known error',
      'Resolved by caller',
      'Resolved by change',
      'Resolved by problem',
      'Solution provided',
      'Workaround provided',
      'User error',
    ),
  ],
  ['cmdb_ci', 'install_status', { '1': 'Installed', '3': 'In Maintenance', '7': 'Retired' }],
  ['cmdb_ci', 'operational_status', { '1': 'Operational', '2': 'Non-Operational', '6': 'Retired' }],
];

const people: readonly Row[] = [
  {
    user_name: 'beth.anglin',
    first_name: 'Beth',
    last_name: 'Anglin',
    name: 'Beth Anglin',
    email: 'beth.anglin@example.com',
  },
  {
    user_name: 'fred.luddy',
    first_name: 'Fred',
    last_name: 'Luddy',
    name: 'Fred Luddy',
    email: 'fred.luddy@example.com',
  },
];

const groups: readonly Row[] = [
  { name: 'Service Desk', description: 'First line' },
  { name: 'Hardware', description: 'Devices and their sensors' },
  { name: 'Facilities', description: 'Rooms, cooling and power' },
  { name: 'Network', description: 'Connectivity of sites' },
];

const items: readonly Row[] = [
  { name: 'IoT-blog_Core', short_description: 'Raspberry Pi with a Sense HAT', serial_number: 'RPI-0001' },
  { name: 'freezer-07', short_description: 'Freezer with a temperature probe', serial_number: 'FRZ-0007' },
];

/** The account whose user record carries the name; the person behind the API's user. */
export function userRecord(userName: string): Row {
  return userName === 'admin'
    ? {
        user_name: 'admin',
        first_name: 'System',
        last_name: 'Administrator',
        name: 'System Administrator',
        email: 'admin@example.com',
      }
    : { user_name: userName, name: userName };
}

function table(name: string): Table {
  const found = tables.get(name);
  if (found === undefined) throw new Error(`no table ${name}`);
  return found;
}

/** Writes the choices, people, groups and items that an instance has before its first incident, once. */
export function seedInstance(store: RecordStore, records: Records): void {
  const choiceTable = table('sys_choice');
  if (store.findBy(choiceTable, 'name', 'incident') !== undefined) return;
  store.atomically(() => {
    for (const [name, element, labels] of choices) {
      for (const [sequence, [value, label]] of Object.entries(labels).entries()) {
        records.add(choiceTable, { name, element, value, label, sequence: String(sequence) }, 'system');
      }
    }
    for (const person of people) records.add(table('sys_user'), person, 'system');
    for (const group of groups) records.add(table('sys_user_group'), group, 'system');
    for (const item of items) records.add(table('cmdb_ci'), item, 'system');
  });
}

const demoIncidents: readonly Row[] = [
  {
    short_description: 'Printer on floor 2 jams',
    category: 'hardware',
    impact: '3',
    urgency: '2',
    assignment_group: 'Hardware',
  },
  {
    short_description: 'VPN drops every hour',
    category: 'network',
    impact: '2',
    urgency: '2',
    assignment_group: 'Network',
    state: '2',
  },
  {
    short_description: 'Cold room door left open overnight',
    category: 'hardware',
    impact: '2',
    urgency: '1',
    assignment_group: 'Facilities',
    state: '3',
    work_notes: 'Waiting for the door contact.',
  },
  {
    short_description: 'Cannot open the shared mailbox',
    category: 'software',
    state: '6',
    close_code: 'Solution provided',
    close_notes: 'Access given.',
    assignment_group: 'Service Desk',
  },
];

/** A few incidents of other people's work, so that a page is not empty. */
export function seedDemo(store: RecordStore, records: Records): void {
  const incident = table('incident');
  const [author] = people;
  const userSysId = store.findBy(table('sys_user'), 'user_name', author?.['user_name'] ?? '')?.['sys_id'] ?? '';
  if (store.findBy(incident, 'short_description', demoIncidents[0]?.['short_description'] ?? '') !== undefined) return;
  for (const one of demoIncidents) {
    records.create(
      incident,
      { caller_id: userSysId, ...one },
      { userName: 'beth.anglin', userSysId, inputIsDisplayValue: false },
    );
  }
}
