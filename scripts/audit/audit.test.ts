import { describe, expect, test } from 'vitest';
import { type AuditPolicy, audit, strictPolicy } from './audit.ts';
import type { Breach } from './breach.ts';
import { breachFrom, breachLineOf, emptyInstance, shown, teller } from './told-fixture.ts';

function instance(breaches: readonly Breach[] = []) {
  const told = emptyInstance();
  const write = teller(told);
  const incidents = breaches.map(write.tell);
  return {
    told,
    write,
    incidents,
    audit: (truth: readonly Breach[] = breaches, policy: Partial<AuditPolicy> = {}) =>
      audit({ breaches: truth, ...told, policy: { ...strictPolicy, ...policy } }),
  };
}

/** Names of the findings that are there. */
function found(result: ReturnType<typeof audit>): string[] {
  const { ok: _, summary: __, underway: ___, ...findings } = result;
  return Object.entries(findings).flatMap(([name, list]) => (list.length > 0 ? [name] : []));
}

const warm = breachFrom(10, 20);
const humid = breachFrom(12, 30, { metric: 'humidity' });

describe('an instance that tells the truth', () => {
  test('has no findings', () => {
    const result = instance([warm, humid]).audit();
    expect(result).toMatchObject({ ok: true, summary: { breaches: 2, incidents: 2, occurrences: 2, findings: 0 } });
  });

  test('may hold several breaches of a key in one incident, by reopening', () => {
    const later = breachFrom(40, 50);
    const { write, incidents, audit } = instance([warm]);
    const row = incidents[0]?.row ?? expect.fail();
    const id = write.again(row, later);
    expect(found(audit([warm, later]))).toEqual(['wrongTimes', 'wronglyOpen']);
    write.recovered(row, later, id);
    write.resolved(row, later, id);
    expect(found(audit([warm, later]))).toEqual([]);
  });

  test('may hold a breach that lasts', () => {
    const lasting = breachFrom(10, null);
    expect(instance([lasting]).audit().ok).toBe(true);
  });

  test('may hold work of other people, and what they write about ours', () => {
    const { told, write, incidents, audit } = instance([warm]);
    const row = incidents[0]?.row ?? expect.fail();
    told.rows.push({
      ...row,
      sys_id: write.nextId(),
      correlation_id: '',
      correlation_display: '',
      description: 'Printer',
    });
    told.journal.push({ ...(told.journal[0] ?? expect.fail()), sys_id: write.nextId(), element: 'comments' });
    write.note(row, warm.startedAtMs, `Is this right?\n${breachLineOf(write.nextId(), humid)}\nBeth`);
    expect(found(audit())).toEqual([]);
  });
});

