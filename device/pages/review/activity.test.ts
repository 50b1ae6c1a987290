import { describe, expect, test } from 'vitest';
import { actionsFor, states, takeFields } from './actions.ts';
import { activitiesOf } from './activity.ts';
import type { Row } from './instance-api.ts';

const row = (fields: Record<string, string>): Row =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, { value, display: value }]));
const at = (second: number) => `2026-03-01 10:00:0${second}`;
const by = (second: number, id: string) => ({ sys_id: id, sys_created_on: at(second), sys_created_by: 'beth' });

const labels = {
  field: (name: string) => (name === 'active' ? undefined : name),
  value: (_: string, value: string) => value.toUpperCase(),
  person: (userName: string) => (userName === 'beth' ? 'Beth Anglin' : userName),
};

describe('what happened to an incident', () => {
  const activities = activitiesOf(
    {
      incident: row({ ...by(0, 'incident'), number: 'INC1' }),
      journal: [
        row({ ...by(3, 'n2'), element: 'comments', value: 'seen' }),
        row({ ...by(1, 'n1'), element: 'work_notes', value: 'new' }),
      ],
      audit: [
        row({ ...by(2, 'c3'), record_checkpoint: '2', fieldname: 'active', oldvalue: 'true', newvalue: 'false' }),
        row({ ...by(1, 'c2'), record_checkpoint: '1', fieldname: 'assigned_to', oldvalue: '', newvalue: 'beth' }),
        row({ ...by(1, 'c1'), record_checkpoint: '1', fieldname: 'state', oldvalue: 'a', newvalue: 'b' }),
      ],
      attachments: [row({ ...by(2, 'f1'), file_name: 'chart.png', content_type: 'image/png', size_bytes: '12' })],
    },
    labels,
  );

  test('is told newest first, and ends with its opening', () => {
    expect(activities.map(({ kind, key }) => `${kind} ${key}`)).toEqual([
      'comment n2',
      'attachment f1',
      'work-note n1',
      'changes c2',
      'opened incident',
    ]);
  });

  test('has the changes of one write together, in words, without those that nobody asks for', () => {
    expect(activities.find(({ kind }) => kind === 'changes')).toMatchObject({
      author: 'Beth Anglin',
      changes: [
        { label: 'state', from: 'A', to: 'B' },
        { label: 'assigned_to', from: '', to: 'BETH' },
      ],
    });
  });

  test('shows pictures, and no other file, inline', () => {
    const isImage = (content_type: string) => {
      const attachments = [row({ ...by(1, 'f'), file_name: 'f', content_type, size_bytes: '1' })];
      const [file] = activitiesOf({ incident: row(by(0, 'i')), journal: [], audit: [], attachments }, labels);
      return file?.kind === 'attachment' && file.isImage;
    };
    expect(['image/png', 'image/jpeg', 'text/html', 'image/png-not', 'application/pdf'].map(isImage)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});

describe('what may be done with an incident', () => {
  test.each([
    [states.new, '', ['take', 'assign', 'hold', 'resolve', 'cancel']],
    [states.new, 'me', ['take', 'assign', 'hold', 'resolve', 'cancel']],
    [states.inProgress, 'me', ['assign', 'hold', 'resolve', 'cancel']],
    [states.inProgress, 'you', ['take', 'assign', 'hold', 'resolve', 'cancel']],
    [states.onHold, 'me', ['assign', 'resume', 'resolve', 'cancel']],
    [states.resolved, 'me', ['reopen']],
    [states.closed, 'me', []],
    [states.canceled, 'me', []],
  ])('in state %s, assigned to "%s"', (state, assigned_to, actions) => {
    expect(actionsFor(row({ state, assigned_to }), 'me')).toEqual(actions);
  });

  test('taking begins work on what is new, and leaves on hold what is on hold', () => {
    expect(takeFields(row({ state: states.new }), 'me')).toEqual({ assigned_to: 'me', state: states.inProgress });
    expect(takeFields(row({ state: states.onHold }), 'me')).toEqual({ assigned_to: 'me' });
  });
});
