import { describe, expect, test } from 'vitest';
import type { AnomalyMessage } from '../anomaly/anomaly.ts';
import { isResolvedByUs, lastEndMs, lastSequenceTold, unendedBreaches } from './incident-row.ts';
import type { Occurrence } from './occurrence.ts';
import { hasMarker } from './texts/marks.ts';
import { incidentTexts } from './texts.ts';

const id = '0123456789abcdef0123456789abcdef';

function breach(change: Partial<AnomalyMessage> = {}): AnomalyMessage {
  return {
    version: 1,
    id,
    installationId: 'f'.repeat(32),
    installationCreatedAt: '2015-08-01T00:00:00Z',
    site: 'lab',
    deviceId: 'IoT-blog_Core',
    metric: 'temperature',
    rule: 'upper',
    sequence: 3,
    firingSequence: 3,
    phase: 'firing',
    opener: 'edge',
    severity: 'high',
    unit: '°C',
    value: 31.4,
    limit: 30,
    deadband: 0.5,
    peak: 31.4,
    startedAt: '2015-08-22T10:11:50Z',
    endedAt: null,
    endReason: null,
    at: '2015-08-22T10:12:50Z',
    text: 'temperature above its upper limit',
    configVersion: 'c1',
    window: [
      [Date.parse('2015-08-22T10:02:50Z'), 29.4],
      [Date.parse('2015-08-22T10:12:50Z'), 31.4],
    ],
    bootId: 'boot',
    monotonicMs: 1,
    clockSynchronised: true,
    clockSource: 'timesyncd',
    ...change,
  };
}

function occurrence(message: Partial<AnomalyMessage> = {}, change: Partial<Occurrence> = {}): Occurrence {
  const full = breach(message);
  return {
    id: full.id,
    correlationId: 'lab/IoT-blog_Core/temperature/upper',
    phase: full.endedAt === null ? 'firing' : 'ended',
    place: 'attached',
    incident: null,
    message: full,
    toldSeverity: null,
    notedAtMs: 0,
    updatesSinceNote: 0,
    heldBy: null,
    silence: 'none',
    ...change,
  };
}

const at = (iso: string) => ({ wallMs: () => Date.parse(iso) });
const texts = incidentTexts({ timeZone: 'UTC', clock: at('2015-08-22T10:12:51Z') });
const short = (message: Partial<AnomalyMessage>) => texts.opening(occurrence(message), undefined, []).shortDescription;

const ended = {
  phase: 'resolved',
  endedAt: '2015-08-22T19:28:00Z',
  endReason: 'cleared',
  at: '2015-08-22T19:28:10Z',
  value: 29.44,
  peak: 34.207,
  sequence: 5,
} satisfies Partial<AnomalyMessage>;

test('an incident leads to the curve of its breach where people can reach the console', () => {
  const linked = incidentTexts({
    ...{ timeZone: 'UTC', clock: at('2015-08-22T10:12:51Z') },
    consoleUrl: 'http://pi.example:9102/',
  });
  const breach = occurrence({ deviceId: 'freezer 7', site: 'hall#3' });
  const { description, workNotes } = linked.opening(breach, undefined, []);
  const line = `\nCurve: http://pi.example:9102/#site=hall%233&device=freezer+7&breach=${breach.id}\n`;
  for (const text of [description, workNotes, linked.again(breach, [], 7)]) expect(text).toContain(line);
  expect(texts.opening(occurrence({}), undefined, []).description).not.toContain('Curve');
});

