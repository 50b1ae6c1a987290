import { parseInstanceTime } from '../shared/time-text.ts';
import { fieldOf, type Row } from './instance-api.ts';

/** Something that happened to an incident. */
export type Activity = { key: string; atMs: number | undefined; author: string } & (
  | { kind: 'work-note' | 'comment'; text: string }
  | { kind: 'changes'; changes: readonly Change[] }
  | { kind: 'attachment'; sysId: string; fileName: string; sizeBytes: number; isImage: boolean }
  | { kind: 'opened' }
);

export interface Change {
  label: string;
  from: string;
  to: string;
}

export interface ActivitySources {
  incident: Row;
  /** Of `sys_journal_field`, `sys_audit` and `sys_attachment`, each newest first. */
  journal: readonly Row[];
  audit: readonly Row[];
  attachments: readonly Row[];
}

export interface ActivityLabels {
  /** Undefined for fields whose changes are not told. */
  field: (name: string) => string | undefined;
  value: (field: string, value: string) => string;
  /** Name of a person by user name. */
  person: (userName: string) => string;
}

const imageTypes = /^image\/(png|jpeg|gif|webp|svg\+xml)(;|$)/;

/** All that happened, newest first. Field changes of one write are one entry. */
export function activitiesOf(
  { incident, journal, audit, attachments }: ActivitySources,
  labels: ActivityLabels,
): Activity[] {
  const head = (row: Row) => ({
    key: fieldOf(row, 'sys_id').value,
    atMs: parseInstanceTime(fieldOf(row, 'sys_created_on').value),
    author: labels.person(fieldOf(row, 'sys_created_by').value),
  });
  const notes = journal.map((row): Activity => {
    const kind = fieldOf(row, 'element').value === 'comments' ? 'comment' : 'work-note';
    return { ...head(row), kind, text: fieldOf(row, 'value').value };
  });
  const files = attachments.map(
    (row): Activity => ({
      ...head(row),
      kind: 'attachment',
      sysId: fieldOf(row, 'sys_id').value,
      fileName: fieldOf(row, 'file_name').value,
      sizeBytes: Number(fieldOf(row, 'size_bytes').value),
      isImage: imageTypes.test(fieldOf(row, 'content_type').value),
    }),
  );
  const opened: Activity = { ...head(incident), kind: 'opened' };
  // Sorting is stable, so what one second holds stays in its order; what opened it is last of all.
  return [...[...notes, ...files, ...changesOf(audit, labels, head)].sort(newestFirst), opened];
}

const newestFirst = (one: Activity, other: Activity) => (other.atMs ?? 0) - (one.atMs ?? 0);

function changesOf(
  audit: readonly Row[],
  labels: ActivityLabels,
  head: (row: Row) => Pick<Activity, 'key' | 'atMs' | 'author'>,
): Activity[] {
  const writes = new Map<string, Row[]>();
  for (const row of audit) {
    const write = fieldOf(row, 'record_checkpoint').value;
    writes.set(write, [...(writes.get(write) ?? []), row]);
  }
  return [...writes.values()].flatMap((rows): Activity[] => {
    const [first] = rows;
    const changes = rows.toReversed().flatMap((row): Change[] => {
      const name = fieldOf(row, 'fieldname').value;
      const label = labels.field(name);
      if (label === undefined) return [];
      const shown = (field: string) => labels.value(name, fieldOf(row, field).value);
      return [{ label, from: shown('oldvalue'), to: shown('newvalue') }];
    });
    return first === undefined || changes.length === 0 ? [] : [{ ...head(first), kind: 'changes', changes }];
  });
}
