import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fetchedOf, summaryOf } from './conclude.ts';
import type { CanvasSchema, Column } from './contract.ts';
import { fileKey, type PlanInput, planPull } from './plan.ts';

const listed = (filename: string, table = 'user_dim') => ({ table, filename, url: `https://canvas.test/${filename}` });
const schema = (...columns: [string, string][]): CanvasSchema => ({
  version: '4.2.0',
  schema: { user: { tableName: 'user_dim', columns: columns.map(([name, type]) => ({ name, type })) } },
});
const usual = schema(['id', 'bigint'], ['name', 'varchar(255)'], ['created_at', 'datetime'], ['birthdate', 'date']);
const input = (fields: Partial<PlanInput> = {}): PlanInput => ({
  list: { incomplete: false, files: [listed('u-2.gz')] },
  schema: usual,
  allowed: { user_dim: ['id', 'created_at'] },
  present: new Set(),
  catalogue: new Map(),
  ...fields,
});
const known = (...columns: [string, string][]): PlanInput['catalogue'] =>
  new Map([['user_dim', columns.map(([name, type]): Column => ({ name, type }))]]);

test('a new table has the allowed columns, and its files are taken by their places; the others stay at Canvas', () => {
  const { plan, files } = planPull(input());
  expect(plan.tables).toEqual([
    {
      ...{ table: 'user_dim', change: 'created' },
      columns: [
        { name: 'id', type: 'bigint' },
        { name: 'created_at', type: 'timestamp' },
      ],
    },
  ]);
  expect(files).toEqual([{ ...listed('u-2.gz'), key: 'raw_files/user_dim/u-2.gz', sourceColumns: 4, take: [0, 2] }]);
  expect(plan.leftAtSource).toEqual({ user_dim: ['name', 'birthdate'] });
});

test('a file that is there is skipped, and one that is not listed any more is obsolete (duplicate)', () => {
  const present = new Set(['u-1.gz', 'u-2.gz'].map((name) => fileKey('user_dim', name)).concat('raw_files/other/o.gz'));
  const { plan, files } = planPull(input({ present }));
  expect([files, plan.skipped, plan.obsolete]).toEqual([[], 1, ['raw_files/user_dim/u-1.gz']]);
  const incomplete = planPull(input({ present, list: { incomplete: true, files: [listed('u-2.gz')] } }));
  expect(incomplete.plan.obsolete).toEqual([]);
});

test('a new column stands behind those of the catalogue, wherever Canvas has it', () => {
  const { plan, files } = planPull(
    input({
      allowed: { user_dim: ['name', 'id', 'created_at'] },
      catalogue: known(['id', 'bigint'], ['created_at', 'timestamp']),
    }),
  );
  expect(plan.tables[0]).toMatchObject({ change: 'extended' });
  expect(plan.tables[0]?.columns.map(({ name }) => name)).toEqual(['id', 'created_at', 'name']);
  expect(files[0]?.take).toEqual([0, 2, 1]);
});

test('a column that may not leave Canvas any more keeps its place and is left empty', () => {
  const catalogue = known(['id', 'bigint'], ['name', 'string'], ['created_at', 'timestamp']);
  const { plan, files } = planPull(input({ catalogue }));
  expect(plan.tables[0]).toMatchObject({ change: 'same' });
  expect(files[0]?.take).toEqual([0, null, 2]);
});

test.each([
  ['column is missing', { schema: schema(['id', 'bigint']) }, 'column-missing'],
  ['column has another type', { catalogue: known(['id', 'string']) }, 'type-changed'],
  ['column has a type that nobody knows', { schema: schema(['id', 'bigint'], ['created_at', 'json']) }, 'unknown-type'],
  ['files are all gone', { list: { incomplete: false, files: [] } }, 'no-files'],
  ['schema is gone', { schema: { version: '5', schema: {} } }, 'table-missing'],
])('a table whose %s is refused and left as it is (bad schema)', (_, fields, reason) => {
  const present = new Set([fileKey('user_dim', 'u-1.gz')]);
  const { plan, files } = planPull(input({ present, ...fields }));
  expect(plan.refused).toMatchObject([{ table: 'user_dim', reason }]);
  expect([files, plan.tables, plan.obsolete]).toEqual([[], [], []]);
});

test('while a file is missing nothing is deleted (partial failure)', () => {
  const present = new Set([fileKey('user_dim', 'u-1.gz')]);
  const { plan } = planPull(
    input({ present, list: { incomplete: false, files: [listed('u-2.gz'), listed('u-3.gz')] } }),
  );
  const half = fetchedOf(plan, new Set([...present, fileKey('user_dim', 'u-2.gz')]));
  expect(half).toEqual({ missing: ['raw_files/user_dim/u-3.gz'], remove: [] });
  expect(summaryOf(plan, half)).toMatchObject({ total_files: 2, fetched_files: 1, removed_files: 0 });
  const whole = fetchedOf(plan, new Set([...present, ...plan.fetch]));
  expect(whole).toEqual({ missing: [], remove: ['raw_files/user_dim/u-1.gz'] });
  expect(summaryOf(plan, whole)).toMatchObject({ fetched_files: 2, removed_files: 1, tables_created: ['user_dim'] });
});

test('a listed file is fetched or skipped, nothing that is listed is obsolete, and no column leaves that is not allowed', () => {
  const names = fc.uniqueArray(fc.constantFrom('a.gz', 'b.gz', 'c.gz', 'd.gz'), { minLength: 1 });
  const columns = fc.uniqueArray(fc.constantFrom('id', 'name', 'created_at', 'birthdate'), { minLength: 1 });
  fc.assert(
    fc.property(names, names, columns, (listedNames, presentNames, allowed) => {
      const present = new Set(presentNames.map((name) => fileKey('user_dim', name)));
      const files = listedNames.map((name) => listed(name));
      const planned = planPull(input({ list: { incomplete: false, files }, present, allowed: { user_dim: allowed } }));
      const { plan } = planned;
      expect(plan.fetch.length + plan.skipped).toBe(listedNames.length);
      const keys = listedNames.map((name) => fileKey('user_dim', name));
      expect(plan.obsolete.filter((key) => keys.includes(key))).toEqual([]);
      const source = usual.schema['user']?.columns ?? [];
      for (const { take } of planned.files) {
        expect(take.map((place) => (place === null ? '' : source[place]?.name))).toEqual(allowed);
      }
    }),
  );
});