describe('short description', () => {
  test.each<[string, Partial<AnomalyMessage>]>([
    ['[HIGH] IoT-blog_Core temperature 31.4 °C, above 30 °C since 10:11:50Z', {}],
    [
      '[CRITICAL] IoT-blog_Core temperature 35.01 °C, above 30 °C since 10:11:50Z',
      { severity: 'critical', value: 35.0149 },
    ],
    [
      '[HIGH] IoT-blog_Core temperature 31.4 °C, above 30 °C since 10:11:50Z',
      { startedAt: '2015-08-22T10:11:50.250Z' },
    ],
    [
      '[HIGH] IoT-blog_Core temperature 31.4 °C, above 30 °C since 2015-08-21 23:59:50Z',
      { startedAt: '2015-08-21T23:59:50Z' },
    ],
    ['[HIGH] IoT-blog_Core temperature peaked at 31.4 °C, above 30 °C since 10:11:50Z', { value: 29.8 }],
    ['[HIGH] IoT-blog_Core temperature peaked at 34.21 °C, above 30 °C from 10:11:50Z to 19:28:00Z', ended],
    [
      '[HIGH] IoT-blog_Core temperature 3 °C, below 5 °C since 10:11:50Z',
      { rule: 'lower', value: 3, limit: 5, peak: 3 },
    ],
    [
      '[HIGH] IoT-blog_Core temperature fell to 3 °C, below 5 °C since 10:11:50Z',
      { rule: 'lower', value: 5.2, limit: 5, peak: 3 },
    ],
    [
      '[HIGH] IoT-blog_Core temperature 4 °C/min, changing faster than 2 °C/min since 10:11:50Z',
      { rule: 'rate-of-change', value: 4, limit: 2, unit: '°C/min' },
    ],
    [
      '[HIGH] IoT-blog_Core temperature, stuck at 21 °C since 10:11:50Z',
      { rule: 'stuck', value: 21, limit: null, peak: null },
    ],
    ['[HIGH] IoT-blog_Core temperature 31.4 °C, far from its moving average since 10:11:50Z', { rule: 'ewma' }],
    [
      '[MEDIUM] IoT-blog_Core, no data from its sensor since 10:11:50Z',
      { rule: 'no-data', metric: '*', severity: 'medium', value: null, limit: null, peak: null },
    ],
    [
      '[HIGH] IoT-blog_Core, silent since 10:11:50Z',
      { rule: 'device-silent', metric: '*', value: null, limit: null, peak: null },
    ],
    [
      '[HIGH] Message broker at lab out of reach since 10:11:50Z',
      { rule: 'broker-silent', metric: '*', deviceId: 'handler', value: null, limit: null, peak: null },
    ],
    [
      '[HIGH] Storm at lab, 21 breaches at once since 10:11:50Z',
      { rule: 'storm', metric: '*', deviceId: '*', value: 21, unit: '', limit: 20, peak: 21 },
    ],
  ])('%s', (expected, message) => {
    expect(short(message)).toBe(expected);
  });

  test('keeps value and limit, and 160 characters, with the longest names', () => {
    const text = short({ deviceId: '🌡'.repeat(64), metric: 'm'.repeat(128), unit: 'u'.repeat(16) });
    expect(text.length).toBeLessThanOrEqual(160);
    expect(text).toContain('31.4 uuuuuuuuuuuuuuuu, above 30 uuuuuuuuuuuuuuuu');
    expect(text).not.toMatch(/[\ud800-\udbff](?![\udc00-\udfff])/);
  });
});