describe('a clock that was wrong by days', () => {
  const dayMs = 86_400_000;
  const daysAgo = (breach: Breach) => ({
    ...breach,
    startedAtMs: breach.startedAtMs - 2 * dayMs,
    endedAtMs: (breach.endedAtMs ?? 0) - 2 * dayMs,
  });

  test('a corrected start tells of the breach that began then, though an earlier one began near enough', () => {
    const before = breachFrom(7, 9);
    const { write, audit } = instance([before]);
    const { row, id } = write.open(daysAgo(warm));
    write.recovered(row, warm, id);
    write.resolved(row, warm, id);
    const result = audit([before, { ...warm, clockWasWrong: true }], { toleranceMs: 300_000 });
    expect(found(result)).toEqual([]);
  });

  test('notes of one second are listed in any order: the last start is that of the highest sequence', () => {
    const before = breachFrom(7, 9);
    const truth = [before, { ...warm, clockWasWrong: true }];
    const wrongTimes = (first: Breach, second: Breach) => {
      const { told, write, incidents, audit } = instance([before]);
      const row = incidents[0]?.row ?? expect.fail();
      const id = write.again(row, first);
      write.note(row, warm.firedAtMs, `Still breaching: warm.\n\n${breachLineOf(id, second, true)}\n\n[${id}:2]`);
      const ended = { ...warm, startedAtMs: second.startedAtMs };
      write.recovered(row, ended, id);
      write.resolved(row, ended, id);
      told.journal.reverse();
      return audit(truth).wrongTimes;
    };
    expect(wrongTimes(daysAgo(warm), warm)).toEqual([]);
    expect(wrongTimes(warm, daysAgo(warm))).toHaveLength(1);
  });

  test('a start that was never corrected tells of a breach that had to be told, not of one that it spans', () => {
    const perhaps = { ...breachFrom(0, 5), optional: true };
    const { audit } = instance([{ ...warm, startedAtMs: daysAgo(warm).startedAtMs }]);
    expect(found(audit([perhaps, { ...warm, untimed: true }]))).toEqual([]);
    expect(found(audit([perhaps, warm]))).toEqual(['wrongTimes']);
    expect(found(audit([{ ...perhaps, untimed: true }]))).toEqual([]);
  });

  test('what was never corrected tells of a breach that had to be told, not of one that did not', () => {
    const perhaps = { ...breachFrom(0, 10), optional: true };
    const { audit } = instance([daysAgo(warm)]);
    expect(found(audit([perhaps, { ...warm, untimed: true }]))).toEqual([]);
    expect(found(audit([perhaps, warm]))).toEqual(['wrongTimes']);
    expect(found(audit([{ ...perhaps, untimed: true }]))).toEqual([]);
  });
});

