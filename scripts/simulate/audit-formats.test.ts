import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rules } from '../../device/anomaly/anomaly.ts';
import { correlationId } from '../../device/anomaly/identity.ts';
import { breachLine, marker } from '../../device/incident/texts/marks.ts';
import { correlationIdOf, isCorrelationId } from '../audit/breach.ts';
import { readIncidents } from '../audit/incidents.ts';

// The audit imports nothing of what it judges: here the two must agree.
const part = fc.string({ minLength: 1, maxLength: 128, unit: 'grapheme' });
const key = fc.record({ site: part, deviceId: part, metric: part, rule: fc.constantFrom(...rules) });

test('the audit finds the correlation id of a key as the edge writes it', () => {
  fc.assert(
    fc.property(key, (one) => {
      expect(correlationIdOf(one)).toBe(correlationId(one));
      expect(isCorrelationId(correlationId(one))).toBe(true);
    }),
  );
});

test('the audit reads what the edge writes for it', () => {
  const id = 'a'.repeat(32);
  const times = { startedAt: '2026-01-05T10:11:50.000Z', endedAt: '2026-01-05T10:21:50.000Z' };
  const row = {
    sys_id: 'b'.repeat(32),
    number: 'INC0010001',
    state: '2',
    correlation_id: 'home/pi/temperature/upper',
    correlation_display: '',
    short_description: '',
    description: breachLine({ id, startedAt: times.startedAt, endedAt: null }),
    close_notes: '',
    opened_at: '',
    resolved_at: '',
    sys_created_on: '2026-01-05 10:12:50',
  };
  const note = {
    sys_id: 'c'.repeat(32),
    element_id: row.sys_id,
    element: 'work_notes',
    value: `Recovered.\n\n${breachLine({ id, ...times })}\n\n${marker(id, 7)}`,
    sys_created_on: '2026-01-05 10:21:50',
  };
  const [incident] = readIncidents([row], [note], []);
  expect(incident?.told.get(id)).toEqual({
    key: row.correlation_id,
    startsMs: [Date.parse(times.startedAt)],
    endsMs: [Date.parse(times.endedAt)],
    endUnknown: false,
  });
  expect(incident?.notes).toMatchObject([{ occurrenceId: id, sequence: 7, opening: 'Recovered' }]);
});
