import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { changeRecord, jobEvent } from './contract.ts';
import { change, row } from './test-events.ts';
import { publishedJobEvent, translate } from './translate.ts';

const typesOf = (record: Parameters<typeof translate>[0]) => {
  const translated = translate(record);
  return translated.ok ? translated.events.map(({ eventType }) => eventType) : translated.detail;
};

describe('a change of a row', () => {
  test.each([
    ['a new row', change.insert(7), ['JobCreated']],
    ['a removed row', change.remove(7), ['JobDeleted']],
    ['another salary', change.update(7, row({ annual_salary: 1 })), ['JobSalaryUpdated']],
    ['another description', change.update(7, row({ description: 'x' })), ['JobDescriptionUpdated']],
    ['another requirement', change.update(7, row({ requirements: 'x' })), ['JobRequirementsUpdated']],
    [
      'all of them, in this order',
      change.update(7, row({ annual_salary: 1, requirements: 'x', description: 'x' })),
      ['JobDescriptionUpdated', 'JobRequirementsUpdated', 'JobSalaryUpdated'],
    ],
    ['another employer', change.update(7, row({ employer: 'x', annual_salary: 1 })), ['JobDeleted', 'JobCreated']],
    ['a column that nobody is interested in', change.update(7, row({ modified_by: 'clerk-8' })), []],
    ['another table', { ...change.insert(7), table: 'invoices' }, []],
  ])('%s is told by its events', (_what, record, types) => {
    expect(typesOf(record)).toEqual(types);
  });

  test('a row that is no job is told by the column that is wrong (bad schema)', () => {
    expect(typesOf(change.insert(7, '1', row({ annual_salary: 'much' })))).toMatch(/^after\.annual_salary: /);
    expect(typesOf(change.update(7, row(), '1', {}))).toMatch(/^before\.category: /);
    expect(typesOf(change.update(7, {}))).toMatch(/^after: /);
  });

  test('a change that comes again has the same ids, so it is published once (duplicate)', () => {
    const record = change.update(7, row({ annual_salary: 1, description: 'x' }));
    expect(translate(record)).toEqual(translate(record));
    expect(translate(record)).toMatchObject({
      events: [
        { id: '7-JobDescriptionUpdated', eventSequence: '70' },
        { id: '7-JobSalaryUpdated', eventSequence: '71' },
      ],
    });
  });

  const text = fc.constantFrom('a', 'b');
  const rows = fc.record({
    category: text,
    employer: text,
    description: text,
    requirements: text,
    annual_salary: fc.constantFrom(1, 2),
  });

  test('whatever changes, the events fit the contract, their ids differ, and their sequence grows with the log', () => {
    fc.assert(
      fc.property(rows, rows, fc.nat(1_000), (before, after, lsn) => {
        const told = [change.update(lsn, after, '1', before), change.update(lsn + 1, before, '1', after)].flatMap(
          (record) => {
            const translated = translate(changeRecord.parse(record));
            return translated.ok ? translated.events : [];
          },
        );
        for (const one of told) expect(jobEvent.parse(JSON.parse(publishedJobEvent(one).body))).toEqual(one);
        expect(new Set(told.map(({ id }) => id)).size).toBe(told.length);
        const sequences = told.map(({ eventSequence }) => BigInt(eventSequence));
        expect(sequences).toEqual(sequences.toSorted((a, b) => (a < b ? -1 : 1)));
      }),
    );
  });
});

test('an event is published in the group of its job, by its id and type', () => {
  const translated = translate(change.remove(7, '42'));
  const [event] = translated.ok ? translated.events : [];
  if (event === undefined) throw new Error('nothing was told');
  expect(publishedJobEvent(event)).toMatchObject({
    id: '7-JobDeleted',
    groupId: 'JOB-42',
    eventType: 'JobDeleted',
    subject: 'Job 42 deleted',
  });
});