describe('planted faults', () => {
  test('a start that was corrected, where there was nothing to correct', () => {
    const wrong = { ...warm, startedAtMs: warm.startedAtMs - 3_600_000 };
    const { write, audit } = instance();
    const { row, id } = write.open(wrong);
    write.recovered(row, warm, id);
    write.resolved(row, warm, id);
    expect(found(audit([warm]))).toEqual(['wrongTimes']);
    expect(found(audit([{ ...warm, clockWasWrong: true }]))).toEqual([]);
  });

  test('two incidents of an occurrence whose rule the truth does not cover', () => {
    const stuck = breachFrom(10, 20, { rule: 'stuck' });
    const { incidents, write, audit } = instance([stuck]);
    expect(found(audit([]))).toEqual([]);
    const { id } = incidents[0] ?? expect.fail();
    write.resolved(write.open(stuck, id).row, stuck, id);
    expect(found(audit([]))).toEqual(['duplicates']);
  });

  test('a sequence that was told after a higher one, some notes ago', () => {
    const lasting = breachFrom(10, null);
    const { incidents, write, audit } = instance([lasting]);
    const { row, id } = incidents[0] ?? expect.fail();
    for (const [index, sequence] of [5, 2, 3].entries()) {
      write.note(row, lasting.firedAtMs + (index + 1) * 60_000, `Still breaching: warm.\n\n[${id}:${sequence}]`);
    }
    const { orderViolations } = audit();
    expect(orderViolations.map(({ what }) => what)).toEqual([
      `breach ${id}: sequence 2 was told after 5`,
      `breach ${id}: sequence 3 was told after 5`,
    ]);
  });

  test('a breach that no incident tells of is lost', () => {
    const result = instance([warm]).audit([warm, humid]);
    expect(found(result)).toEqual(['lost']);
    expect(result.lost).toEqual([humid]);
  });

  test('a breach whose only incident is canceled is lost', () => {
    const { incidents, audit } = instance([warm]);
    const row = incidents[0]?.row ?? expect.fail();
    row.state = '8';
    expect(found(audit())).toEqual(['lost']);
    expect(found(audit([warm], { people: true }))).toEqual([]);
  });

  test('a breach that was canceled as a duplicate of nothing is lost, whatever people may do', () => {
    const { incidents, write, audit } = instance([warm]);
    const { row, id } = incidents[0] ?? expect.fail();
    row.state = '8';
    write.note(row, warm.firedAtMs, `Duplicate of INC0010009: both tell of the same breach.\n\n[${id}:1]`);
    expect(found(audit([warm], { people: true }))).toEqual(['lost']);
  });

  test('two incidents of one occurrence', () => {
    const { write, incidents, audit } = instance([warm]);
    const { id } = incidents[0] ?? expect.fail();
    const second = write.open(warm, id);
    write.resolved(second.row, warm, id);
    const result = audit();
    expect(found(result)).toEqual(['duplicates']);
    expect(result.duplicates).toMatchObject([{ numbers: ['INC0010001', 'INC0010002'] }]);
    second.row.state = '8';
    expect(found(audit())).toEqual([]);
  });

  test('two occurrences of one breach, in two incidents or in one', () => {
    const twice = instance([warm, warm]);
    expect(found(twice.audit([warm]))).toEqual(['duplicates']);
    const { write, incidents, audit } = instance([warm]);
    const { row } = incidents[0] ?? expect.fail();
    const id = write.again(row, { ...warm, startedAtMs: warm.startedAtMs + 60_000, firedAtMs: humid.firedAtMs });
    write.recovered(row, { ...warm, startedAtMs: warm.startedAtMs + 60_000 }, id);
    write.resolved(row, warm, id);
    expect(found(audit())).toContain('duplicates');
  });

  test('two open incidents of one key', () => {
    const lasting = breachFrom(30, null);
    const { write, audit } = instance([breachFrom(10, 20), lasting]);
    const further = breachFrom(40, null);
    write.open(further);
    expect(audit([warm, lasting, further]).duplicates).toMatchObject([
      { what: 'several incidents of one key are open' },
    ]);
  });

  test.each([
    ['start', { ...warm, startedAtMs: warm.startedAtMs + 1_000 }],
    ['end', { ...warm, endedAtMs: (warm.endedAtMs ?? 0) - 1_000 }],
    ['zone', { ...warm, startedAtMs: warm.startedAtMs + 3_600_000, endedAtMs: (warm.endedAtMs ?? 0) + 3_600_000 }],
  ])('a wrong %s', (_what, told) => {
    const { audit } = instance([told]);
    expect(found(audit([warm]))).toEqual(['wrongTimes']);
    expect(found(audit([warm], { toleranceMs: 3_600_000 }))).toEqual([]);
  });

  test('a time that is no time', () => {
    const { told, audit } = instance([warm]);
    for (const entry of told.journal) entry.value = entry.value.replace(/start=\S+/, 'start=yesterday');
    expect(found(audit())).toEqual(['wrongTimes']);
  });

  test('an incident that is open though its breach is over', () => {
    const { incidents, audit } = instance([warm]);
    const { row } = incidents[0] ?? expect.fail();
    row.state = '2';
    row.close_notes = '';
    expect(found(audit())).toEqual(['wronglyOpen']);
    expect(found(audit([warm], { onRecovery: 'note' }))).toEqual([]);
    row.state = '3';
    expect(found(audit())).toEqual([]);
  });

  test('an incident that is resolved while its breach lasts', () => {
    const lasting = breachFrom(10, null);
    const { incidents, write, audit } = instance([lasting]);
    const { row, id } = incidents[0] ?? expect.fail();
    write.resolved(row, lasting, id);
    expect(found(audit())).toEqual(['wronglyResolved']);
    expect(found(audit([lasting], { people: true }))).toEqual(['wronglyResolved']);
    row.close_notes = 'I opened a window.';
    expect(found(audit([lasting], { people: true }))).toEqual([]);
  });

  test('an incident for a breach that never was', () => {
    const { audit } = instance([warm, humid]);
    expect(found(audit([warm]))).toEqual(['withoutBreach']);
  });

  test('an incident of ours that says nothing', () => {
    const { told, write, audit } = instance();
    const { row } = write.open(warm);
    Object.assign(row, { correlation_display: '', description: '' });
    told.journal.splice(0);
    expect(found(audit([]))).toEqual(['withoutBreach']);
  });

  test('an incident under the wrong key', () => {
    const { incidents, audit } = instance([warm]);
    Object.assign(incidents[0]?.row ?? expect.fail(), { correlation_id: 'home/pi/humidity/upper' });
    expect(found(audit())).toEqual(['lost', 'withoutBreach']);
  });

  test('a note that was written twice', () => {
    const { told, write, audit } = instance([warm]);
    const [note] = told.journal;
    told.journal.push({ ...(note ?? expect.fail()), sys_id: write.nextId() });
    expect(found(audit())).toEqual(['doubledNotes']);
  });

  test('a chart that was attached twice', () => {
    const { told, write, audit } = instance([warm]);
    const [chart] = told.attachments;
    told.attachments.push({ ...(chart ?? expect.fail()), sys_id: write.nextId() });
    expect(found(audit())).toEqual(['doubledAttachments']);
  });

  test('an end that was told before the beginning', () => {
    const { told, audit } = instance([warm]);
    const [first] = told.journal;
    (first ?? expect.fail()).sys_created_on = shown((warm.resolvedAtMs ?? 0) + 5_000);
    expect(found(audit())).toEqual(['orderViolations']);
  });

  test('a breach that was told before the end of the one before', () => {
    const later = breachFrom(25, 40);
    const { incidents, write, told, audit } = instance([warm]);
    const { row } = incidents[0] ?? expect.fail();
    const id = write.again(row, later);
    write.recovered(row, later, id);
    write.resolved(row, later, id);
    expect(found(audit([warm, later]))).toEqual([]);
    const recovery = told.journal.find((note) => note.value.startsWith('Recovered')) ?? expect.fail();
    recovery.sys_created_on = shown(later.firedAtMs + 1_000);
    expect(found(audit([warm, later]))).toEqual(['orderViolations']);
  });
});

