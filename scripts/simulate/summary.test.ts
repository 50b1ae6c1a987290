import { expect, test } from 'vitest';
import { type SummaryInput, summaryLines, summaryOf, summarySchema } from './summary.ts';

const a = 'a'.repeat(32);
const b = 'b'.repeat(32);
const row = {
  sys_id: 'c'.repeat(32),
  number: 'INC0010001',
  state: '6',
  correlation_id: 'home/pi/humidity/upper',
  correlation_display: a,
  short_description: '',
  description: `It is humid.\n\nbreach ${a} start=2026-01-05T10:11:50.000Z end=-`,
  close_notes: `breach ${b} start=2026-01-05T11:00:00.000Z end=2026-01-05T11:05:00.000Z\n\n[${b}:6]`,
  opened_at: '2026-01-05 10:12:50',
  resolved_at: '2026-01-05 11:20:00',
  sys_created_on: '2026-01-05 10:12:50',
};
const note = `Recovered.\n\nbreach ${a} start=2026-01-05T10:11:50.000Z end=2026-01-05T10:20:00.000Z\n\n[${a}:3]`;
const anomaly = {
  id: a,
  metric: 'humidity',
  rule: 'upper' as const,
  startedAt: '2026-01-05T10:11:50.000Z',
  endedAt: null,
  peak: 51,
};
const input: SummaryInput = {
  readings: { read: 46, published: 45, failed: 1 },
  anomalies: [anomaly, { ...anomaly, endedAt: '2026-01-05T10:20:00.000Z', peak: 56 }],
  rows: [row, { ...row, sys_id: 'd'.repeat(32), number: 'INC0010002', correlation_id: '' }],
  workNotes: new Map([[row.sys_id, [note]]]),
  audit: { lost: [], duplicates: [] },
};

test('a summary has the latest of each anomaly, and of each incident its first start and its last end', () => {
  const summary = summaryOf(input);
  expect(summarySchema.parse(summary)).toEqual({
    readings: { read: 46, published: 45, failed: 1 },
    anomalies: [{ ...anomaly, endedAt: '2026-01-05T10:20:00.000Z', peak: 56 }],
    incidents: [
      {
        number: 'INC0010001',
        metric: 'humidity',
        rule: 'upper',
        state: 'Resolved',
        startedAt: '2026-01-05T10:11:50.000Z',
        endedAt: '2026-01-05T11:05:00.000Z',
        resolvedAt: '2026-01-05T11:20:00.000Z',
      },
    ],
    lost: 0,
    duplicates: 0,
  });
});

test('an incident in which one breach lasts has no end', () => {
  const [incident] = summaryOf({
    ...input,
    rows: [{ ...row, state: '2', resolved_at: '' }],
    workNotes: new Map(),
  }).incidents;
  expect(incident).toMatchObject({ state: 'In Progress', endedAt: null, resolvedAt: null });
});

test('names in a key are decoded, and what a key does not say is empty', () => {
  const of = (correlation_id: string) => summaryOf({ ...input, rows: [{ ...row, correlation_id }] }).incidents[0];
  expect(of('home/pi/soil%20moisture/lower')).toMatchObject({ metric: 'soil moisture', rule: 'lower' });
  expect(of(`home/pi/tempera${'~'}${'0'.repeat(32)}`)).toMatchObject({ metric: 'tempera', rule: '' });
  expect(of('home/pi/%E0%A4%A/upper')).toMatchObject({ metric: '%E0%A4%A', rule: 'upper' });
});

test('in words it says first what matters: whether anything was lost or told twice', () => {
  expect(summaryLines(summaryOf(input))).toEqual([
    '46 readings, 45 published, 1 failed; 1 breach.',
    '1 incident (1 Resolved).',
    'Audit: nothing lost, nothing twice.',
  ]);
  expect(summaryLines({ ...summaryOf(input), lost: 2 }).at(-1)).toContain('2 lost, 0 twice');
});