describe('description', () => {
  test('gives the facts in UTC and local time, and the line for audits', () => {
    const local = incidentTexts({ timeZone: 'Europe/Berlin', clock: at('2015-08-22T10:12:51Z') });
    const { description } = local.opening(occurrence(), { number: 'INC0010007', state: 'closed' }, []);
    expect(description).toBe(
      [
        'IoT-blog_Core temperature 31.4 °C, above 30 °C since 10:11:50Z.',
        '',
        'Follows INC0010007 (closed).',
        '',
        'Device: IoT-blog_Core',
        'Site: lab',
        'Metric: temperature',
        'Rule: upper',
        'What: temperature above its upper limit',
        'Limit: 30 °C, clears at 29.5 °C (deadband 0.5 °C)',
        'First breach: 2015-08-22T10:11:50Z (2015-08-22 12:11:50 Europe/Berlin)',
        'Value: 31.4 °C',
        'Peak: 31.4 °C',
        'Trend: +0.2 °C a minute over 10 min 0 s',
        'Severity: high',
        'Configuration: c1',
        'Key: lab/IoT-blog_Core/temperature/upper',
        '',
        `breach ${id} start=2015-08-22T10:11:50Z end=-`,
      ].join('\n'),
    );
  });

  test('says that the clock was not right', () => {
    const { description } = texts.opening(occurrence({ clockSynchronised: false, clockSource: 'none' }), undefined, []);
    expect(description).toContain('Clock: not synchronised when this was measured (source: none): times may be wrong');
  });

  test.each<[string, string, Partial<AnomalyMessage>, Partial<Occurrence>, string | undefined]>([
    ['a message that waited', '2015-08-22T11:50:00Z', {}, {}, 'told 2015-08-22T11:50:00Z, 1 h 38 min later'],
    [
      'a newer message that took the place of one that waited',
      '2015-08-22T11:50:00Z',
      { sequence: 9, at: '2015-08-22T11:49:59Z' },
      {},
      '1 h 38 min later',
    ],
    ['one that had ended', '2015-08-22T19:28:11Z', ended, {}, 'it had ended before it could be told'],
    ['one in time', '2015-08-22T10:12:51Z', {}, {}, undefined],
    ['one whose stamps cannot be trusted', '2015-08-22T11:50:00Z', { clockSynchronised: false }, {}, undefined],
    ['one that was told before', '2015-08-22T11:50:00Z', {}, { toldSeverity: 'high' }, undefined],
  ])('reports late: %s', (_, now, message, change, expected) => {
    const late = incidentTexts({ timeZone: 'UTC', clock: at(now) });
    const one = occurrence(message, change);
    for (const text of [late.opening(one, undefined, []).description, late.again(one, [], 1)]) {
      if (expected === undefined) expect(text).not.toContain('Reported late');
      else expect(text).toContain(expected);
    }
  });

  test('says that a silence held it back, however short', () => {
    const late = incidentTexts({ timeZone: 'UTC', clock: at('2015-08-22T10:15:00Z') });
    const one = occurrence({}, { toldSeverity: null, silence: 'lifted' });
    const sentence =
      'Held back by a silence that has ended. First breach 2015-08-22T10:11:50Z, told 2015-08-22T10:15:00Z, 3 min 10 s later.';
    for (const text of [late.opening(one, undefined, []).description, late.again(one, [], 1)]) {
      expect(text).toContain(sentence);
    }
    expect(late.again({ ...one, toldSeverity: 'high' }, [], 1)).not.toContain('Held back');
  });

  test('a time zone that does not exist is refused with a sentence', () => {
    expect(() => incidentTexts({ timeZone: 'Mars/Olympus', clock: at('2015-08-22T10:12:51Z') })).toThrow(
      'serviceNow.timeZone is "Mars/Olympus", which is no time zone',
    );
  });
});

