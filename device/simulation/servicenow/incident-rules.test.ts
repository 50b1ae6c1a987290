import { describe, expect, test } from 'vitest';
import { applyIncidentRules } from './incident-rules.ts';
import type { Row } from './tables.ts';

const context = { now: '2026-01-02 03:04:05', userSysId: 'u1', isNew: false };
const open: Row = {
  state: '1',
  incident_state: '1',
  impact: '3',
  urgency: '3',
  priority: '5',
  active: 'true',
  reopen_count: '0',
};
const closeFields = { close_code: 'Solution provided', close_notes: 'done' };

function changed(before: Row, changes: Row, isNew = false): Row {
  const result = applyIncidentRules(before, changes, { ...context, isNew });
  if (!result.ok) throw new Error(result.mandatory);
  return result.changes;
}

describe('incident rules', () => {
  test.each([
    ['1', '1', '1'],
    ['1', '2', '2'],
    ['1', '3', '3'],
    ['2', '1', '2'],
    ['2', '2', '3'],
    ['2', '3', '4'],
    ['3', '1', '3'],
    ['3', '2', '4'],
    ['3', '3', '5'],
    ['', '1', '5'],
  ])('impact %s and urgency %s make priority %s', (impact, urgency, priority) => {
    expect(changed(open, { impact, urgency })).toMatchObject({ priority });
  });

  test('state and incident_state mirror each other, whichever is written', () => {
    expect(changed(open, { state: '2' })).toMatchObject({ state: '2', incident_state: '2' });
    expect(changed(open, { incident_state: '3' })).toMatchObject({ state: '3', incident_state: '3' });
  });

  test.each([
    ['1', 'true'],
    ['2', 'true'],
    ['3', 'true'],
    ['6', 'true'],
    ['7', 'false'],
    ['8', 'false'],
  ])('state %s has active %s', (state, active) => {
    expect(changed(open, { state, ...closeFields })).toMatchObject({ active });
  });

  test.each([
    ['without close fields', {}, 'Resolution code'],
    ['without a close code', { close_notes: 'done' }, 'Resolution code'],
    ['without close notes', { close_code: 'Solution provided' }, 'Resolution notes'],
  ])('resolving %s is refused by the data policy', (_case, fields, missing) => {
    expect(applyIncidentRules(open, { state: '6', ...fields }, context)).toEqual({
      ok: false,
      mandatory: missing,
    });
  });

  test('a resolution says who and when, and keeps a time that was given', () => {
    expect(changed(open, { state: '6', ...closeFields })).toMatchObject({
      resolved_at: context.now,
      resolved_by: 'u1',
    });
    expect(changed(open, { state: '6', ...closeFields, resolved_at: '2020-01-01 00:00:00' })).toMatchObject({
      resolved_at: '2020-01-01 00:00:00',
    });
  });

  test('close fields of a resolved incident cannot be emptied, and close fields alone do not resolve', () => {
    expect(applyIncidentRules({ ...open, state: '6', ...closeFields }, { close_notes: '' }, context).ok).toBe(false);
    expect(changed(open, closeFields)).toMatchObject({ state: '1' });
  });

  test('canceling needs no close fields', () => {
    expect(changed(open, { state: '8' })).toMatchObject({ closed_at: context.now, closed_by: 'u1', active: 'false' });
  });

  test('reopening takes the resolution back, keeps its notes and is counted', () => {
    const resolved = { ...open, state: '6', ...closeFields, resolved_at: 'then', resolved_by: 'u2' };
    const changes = changed(resolved, { state: '2' });
    expect(changes).toMatchObject({ resolved_at: '', resolved_by: '', reopen_count: '1', active: 'true' });
    expect(changes).not.toHaveProperty('close_notes');
  });

  test('a new incident is opened now by its author, unless it says otherwise', () => {
    expect(changed(open, {}, true)).toMatchObject({ opened_at: context.now, opened_by: 'u1' });
    expect(changed(open, { opened_at: '2020-01-01 00:00:00' }, true)).toMatchObject({
      opened_at: '2020-01-01 00:00:00',
    });
  });

  test('another assignment group is counted', () => {
    expect(changed({ ...open, assignment_group: 'g1' }, { assignment_group: 'g2' })).toMatchObject({
      reassignment_count: '1',
    });
    expect(changed({ ...open, assignment_group: 'g1' }, { assignment_group: 'g1' })).not.toHaveProperty(
      'reassignment_count',
    );
  });
});
