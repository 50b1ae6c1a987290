import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AuditResult, audit, strictPolicy } from './audit.ts';
import { type Breach, correlationIdOf } from './breach.ts';
import type { IncidentRow } from './incidents.ts';
import { breachFrom, emptyInstance, shown, type Told, teller } from './told-fixture.ts';

interface Life {
  breach: Breach;
  row: IncidentRow;
  id: string;
}

const key = fc.record({
  site: fc.constantFrom('home', 'Halle 3/Süd'),
  deviceId: fc.oneof(
    fc.constantFrom('pi', 'freezer-07'),
    fc.string({ minLength: 40, maxLength: 128, unit: 'binary-ascii' }),
  ),
  metric: fc.constantFrom('temperature', 'humidity'),
  rule: fc.constantFrom('upper', 'lower'),
});

/** Breaches of one key, in minutes: how long each lasts, the pause after it, whether it reopens the incident before. */
const story = fc.record({
  key,
  parts: fc.array(
    fc.record({
      minutes: fc.integer({ min: 2, max: 90 }),
      pause: fc.integer({ min: 2, max: 90 }),
      reopens: fc.boolean(),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  lasts: fc.boolean(),
});

type Plan = typeof stories extends fc.Arbitrary<infer T> ? T : never;

const stories = fc.uniqueArray(story, { selector: (one) => correlationIdOf(one.key), minLength: 1, maxLength: 4 });

function written(lives: Plan): {
  told: Told;
  lives: Life[];
  write: ReturnType<typeof teller>;
} {
  const told = emptyInstance();
  const write = teller(told);
  const all: Life[] = [];
  for (const { key, parts, lasts } of lives) {
    let minute = 0;
    let before: IncidentRow | undefined;
    for (const [index, { minutes, pause, reopens }] of parts.entries()) {
      const last = index === parts.length - 1;
      const breach = breachFrom(minute, last && lasts ? null : minute + minutes, key);
      minute += minutes + pause;
      const life: Life =
        before !== undefined && reopens
          ? { breach, row: before, id: write.again(before, breach) }
          : { breach, ...write.open(breach) };
      if (breach.endedAtMs !== null) {
        write.recovered(life.row, breach, life.id);
        write.resolved(life.row, breach, life.id);
      }
      before = life.row;
      all.push(life);
    }
  }
  return { told, lives: all, write };
}

function judge(told: Told, lives: readonly Life[]): AuditResult {
  return audit({ breaches: lives.map(({ breach }) => breach), ...told, policy: strictPolicy });
}

type Finding = Exclude<keyof AuditResult, 'ok' | 'summary' | 'underway'>;
type Written = ReturnType<typeof written>;

/** Each spoils the record of one life, and what must be found then. */
const corruptions: Record<string, { finding: Finding; spoil: (written: Written, life: Life) => void }> = {
  'an incident vanished': {
    finding: 'lost',
    spoil: ({ told }, { row }) => {
      told.rows.splice(told.rows.indexOf(row), 1);
    },
  },
  'a second incident was made': {
    finding: 'duplicates',
    spoil: ({ told, write }, { row, breach, id }) => {
      const second = write.open(breach, id);
      second.row.state = row.state;
      second.row.close_notes = row.close_notes;
      told.attachments.pop();
    },
  },
  'a start is a minute off': {
    finding: 'wrongTimes',
    spoil: ({ told }, { id, breach }) => {
      const right = `breach ${id} start=${new Date(breach.startedAtMs).toISOString()}`;
      const wrong = `breach ${id} start=${new Date(breach.startedAtMs + 61_000).toISOString()}`;
      for (const entry of told.journal) entry.value = entry.value.replaceAll(right, wrong);
      for (const row of told.rows) {
        row.description = row.description.replaceAll(right, wrong);
        row.close_notes = row.close_notes.replaceAll(right, wrong);
      }
    },
  },
  'an incident has the wrong state': {
    finding: 'wronglyOpen',
    spoil: ({ lives }, { row }) => {
      const lasting = lives.some((one) => one.row === row && one.breach.endedAtMs === null);
      row.state = lasting ? '6' : '2';
    },
  },
  'a note was sent twice': {
    finding: 'doubledNotes',
    spoil: ({ told, write }, { row }) => {
      const note = told.journal.findLast((entry) => entry.element_id === row.sys_id) ?? expect.fail();
      told.journal.push({ ...note, sys_id: write.nextId() });
    },
  },
  'a chart was sent twice': {
    finding: 'doubledAttachments',
    spoil: ({ told, write }, { row }) => {
      const chart = told.attachments.find((file) => file.table_sys_id === row.sys_id) ?? expect.fail();
      told.attachments.push({ ...chart, sys_id: write.nextId() });
    },
  },
  'the first note came last': {
    finding: 'orderViolations',
    spoil: ({ told, write }, { row, id, breach }) => {
      const note = told.journal.find((entry) => entry.value.endsWith(`[${id}:1]`)) ?? expect.fail();
      note.value = note.value.replace('Breaching again', 'Opened');
      note.sys_created_on = shown(breach.firedAtMs + 1e9);
      write.note(row, breach.firedAtMs + 60_000, `Still breaching: too warm.\n\n[${id}:2]`);
    },
  },
  'an incident tells of what never was': {
    finding: 'withoutBreach',
    spoil: ({ write }) => {
      write.tell(breachFrom(0, 5, { deviceId: 'ghost' }));
    },
  },
};

describe('whatever happened', () => {
  test('incidents that tell it have no findings', () => {
    fc.assert(
      fc.property(stories, (plan) => {
        const { told, lives } = written(plan);
        const result = judge(told, lives);
        expect({ ...result, summary: undefined }).toMatchObject({ ok: true });
      }),
    );
  });

  test.each(Object.entries(corruptions))('it is found that %s', (_name, { finding, spoil }) => {
    fc.assert(
      fc.property(stories, fc.nat(), (plan, pick) => {
        const spoilt = written(plan);
        const life = spoilt.lives[pick % spoilt.lives.length] ?? expect.fail();
        spoil(spoilt, life);
        const result = judge(spoilt.told, spoilt.lives);
        expect(result.ok).toBe(false);
        const expected =
          finding === 'wronglyOpen' ? [...result.wronglyOpen, ...result.wronglyResolved] : result[finding];
        expect(expected.length).toBeGreaterThan(0);
      }),
    );
  });
});
