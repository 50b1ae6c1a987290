import { expect, test } from 'vitest';
import { reportInput, reportOf } from './report.ts';

const summary = {
  ...{ total_files: 3, fetched_files: 2, skipped_files: 1, removed_files: 1, missing_files: [] as string[] },
  ...{ tables_created: ['user_dim'], tables_updated: [], columns_left_at_source: { user_dim: ['name'] } },
  refused_tables: [] as { table: string; reason: string; detail: string }[],
};
const done = (fields = {}, rows = 0) =>
  reportOf({ execution: 'e1', summary: { ...summary, ...fields }, validation: [{ query: 'duplicate-users', rows }] });

test('a pull with all that it should have is complete', () => {
  const { outcome, subject, message } = done();
  expect([outcome, subject]).toEqual(['complete', 'Canvas pull complete: 2 of 3 files fetched']);
  expect(JSON.parse(message)).toEqual({
    ...{ execution: 'e1', ...summary, validation: [{ query: 'duplicate-users', rows: 0 }] },
  });
});

test.each([
  [{ missing_files: ['raw_files/a/b'] }, 0, '1 files missing'],
  [{ refused_tables: [{ table: 'user_dim', reason: 'type-changed', detail: '' }] }, 0, '1 tables refused'],
  [{}, 7, '1 validations failed'],
])('with %j and %i rows that must not be it is incomplete', (fields, rows, problem) => {
  expect(done(fields, rows)).toMatchObject({ outcome: 'incomplete', subject: `Canvas pull incomplete: ${problem}` });
});

test('a pull that failed is told with its error', () => {
  const input = reportInput.parse({ execution: 'e1', error: { Error: 'SourceError', Cause: 'Canvas is away' } });
  expect(reportOf(input)).toMatchObject({ outcome: 'failed', subject: 'Canvas pull failed: nothing was deleted' });
  expect(reportOf(input).message).toContain('Canvas is away');
});
