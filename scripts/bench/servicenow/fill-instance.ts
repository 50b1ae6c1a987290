import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { seededRandom } from '../../../device/platform/random.ts';
import { createChoices } from '../../../device/simulation/servicenow/choices.ts';
import { openRecordStore } from '../../../device/simulation/servicenow/record-store.ts';
import { createRecords } from '../../../device/simulation/servicenow/records.ts';
import { seedInstance } from '../../../device/simulation/servicenow/seed.ts';
import { type Row, type Table, tables } from '../../../device/simulation/servicenow/tables.ts';

const firstMs = Date.parse('2025-03-01T00:00:00Z');
/** Incidents lie this far apart: 100,000 of them fill a year. */
const apartMs = 315_000;
const metrics = ['temperature', 'humidity'];
const rules = ['upper', 'no-data', 'stuck'];

/** The key of the incident at `index`: 500 devices at 20 sites, each with a few rules. */
export function correlationIdOf(index: number): string {
  const device = index % 500;
  return `site-${device % 20}/device-${device}/${metrics[index % 2]}/${rules[index % 3]}`;
}

/** Writes `count` incidents of a year, one in ten of them open, by the instance's own rules, into the data of a folder. */
export function fillInstance(dataDir: string, count: number): void {
  const store = openRecordStore(join(dataDir, 'servicenow.db'));
  // Nothing of it needs to survive a power loss.
  store.db.exec('PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 20000');
  const random = seededRandom(1);
  let wallMs = firstMs;
  const clock = { wallMs: () => wallMs, monotonicMs: () => wallMs };
  const newId = () => randomUUID().replaceAll('-', '');
  const records = createRecords({ store, choices: createChoices(store), clock, newId });
  seedInstance(store, records);
  const incident = table('incident');
  const [groups, items, users] = ['sys_user_group', 'cmdb_ci', 'sys_user'].map((name) =>
    store.select(table(name), { where: '1', orderBy: 't.seq', values: [] }, { limit: 100, offset: 0 }),
  );
  const one = (rows: readonly Row[] | undefined) => rows?.[Math.floor(random() * rows.length)]?.['sys_id'] ?? '';
  const context = { userName: 'greengrass', userSysId: '', inputIsDisplayValue: false };
  for (let index = 0; index < count; index += 1) {
    wallMs += apartMs;
    records.create(
      incident,
      {
        short_description: `[HIGH] device-${index % 500} temperature ${(30 + random() * 10).toFixed(1)} °C, above 30 °C`,
        description: 'A cold room is warmer than its limit. '.repeat(10),
        correlation_id: correlationIdOf(index),
        correlation_display: newId(),
        contact_type: 'monitoring',
        category: ['hardware', 'software', 'network'][index % 3] ?? '',
        impact: String(1 + Math.floor(random() * 3)),
        urgency: String(1 + Math.floor(random() * 3)),
        assignment_group: one(groups),
        assigned_to: random() < 0.5 ? one(users) : '',
        cmdb_ci: one(items),
        ...endOf(random()),
      },
      context,
    );
  }
  store.close();
}

function endOf(chance: number): Row {
  if (chance < 0.05) return { state: '1' };
  if (chance < 0.08) return { state: '2' };
  if (chance < 0.1) return { state: '3', hold_reason: '1' };
  const closed = { close_code: 'Solution provided', close_notes: 'Back below its limit.' };
  return { state: chance < 0.15 ? '6' : '7', ...closed };
}

function table(name: string): Table {
  const found = tables.get(name);
  if (found === undefined) throw new Error(`no table ${name}`);
  return found;
}
