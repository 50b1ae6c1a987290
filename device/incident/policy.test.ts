import { describe, expect, test } from 'vitest';
import type { IncidentRow, IncidentState } from './destination.ts';
import type { Occurrence } from './occurrence.ts';
import { decide, type Situation, type Wanted } from './policy.ts';

const id = 'a'.repeat(32);
const other = 'b'.repeat(32);
const hourMs = 3_600_000;
const startedAt = '2026-01-02T10:00:00Z';

function occurrence(change: Partial<Occurrence> = {}): Occurrence {
  return {
    id,
    correlationId: 'home/pi/temperature/upper',
    phase: 'firing',
    place: 'attached',
    incident: { sysId: 'row-1', number: 'INC1' },
    toldSeverity: 'high',
    notedAtMs: 0,
    updatesSinceNote: 1,
    heldBy: null,
    silence: 'none',
    message: {
      version: 1,
      id,
      installationId: 'c'.repeat(32),
      installationCreatedAt: startedAt,
      site: 'home',
      deviceId: 'pi',
      metric: 'temperature',
      rule: 'upper',
      sequence: 5,
      firingSequence: 4,
      phase: 'updated',
      opener: 'edge',
      severity: 'high',
      unit: '°C',
      value: 31,
      limit: 30,
      deadband: 0.5,
      peak: 31,
      startedAt,
      endedAt: null,
      endReason: null,
      at: startedAt,
      text: '',
      configVersion: 'v',
      window: [],
      bootId: 'b',
      monotonicMs: 0,
      clockSynchronised: true,
      clockSource: 'none',
    },
    ...change,
  };
}

/** A row that this breach opened, unless said otherwise. */
function row(change: Partial<IncidentRow> = {}): IncidentRow {
  return {
    sysId: 'row-1',
    number: 'INC1',
    state: 'new',
    correlationId: 'home/pi/temperature/upper',
    openedBy: id,
    workNotes: '',
    description: '',
    closeNotes: '',
    urgency: '2',
    assignedTo: '',
    assignmentGroup: '',
    createdAtMs: 1,
    updatedAtMs: 1,
    updatedBy: 'edge',
    modCount: 0,
    ...change,
  };
}

const byUs = `Recovered. [${id}:6]`;

function step(wanted: Wanted, rows: IncidentRow[], change: Partial<Situation> = {}) {
  return decide({
    wanted,
    occurrence: occurrence(wanted === 'recover' || wanted === 'resolve' ? { phase: 'ended' } : {}),
    sequence: 5,
    rows,
    reopenWindowMs: 24 * hourMs,
    onRecovery: 'resolve',
    ...change,
  });
}

/** What people may have done: the columns of the policy's table. */
const columns: Record<string, IncidentRow[]> = {
  'none or deleted': [],
  New: [row()],
  'In Progress': [row({ state: 'in-progress' })],
  'On Hold': [row({ state: 'on-hold' })],
  'Resolved by us': [row({ state: 'resolved', closeNotes: byUs })],
  'Resolved by a person': [row({ state: 'resolved', closeNotes: 'looked at it' })],
  Closed: [row({ state: 'closed', closeNotes: byUs })],
  Canceled: [row({ state: 'canceled' })],
  reassigned: [row({ state: 'in-progress', assignedTo: 'someone', assignmentGroup: 'elsewhere' })],
};

