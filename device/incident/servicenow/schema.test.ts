import { describe, expect, test } from 'vitest';
import { incidentAnswer } from './schema.ts';

const both = (value: string, display = value) => ({ value, display_value: display });

const record = {
  sys_id: both('0123456789abcdef0123456789abcdef'),
  number: both('INC0010001'),
  state: both('2', 'In Progress'),
  correlation_id: both('lab/pi/temperature/upper'),
  correlation_display: both('a'.repeat(32)),
  work_notes: both('', '2026-03-01 13:00:00 - Beth (Work notes)\nhello\n\n'),
  description: both('d'),
  close_notes: both(''),
  urgency: both('2', '2 - Medium'),
  assigned_to: both('f'.repeat(32), 'Beth Anglin'),
  assignment_group: '',
  sys_created_on: both('2026-03-01 12:00:00', '2026-03-01 13:00:00'),
  sys_updated_on: both('2026-03-01 12:00:05', '2026-03-01 13:00:05'),
  sys_updated_by: both('beth'),
  sys_mod_count: both('3'),
};

const parse = (change: object) => incidentAnswer('correlation_display').safeParse({ result: { ...record, ...change } });

describe('an incident as read back', () => {
  test('takes values, and display values of notes and people; times are UTC', () => {
    expect(parse({}).data).toEqual({
      sysId: '0123456789abcdef0123456789abcdef',
      number: 'INC0010001',
      state: 'in-progress',
      correlationId: 'lab/pi/temperature/upper',
      openedBy: 'a'.repeat(32),
      workNotes: '2026-03-01 13:00:00 - Beth (Work notes)\nhello\n\n',
      description: 'd',
      closeNotes: '',
      urgency: '2',
      assignedTo: 'Beth Anglin',
      assignmentGroup: '',
      createdAtMs: Date.parse('2026-03-01T12:00:00Z'),
      updatedAtMs: Date.parse('2026-03-01T12:00:05Z'),
      updatedBy: 'beth',
      modCount: 3,
    });
  });

  test.each([
    ['1', 'new'],
    ['2', 'in-progress'],
    ['3', 'on-hold'],
    ['6', 'resolved'],
    ['7', 'closed'],
    ['8', 'canceled'],
    ['4', 'on-hold'],
    ['-5', 'on-hold'],
    ['101', 'on-hold'],
  ])('state %s is %s', (value, state) => {
    expect(parse({ state: both(value) }).data?.state).toBe(state);
  });

  test('fields that the user may not see are empty', () => {
    const { data } = parse({
      work_notes: undefined,
      correlation_id: { value: null, display_value: null },
      assigned_to: undefined,
    });
    expect(data).toMatchObject({ workNotes: '', correlationId: '', assignedTo: '' });
  });

  test.each([
    ['sys_id', 'x'],
    ['number', ''],
    ['state', ''],
    ['state', 'New'],
    ['sys_created_on', '01/03/2026'],
    ['sys_updated_on', ''],
    ['sys_mod_count', ''],
  ])('is not read with %s = %j', (field, value) => {
    const result = parse({ [field]: both(value) });
    expect(result.success).toBe(false);
    expect(result.error?.issues[0]?.message).toBe(`field ${field} is missing or malformed`);
  });

  test.each([{ result: [] }, { result: null }, { result: 'x' }, {}, [], null, { result: { number: { value: 5 } } }])(
    'is not read from %j',
    (body) => {
      expect(incidentAnswer('correlation_display').safeParse(body).success).toBe(false);
    },
  );
});