describe('what is too late to be demanded', () => {
  test('is under way, not lost', () => {
    const result = instance().audit([warm], { settledUntilMs: warm.firedAtMs - 1 });
    expect(found(result)).toEqual([]);
    expect(result.underway).toEqual([warm]);
    expect(found(instance().audit([warm], { settledUntilMs: warm.firedAtMs }))).toEqual(['lost']);
  });

  test('an end, and a resolution inside the quiet period', () => {
    const { write, audit } = instance();
    const { row, id } = write.open(warm);
    const resolvedAtMs = warm.resolvedAtMs ?? 0;
    expect(found(audit([warm], { settledUntilMs: resolvedAtMs - 1 }))).toEqual([]);
    expect(found(audit([warm], { settledUntilMs: resolvedAtMs, quietMs: 1 }))).toEqual(['wrongTimes']);
    write.recovered(row, warm, id);
    expect(found(audit([warm], { settledUntilMs: resolvedAtMs, quietMs: 1 }))).toEqual([]);
    expect(found(audit([warm], { settledUntilMs: resolvedAtMs + 1, quietMs: 1 }))).toEqual(['wronglyOpen']);
  });

  test('a breach at the edge of its delay may be told or not', () => {
    const perhaps = { ...warm, optional: true };
    expect(found(instance().audit([perhaps]))).toEqual([]);
    expect(found(instance([perhaps]).audit())).toEqual([]);
  });
});

