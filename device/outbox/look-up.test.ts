import { expect, test } from 'vitest';
import type { IncidentRow } from '../incident/destination.ts';
import { judge } from './look-up.ts';

const row = (sysId: string, correlationId: string): IncidentRow => ({
  sysId,
  correlationId,
  number: sysId,
  state: 'new',
  openedBy: '',
  workNotes: '',
  description: '',
  closeNotes: '',
  urgency: '2',
  assignedTo: '',
  assignmentGroup: '',
  createdAtMs: 0,
  updatedAtMs: 0,
  updatedBy: '',
  modCount: 0,
});
const whole = (...rows: IncidentRow[]) => ({ rows, complete: true });
const asked = { correlationIds: ['k1', 'k2'], expected: [], known: ['w1'] };

test('rows are handed to their keys', () => {
  const result = judge(asked, whole(row('a', 'k1'), row('b', 'k2'), row('c', 'k2')));
  expect(result.outcome === 'believed' && result.rows.get('k2')?.map((one) => one.sysId)).toEqual(['b', 'c']);
});

test('a row that was not asked for fails the look-up: the instance dropped a part of the query', () => {
  expect(judge(asked, whole(row('a', 'k1'), row('x', 'other'))).outcome).toBe('mismatch');
});

test('absence counts only beside a row that is known to exist', () => {
  expect(judge(asked, whole()).outcome).toBe('blind');
  expect(judge(asked, whole(row('a', 'k1'))).outcome).toBe('blind');
  expect(judge(asked, whole(row('w1', 'elsewhere'))).outcome).toBe('believed');
  expect(judge(asked, whole(row('a', 'k1'), row('b', 'k2'))).outcome).toBe('believed');
});

test('an incident that a key is known to have is missed like an empty answer', () => {
  const expecting = { ...asked, expected: ['gone'] };
  expect(judge(expecting, whole(row('a', 'k1'), row('b', 'k2'))).outcome).toBe('blind');
  expect(judge(expecting, whole(row('a', 'k1'), row('b', 'k2'), row('w1', 'elsewhere'))).outcome).toBe('believed');
});

test('a person’s word that the known incidents are gone counts for those that keys expect, too', () => {
  const trusted = { ...asked, known: [], expected: ['gone'] };
  expect(judge(trusted, whole(row('a', 'k1'), row('b', 'k2'))).outcome).toBe('believed');
});

test('before the first create there is no row to be seen', () => {
  expect(judge({ ...asked, known: [] }, whole()).outcome).toBe('believed');
});

test('a page that was full is asked again key by key, and for one key its newest rows count', () => {
  const full = { rows: [row('a', 'k1'), row('b', 'k2')], complete: false };
  expect(judge(asked, full).outcome).toBe('truncated');
  expect(judge({ ...asked, correlationIds: ['k1'] }, { rows: [row('a', 'k1')], complete: false }).outcome).toBe(
    'believed',
  );
});
