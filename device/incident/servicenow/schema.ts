import { z } from 'zod';
import type { IncidentRow, IncidentState } from '../destination.ts';

/** Table fields that an incident is read by, besides the one for the occurrence. */
export const readFields = [
  'sys_id',
  'number',
  'state',
  'correlation_id',
  'work_notes',
  'description',
  'close_notes',
  'urgency',
  'assigned_to',
  'assignment_group',
  'sys_created_on',
  'sys_updated_on',
  'sys_updated_by',
  'sys_mod_count',
] as const;

const nothing = { value: '', display: '' };

/**
 * A field as `sysparm_display_value=all` gives it; an empty reference may come as a bare text. By hand: a record has
 * fifteen of them, and a schema takes longer for one than for all the rest.
 */
function cellOf(field: unknown): typeof nothing | undefined {
  if (field === undefined) return nothing;
  if (typeof field === 'string') return { value: field, display: field };
  if (typeof field !== 'object' || field === null) return undefined;
  const value = 'value' in field ? (field.value ?? '') : '';
  const display = 'display_value' in field ? (field.display_value ?? '') : '';
  return typeof value === 'string' && typeof display === 'string' ? { value, display } : undefined;
}

const cells = z.record(z.string(), z.unknown());

/** `yyyy-MM-dd HH:mm:ss`, which in a field's value is UTC. */
const instant = z
  .string()
  .regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/)
  .transform((text) => Date.parse(`${text.replace(' ', 'T')}Z`));

export const sysId = z.string().regex(/^[0-9a-f]{32}$/);

const states: Readonly<Record<string, IncidentState>> = {
  '1': 'new',
  '2': 'in-progress',
  '3': 'on-hold',
  '6': 'resolved',
  '7': 'closed',
  '8': 'canceled',
};

/** Choice value of a state. */
export const stateValues = {
  new: '1',
  'in-progress': '2',
  'on-hold': '3',
  resolved: '6',
  closed: '7',
  canceled: '8',
} as const satisfies Record<IncidentState, string>;

const number = z.string().min(1);
const count = z.string().regex(/^\d+$/).transform(Number);

/** A state that an instance has added counts as on hold: it gets notes, and its state is left to people. */
const state = z
  .string()
  .regex(/^-?\d+$/)
  .transform((value): IncidentState => states[value] ?? 'on-hold');

/** One record of the incident table. `occurrenceField` is the field of configuration that holds the occurrence. */
function incidentRecord(occurrenceField: string) {
  return cells.transform((record, context): IncidentRow => {
    const malformed = (name: string) => {
      context.issues.push({ code: 'custom', input: undefined, message: `field ${name} is missing or malformed` });
    };
    const found = (name: string) => {
      const cell = cellOf(record[name]);
      if (cell === undefined) malformed(name);
      return cell ?? nothing;
    };
    const strict = <T>(name: string, schema: z.ZodType<T, string>): T => {
      const parsed = schema.safeParse(found(name).value);
      if (parsed.success) return parsed.data;
      malformed(name);
      return z.NEVER;
    };
    return {
      sysId: strict('sys_id', sysId),
      number: strict('number', number),
      state: strict('state', state),
      correlationId: found('correlation_id').value,
      openedBy: found(occurrenceField).value,
      workNotes: found('work_notes').display,
      description: found('description').value,
      closeNotes: found('close_notes').value,
      urgency: found('urgency').value,
      assignedTo: found('assigned_to').display,
      assignmentGroup: found('assignment_group').display,
      createdAtMs: strict('sys_created_on', instant),
      updatedAtMs: strict('sys_updated_on', instant),
      updatedBy: found('sys_updated_by').value,
      modCount: strict('sys_mod_count', count),
    };
  });
}

/** What a write of an incident answers. */
export function incidentAnswer(occurrenceField: string) {
  return z.object({ result: incidentRecord(occurrenceField) }).transform((answer) => answer.result);
}

/** What a list of incidents answers. */
export function incidentListAnswer(occurrenceField: string) {
  return z.object({ result: z.array(incidentRecord(occurrenceField)) }).transform((answer) => answer.result);
}

/** Attachment records of one incident, as a list answers them. */
export const attachmentList = z.object({
  result: z.array(z.object({ file_name: z.string(), table_sys_id: z.string() })),
});

export const attachmentCreated = z.object({ result: z.object({ sys_id: sysId }) });

export const tokenAnswer = z.object({
  access_token: z.string().min(1),
  refresh_token: z.string().min(1).optional(),
  expires_in: z.coerce.number().min(0),
});
