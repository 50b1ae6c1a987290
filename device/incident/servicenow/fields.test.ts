import { describe, expect, test } from 'vitest';
import { configSchema } from '../../config/schema.ts';
import type { NewIncident } from '../destination.ts';
import { fieldsOfChange, fieldsOfNew } from './fields.ts';

const mapping = (serviceNow: object = {}) => configSchema.parse({ serviceNow }).serviceNow;

const incident: NewIncident = {
  correlationId: 'lab/pi/temperature/upper',
  openedBy: 'a'.repeat(32),
  shortDescription: '[HIGH] pi',
  description: 'what happened',
  workNotes: 'first note',
  severity: 'high',
  site: 'lab',
  deviceId: 'pi',
  metric: 'temperature',
  rule: 'upper',
};

describe('fields of a new incident', () => {
  test('are the table’s names, with impact and urgency by severity', () => {
    expect(fieldsOfNew(incident, mapping())).toEqual({
      correlation_id: 'lab/pi/temperature/upper',
      correlation_display: 'a'.repeat(32),
      short_description: '[HIGH] pi',
      description: 'what happened',
      work_notes: 'first note',
      impact: '2',
      urgency: '2',
      category: 'hardware',
      contact_type: 'monitoring',
    });
  });

  test('take templates of configuration; an unknown name stays as it is', () => {
    const fields = {
      cmdb_ci: '{site}-{device}',
      u_text: '{metric} {rule} {severity} {other}',
      assignment_group: 'IoT',
    };
    expect(fieldsOfNew(incident, mapping({ fields }))).toMatchObject({
      cmdb_ci: 'lab-pi',
      u_text: 'temperature upper high {other}',
      assignment_group: 'IoT',
    });
  });

  test('a value that looks like a template is not filled again', () => {
    const fields = { cmdb_ci: '{device}' };
    expect(fieldsOfNew({ ...incident, deviceId: '{site}' }, mapping({ fields }))).toMatchObject({ cmdb_ci: '{site}' });
  });

  test('configuration cannot take the place of what incidents are told apart by', () => {
    const fields = { correlation_id: 'x', u_occurrence: 'y', short_description: 'z', impact: '1' };
    expect(fieldsOfNew(incident, mapping({ fields, occurrenceField: 'u_occurrence' }))).toMatchObject({
      correlation_id: incident.correlationId,
      u_occurrence: incident.openedBy,
      short_description: '[HIGH] pi',
      impact: '2',
    });
  });

  test('are cut where the table would cut them without a word', () => {
    const long = fieldsOfNew(
      { ...incident, shortDescription: 's'.repeat(200), description: 'd'.repeat(5_000) },
      mapping(),
    );
    expect(long['short_description']).toBe(`${'s'.repeat(159)}…`);
    expect(long['description']).toHaveLength(4_000);
  });
});

describe('fields of a change', () => {
  test.each([
    ['a note', { workNotes: 'n' }, { work_notes: 'n' }],
    ['a severity', { workNotes: 'n', severity: 'critical' as const }, { work_notes: 'n', impact: '1', urgency: '1' }],
    [
      'a resolution',
      { state: 'resolved' as const, closeCode: 'Solution provided', closeNotes: 'c' },
      { state: '6', close_code: 'Solution provided', close_notes: 'c' },
    ],
    [
      'a reopening',
      { state: 'in-progress' as const, clearClose: true, workNotes: 'n' },
      { state: '2', close_code: '', close_notes: '', work_notes: 'n' },
    ],
    ['a cancellation', { state: 'canceled' as const, workNotes: 'n' }, { state: '8', work_notes: 'n' }],
    ['texts', { shortDescription: 's', description: 'd' }, { short_description: 's', description: 'd' }],
    ['nothing', {}, {}],
  ])('%s writes nothing else', (_, change, expected) => {
    expect(fieldsOfChange(change, mapping())).toEqual(expected);
  });
});
