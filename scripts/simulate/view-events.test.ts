import { expect, test } from 'vitest';
import type { Occurrence } from '../../device/incident/occurrence.ts';
import type { Told } from '../../device/outbox/tell.ts';
import { sampleAnomaly as message } from './anomaly-fixture.ts';
import { breachEvent, toldEvent } from './view-events.ts';

const occurrence: Occurrence = {
  id: message.id,
  correlationId: 'home/pi/humidity/upper',
  phase: 'firing',
  place: 'attached',
  incident: { sysId: 'c'.repeat(32), number: 'INC0010001' },
  message,
  toldSeverity: 'high',
  notedAtMs: 0,
  updatesSinceNote: 0,
  heldBy: null,
  silence: 'none',
};

test('a breach is told when it fires and when it is over, not in between', () => {
  const atMs = Date.parse(message.at);
  expect(breachEvent(message)).toEqual({
    atMs,
    kind: 'breach',
    text: 'pi humidity 55 %RH, above 50 %RH since 10:11:50Z',
  });
  expect(breachEvent({ ...message, phase: 'updated' })).toBeUndefined();
  const ended = { ...message, phase: 'resolved' as const, endedAt: '2026-01-05T10:12:40.000Z' };
  expect(breachEvent(ended)).toMatchObject({ kind: 'recovered', text: expect.stringContaining('to 10:12:40Z') });
});

test.each([
  [{ kind: 'created', number: 'INC1' }, 'created', 'INC1  pi humidity 55 %RH, above 50 %RH since 10:11:50Z'],
  [{ kind: 'joined', number: 'INC1' }, 'note', 'INC1  breaching again'],
  [{ kind: 'reopened', number: 'INC1' }, 'reopened', 'reopened INC1'],
  [{ kind: 'noted', number: 'INC1' }, 'note', 'INC1  still breaching'],
  [{ kind: 'recovered', number: 'INC1' }, 'note', 'INC1  recovered'],
  [{ kind: 'resolved', number: 'INC1' }, 'resolved', 'INC1'],
  [{ kind: 'adopted', number: 'INC1' }, 'info', 'INC1  was there already: nothing is written twice'],
  [
    { kind: 'duplicate-canceled', number: 'INC2', kept: 'INC1' },
    'info',
    'INC2  canceled, INC1 tells of the same breach',
  ],
  [
    { kind: 'released', number: undefined, why: 'deleted' },
    'info',
    'The incident  is left as people left it (deleted)',
  ],
  [{ kind: 'dead-letter', reason: '400' }, 'fault', 'ServiceNow refuses the record: 400'],
] as const satisfies readonly (readonly [Told, string, string])[])(
  'what is told of an incident: %j',
  (told, kind, text) => {
    expect(toldEvent(told, occurrence, { atMs: 5, urlOf: (sysId) => `http://x/${sysId}` })).toMatchObject({
      atMs: 5,
      kind,
      text,
    });
  },
);

test('a new incident comes with its link; a chart is not worth a line', () => {
  const where = { atMs: 5, urlOf: (sysId: string) => `http://x/${sysId}` };
  expect(toldEvent({ kind: 'created', number: 'INC1' }, occurrence, where)?.url).toBe(`http://x/${'c'.repeat(32)}`);
  expect(toldEvent({ kind: 'charted', number: 'INC1' }, occurrence, where)).toBeUndefined();
});