describe('a breach that is in this incident', () => {
  test.each<[Wanted, keyof typeof columns, string]>([
    ['update', 'none or deleted', 'release'],
    ['update', 'New', 'note'],
    ['update', 'In Progress', 'note'],
    ['update', 'On Hold', 'note'],
    ['update', 'Resolved by us', 'reopen'],
    ['update', 'Resolved by a person', 'release'],
    ['update', 'Closed', 'release'],
    ['update', 'Canceled', 'release'],
    ['update', 'reassigned', 'note'],
    ['recover', 'none or deleted', 'nothing'],
    ['recover', 'New', 'recovery-note'],
    ['recover', 'In Progress', 'recovery-note'],
    ['recover', 'On Hold', 'recovery-note'],
    ['recover', 'Resolved by us', 'recovery-note'],
    ['recover', 'Resolved by a person', 'recovery-note'],
    ['recover', 'Closed', 'nothing'],
    ['recover', 'Canceled', 'nothing'],
    ['recover', 'reassigned', 'recovery-note'],
    ['resolve', 'none or deleted', 'nothing'],
    ['resolve', 'New', 'resolve'],
    ['resolve', 'In Progress', 'resolve'],
    ['resolve', 'On Hold', 'nothing'],
    ['resolve', 'Resolved by us', 'nothing'],
    ['resolve', 'Resolved by a person', 'nothing'],
    ['resolve', 'Closed', 'nothing'],
    ['resolve', 'Canceled', 'nothing'],
    ['resolve', 'reassigned', 'resolve'],
    // A create whose answer was lost, or a handler that lost its store.
    ['open', 'New', 'adopt'],
    ['open', 'In Progress', 'adopt'],
    ['open', 'On Hold', 'adopt'],
    ['open', 'Resolved by us', 'reopen'],
    ['open', 'Resolved by a person', 'release'],
    ['open', 'Closed', 'release'],
    ['open', 'Canceled', 'release'],
    ['open', 'none or deleted', 'create'],
  ])('%s × %s → %s', (wanted, column, expected) => {
    expect(step(wanted, columns[column] ?? []).do).toBe(expected);
  });
});

describe('a new breach of a key whose earlier one opened the incident', () => {
  const ended = (at: string) => `breach ${other} start=2026-01-01T00:00:00Z end=${at}`;
  const of = (state: IncidentState, end = '2026-01-02T09:00:00Z', closeNotes = '') => [
    row({ state, openedBy: other, workNotes: ended(end), closeNotes }),
  ];

  test.each<[IncidentState, string, string]>([
    ['new', '2026-01-02T09:00:00Z', 'join'],
    ['in-progress', '2026-01-02T09:00:00Z', 'join'],
    ['on-hold', '2026-01-02T09:00:00Z', 'join'],
    ['resolved', '2026-01-02T09:00:00Z', 'reopen'],
    ['resolved', '2026-01-01T10:00:00Z', 'reopen'],
    ['resolved', '2026-01-01T09:59:59Z', 'create'],
    ['closed', '2026-01-02T09:00:00Z', 'create'],
    ['canceled', '2026-01-02T09:00:00Z', 'create'],
  ])('%s, ended %s → %s', (state, end, expected) => {
    const result = step('open', of(state, end), { occurrence: occurrence({ place: 'wanted', incident: null }) });
    expect(result.do).toBe(expected);
  });

  test('names the closed one that it follows', () => {
    const result = step('open', of('closed'), { occurrence: occurrence({ place: 'wanted', incident: null }) });
    expect(result).toEqual({ do: 'create', follows: { number: 'INC1', state: 'closed' } });
  });

  test('reopens the incident of which a double was canceled', () => {
    const double = row({ sysId: 'row-2', number: 'INC2', state: 'canceled', openedBy: other, createdAtMs: 2 });
    const result = step('open', [...of('resolved'), double], {
      occurrence: occurrence({ place: 'wanted', incident: null }),
    });
    expect(result).toMatchObject({ do: 'reopen', row: { sysId: 'row-1' } });
  });

  test('prefers an open incident to a resolved one, the oldest of several', () => {
    const rows = [
      row({ sysId: 'r3', state: 'resolved', openedBy: other, createdAtMs: 9 }),
      row({ sysId: 'r2', state: 'in-progress', openedBy: other, createdAtMs: 5 }),
      row({ sysId: 'r1', state: 'new', openedBy: other, createdAtMs: 7 }),
    ];
    const result = step('open', rows, { occurrence: occurrence({ place: 'wanted', incident: null }) });
    expect(result).toMatchObject({ do: 'join', row: { sysId: 'r2' } });
  });
});