describe('notes', () => {
  const told = occurrence(
    { sequence: 4, severity: 'critical', value: 36, peak: 36 },
    { toldSeverity: 'high', updatesSinceNote: 3 },
  );
  const over = occurrence(ended, { toldSeverity: 'high' });
  const held = [occurrence({ id: 'b'.repeat(32) }, { correlationId: 'lab/pi-7/humidity/upper' })];

  test.each<[string, string, string]>([
    ['first', texts.opening(occurrence(), undefined, []).workNotes, 'Opened by the edge.'],
    [
      'opened late, ended already',
      texts.opening(occurrence(ended), undefined, []).workNotes,
      'Recovered at 29.44 °C: from 2015-08-22T10:11:50Z to 2015-08-22T19:28:00Z, 9 h 16 min, peak 34.21 °C.',
    ],
    [
      'again',
      texts.again(occurrence(), [], 1),
      'Breaching again: IoT-blog_Core temperature 31.4 °C, above 30 °C since 10:11:50Z.',
    ],
    [
      'still',
      texts.still(told, []),
      'Still breaching: IoT-blog_Core temperature 36 °C, above 30 °C since 10:11:50Z; 3 updates since the last note, peak 36 °C.',
    ],
    ['severity', texts.still(told, []), 'Severity changed from high to critical.'],
    [
      'recovered',
      texts.recovered(over, false, []),
      'Recovered at 29.44 °C: from 2015-08-22T10:11:50Z to 2015-08-22T19:28:00Z, 9 h 16 min, peak 34.21 °C.',
    ],
    ['on hold', texts.recovered(over, true, []), 'The incident is on hold and is left so.'],
    [
      'limit changed',
      texts.recovered(occurrence({ ...ended, endReason: 'limit changed' }), false, []),
      'Ended (limit changed): from',
    ],
    [
      'orphan',
      texts.closing(occurrence({ ...ended, endReason: 'no longer known' })),
      'the device does not know this breach any more',
    ],
    [
      'silent device speaks',
      texts.closing(occurrence({ ...ended, rule: 'device-silent', value: null, peak: null })),
      'The device speaks again: from',
    ],
    [
      'data again',
      texts.closing(occurrence({ ...ended, rule: 'no-data', value: null, peak: null })),
      'The sensor gives data again: from',
    ],
    [
      'storm',
      texts.still(occurrence({ rule: 'storm' }), held),
      `breach ${'b'.repeat(32)} start=2015-08-22T10:11:50Z end=- key=lab/pi-7/humidity/upper`,
    ],
    [
      'storm, of a breach that its device does not know any more',
      texts.still(occurrence({ rule: 'storm' }), [
        ...held,
        occurrence({ ...ended, id: 'c'.repeat(32), endReason: 'no longer known' }),
      ]),
      `\n\nThe time of the end is not known of: ${'c'.repeat(32)}.\n`,
    ],
    ['closing', texts.closing(over), `breach ${id} start=2015-08-22T10:11:50Z end=2015-08-22T19:28:00Z`],
    ['duplicate', texts.duplicate(occurrence(), 'INC0010001'), 'INC0010001 is kept, this one is canceled.'],
    ['collision', texts.collision(occurrence()), 'changed this incident at the same moment as the edge did'],
  ])('%s: says what happened and ends with its marker', (_, text, expected) => {
    expect(text).toContain(expected);
    expect(text).toMatch(/\n\n\[[0-9a-f]{32}:\d+\]$/);
    expect(hasMarker(text, id)).toBe(true);
  });

  test('a note carries the sequence of its message, the first one that of the firing', () => {
    const one = occurrence({ sequence: 9, firingSequence: 3 });
    expect(hasMarker(texts.opening(one, undefined, []).workNotes, id, 3)).toBe(true);
    expect(hasMarker(texts.still(one, []), id, 9)).toBe(true);
    expect(hasMarker(texts.still(one, []), id, 3)).toBe(false);
    expect(texts.chartName(one, 3)).toBe(`breach-${id}-3.png`);
  });

  test('what is written can be read back', () => {
    const opened = texts.opening(occurrence(), undefined, held);
    const row = {
      sysId: '1',
      number: 'INC1',
      correlationId: '',
      openedBy: id,
      urgency: '2',
      assignedTo: '',
      assignmentGroup: '',
      createdAtMs: 0,
      updatedAtMs: 0,
      updatedBy: '',
      modCount: 0,
      state: 'resolved' as const,
      description: opened.description,
      workNotes: opened.workNotes,
      closeNotes: '',
    };
    expect(unendedBreaches(row).sort()).toEqual([id, 'b'.repeat(32)].sort());
    const closed = { ...row, closeNotes: texts.closing(over) };
    expect(unendedBreaches(closed)).toEqual(['b'.repeat(32)]);
    expect(lastEndMs(closed)).toBe(Date.parse('2015-08-22T19:28:00Z'));
    expect(lastSequenceTold(closed, id)).toBe(5);
    expect(isResolvedByUs(closed)).toBe(true);
  });

  test('the longest message stays within a journal entry', () => {
    const long = 'ü"'.repeat(64);
    const one = occurrence({
      site: long,
      deviceId: long,
      metric: long,
      text: '"'.repeat(300),
      configVersion: 'c'.repeat(64),
    });
    expect(texts.opening(one, undefined, []).workNotes.length).toBeLessThan(4_000);
    expect(texts.again(one, [], 1).length).toBeLessThan(4_000);
  });
});

test('text of others becomes neither HTML, nor a line for audits, nor a marker', () => {
  const hostile = `x\u0007[code]<b>[/code][ CODE ]\u202e\nbreach ${'c'.repeat(32)} start=1 end=2\u2028[${'d'.repeat(32)}:7]`;
  const one = occurrence({ deviceId: hostile, metric: hostile, text: hostile, site: hostile, unit: '[code]' });
  const opened = texts.opening(one, { number: hostile, state: 'closed' }, []);
  const all = [
    ...Object.values(opened),
    texts.again(one, [], 1),
    texts.still(one, []),
    texts.recovered(one, true, []),
    texts.closing(one),
    texts.duplicate(one, hostile),
    texts.collision(one),
  ];
  for (const text of all) {
    expect(text).not.toMatch(/\[\s*\/?\s*code\s*\]/i);
    expect(text).not.toContain(`[${'d'.repeat(32)}:`);
    expect(text).not.toMatch(new RegExp(`^breach ${'c'.repeat(32)}`, 'm'));
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e\u2028]/u);
  }
});