describe('a monitor that lost its data directory', () => {
  const lossMs = warm.startedAtMs + 120_000;
  const second = { ...warm, startedAtMs: lossMs + 10_000, firedAtMs: lossMs + 80_000 };
  function lossy() {
    const { write, audit } = instance();
    const { row } = write.open(warm);
    const id = write.again(row, second);
    write.recovered(row, second, id);
    write.resolved(row, second, id);
    return audit;
  }

  test('tells its breach by a second occurrence in the same incident', () => {
    expect(found(lossy()([warm], { monitorLossesMs: [lossMs] }))).toEqual([]);
    expect(found(lossy()([warm]))).toEqual(['duplicates']);
  });

  test('may have lost it right after its first reading, and not before that', () => {
    expect(found(lossy()([warm], { monitorLossesMs: [warm.startedAtMs] }))).toEqual([]);
    expect(found(lossy()([warm], { monitorLossesMs: [warm.startedAtMs - 1] }))).toEqual(['duplicates']);
  });
});

describe('incidents that the handler raises itself', () => {
  const storm = breachFrom(11, 35, { deviceId: '*', metric: '*', rule: 'storm' });
  function stormy() {
    const here = instance([warm]);
    const { row, id } = here.write.open(storm);
    const list = `${breachLineOf('a'.repeat(32), humid, true)} key=home/pi/humidity/upper`;
    here.write.note(
      row,
      storm.firedAtMs + 60_000,
      `Still breaching: 2.\n\n${breachLineOf(id, storm, true)}\n${list}\n\n[${id}:2]`,
    );
    return { ...here, row, id };
  }

  test('are wrong unless they are expected', () => {
    const { audit } = stormy();
    expect(found(audit([warm, humid]))).toContain('withoutBreach');
  });

  test('a storm counts as the incident of what it lists, and is open until all of it is over', () => {
    const { audit, row, id, write } = stormy();
    const policy = { handlerRules: ['storm'] };
    expect(found(audit([warm, { ...humid, endedAtMs: null, resolvedAtMs: null }], policy))).toEqual([]);
    expect(found(audit([warm, humid], policy))).toEqual(['wronglyOpen']);
    write.recovered(row, storm, id);
    write.resolved(row, storm, id);
    expect(found(audit([warm, humid], policy))).toEqual([]);
    expect(found(audit([warm, { ...humid, endedAtMs: null, resolvedAtMs: null }], policy))).toEqual([
      'wronglyResolved',
    ]);
  });

  test('a storm may list another end of a breach where it says that the end is not known, and a store was lost', () => {
    const ends = (id: string) => {
      const here = instance([warm]);
      const opened = here.write.open(storm);
      const early = { ...humid, endedAtMs: humid.startedAtMs + 60_000 };
      const list = `${breachLineOf('a'.repeat(32), early)} key=home/pi/humidity/upper`;
      const unknown = `The time of the end is not known of: ${id}.`;
      const note = `Still breaching: 2.\n\n${list}\n\n${unknown}\n\n[${opened.id}:2]`;
      here.write.note(opened.row, storm.firedAtMs + 60_000, note);
      here.write.recovered(opened.row, storm, opened.id);
      here.write.resolved(opened.row, storm, opened.id);
      const policy = { handlerRules: ['storm'], monitorLossesMs: [humid.startedAtMs + 30_000] };
      return found(here.audit([warm, humid], policy));
    };
    expect(ends('a'.repeat(32))).toEqual([]);
    expect(ends('b'.repeat(32))).toEqual(['wrongTimes']);
  });

  test('a breach in a storm and in an incident of its own is doubled', () => {
    const { audit, write } = stormy();
    write.tell(humid);
    expect(found(audit([warm, humid], { handlerRules: ['storm'] }))).toContain('duplicates');
  });

  test('are judged by their own words', () => {
    const silent = breachFrom(50, 60, { metric: '*', rule: 'device-silent' });
    const { write, audit } = instance([warm]);
    const policy = { handlerRules: ['device-silent'] };
    const { row, id } = write.open(silent);
    expect(found(audit([warm], policy))).toEqual([]);
    write.recovered(row, silent, id);
    expect(found(audit([warm], policy))).toEqual(['wronglyOpen']);
    write.resolved(row, silent, id);
    expect(found(audit([warm], policy))).toEqual([]);
  });
});