describe('one breach in several rows', () => {
  test('cancels the younger ones, the oldest by creation and sys_id stays', () => {
    const rows = [
      row({ sysId: 'b', createdAtMs: 2 }),
      row({ sysId: 'a', createdAtMs: 2 }),
      row({ sysId: 'c', createdAtMs: 3 }),
    ];
    for (const wanted of ['open', 'update', 'recover', 'resolve'] as const) {
      expect(step(wanted, rows)).toMatchObject({ do: 'cancel-duplicate', row: { sysId: 'b' }, kept: { sysId: 'a' } });
    }
  });

  test('leaves those alone that are canceled already', () => {
    const rows = [row({ sysId: 'a' }), row({ sysId: 'b', state: 'canceled', createdAtMs: 2 })];
    expect(step('update', rows)).toMatchObject({ do: 'note', row: { sysId: 'a' } });
  });

  test('counts a note as naming the breach', () => {
    const rows = [
      row({ sysId: 'a', openedBy: other, workNotes: `again [${id}:4]` }),
      row({ sysId: 'b', createdAtMs: 2 }),
    ];
    expect(step('update', rows)).toMatchObject({ do: 'cancel-duplicate', row: { sysId: 'b' }, kept: { sysId: 'a' } });
  });
});

test('a note that is there already is not written again', () => {
  const told = [row({ workNotes: `still [${id}:5]` })];
  expect(step('update', told)).toEqual({ do: 'nothing', why: 'told already' });
  expect(step('recover', told)).toEqual({ do: 'nothing', why: 'told already' });
});

test('a changed severity is told with the note, but not to an incident on hold', () => {
  const changed = { occurrence: occurrence({ toldSeverity: 'medium' }) };
  expect(step('update', [row()], changed)).toMatchObject({ do: 'note', severity: 'high' });
  expect(step('update', [row({ state: 'on-hold' })], changed)).toMatchObject({ do: 'note', severity: undefined });
});

test('with notes only, a recovery does not resolve', () => {
  expect(step('resolve', [row()], { onRecovery: 'note' })).toEqual({ do: 'nothing', why: 'notes only' });
});

test('a breach that began and ended before it could be told is adopted or created, never released', () => {
  const ended = { occurrence: occurrence({ phase: 'ended', place: 'wanted', incident: null }) };
  expect(step('open', [row({ state: 'resolved', closeNotes: 'a person' })], ended).do).toBe('adopt');
  expect(step('open', [], ended).do).toBe('create');
});

describe('under a silence', () => {
  const held = { phase: 'firing', silence: 'holds' } as const;
  const untold = { ...held, place: 'wanted', incident: null } as const;
  const ours = row({ state: 'resolved', closeNotes: `Recovered [${id}:4]` });

  test.each<[string, Wanted, IncidentRow[], Partial<Occurrence>, string]>([
    ['nothing is created', 'open', [], untold, 'hold-back'],
    ['nothing is joined', 'open', [row({ openedBy: other })], untold, 'hold-back'],
    ['nothing is reopened', 'open', [ours], untold, 'hold-back'],
    ['nothing is noted', 'update', [row()], held, 'hold-back'],
    ['an incident that was made is adopted', 'open', [row()], untold, 'adopt'],
    ['what people ended is left to them', 'update', [row({ state: 'closed' })], held, 'release'],
    ['a double is repaired', 'update', [row(), row({ sysId: 'row-2', createdAtMs: 2 })], held, 'cancel-duplicate'],
    ['the end is noted', 'recover', [row()], { ...held, phase: 'ended' }, 'recovery-note'],
    ['the incident is resolved', 'resolve', [row()], { ...held, phase: 'ended' }, 'resolve'],
    ['one that was over before is told', 'open', [], { ...untold, phase: 'ended' }, 'create'],
  ])('%s', (_name, wanted, rows, change, expected) => {
    expect(step(wanted, rows, { occurrence: occurrence(change) }).do).toBe(expected);
  });

  test('one that is recorded only opens nothing, but an incident that names it is adopted', () => {
    const recorded = { occurrence: occurrence({ ...untold, phase: 'ended', place: 'recorded' }) };
    expect(step('open', [], recorded)).toEqual({ do: 'nothing', why: 'recorded only' });
    expect(step('open', [row()], recorded).do).toBe('adopt');
  });

  test('after it all is as ever', () => {
    expect(step('open', [], { occurrence: occurrence({ ...untold, silence: 'lifted' }) }).do).toBe('create');
  });
});
