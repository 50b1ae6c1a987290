import { readFileSync } from 'node:fs';
import { RegionInfo } from 'aws-cdk-lib/region-info';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maxFileBytes, productsOf, readConfigurationFile, readUpdateFile } from './configuration-file.ts';
import { regions } from './contract.ts';

const template = (name: string) => readFileSync(new URL(`./${name}-template.yml`, import.meta.url), 'utf8');
const configuration = template('config');
const update = template('update');

/** Places and sentences of what is wrong: `13:21 path: sentence`. */
function told(read: ReturnType<typeof readConfigurationFile> | ReturnType<typeof readUpdateFile>): string[] {
  return read.ok ? [] : read.problems.map(({ line, column, path, says }) => `${line}:${column} ${path}: ${says}`);
}

test('regions are those of AWS', () => {
  expect([...regions].toSorted()).toEqual(RegionInfo.regions.map(({ name }) => name).toSorted());
});

describe('config.yml', () => {
  test('is read as its template says, the default products first', () => {
    const read = readConfigurationFile(configuration);
    if (!read.ok) throw new Error(told(read).join('\n'));
    expect(productsOf(read.value, 'Sites').map(({ provision_name }) => provision_name)).toEqual([
      'iam',
      'logs',
      'edge',
    ]);
    expect(productsOf(read.value, 'Others').map(({ provision_name }) => provision_name)).toEqual(['iam', 'logs']);
    expect(productsOf(read.value, 'constructor')).toHaveLength(2);
    expect(productsOf(read.value, 'default')[1]).toEqual({
      product_name: 'log-baseline',
      product_version: 'v1.0',
      portfolio_name: 'Baseline',
      provision_name: 'logs',
      dependson: ['iam'],
      parameters: [{ Key: 'BucketName', Value: 'logs-{accountid}-{masteraccountid}' }],
      regions: ['us-east-1', 'eu-west-1'],
    });
    expect(read.value.max_iterations).toBe(0);
  });

  test.each([
    [
      'a field is missing',
      ['        portfolio_name: Baseline\n', ''],
      /^6:9 .*products\[0\]\.portfolio_name: is missing$/,
    ],
    [
      'a field is misspelt',
      ['dependson: [iam]', 'depends_on: [iam]'],
      /^14:9 .*products\[1\]\.depends_on: is no field of this place$/,
    ],
    [
      'a region is none',
      ['us-east-1, eu-west-1', 'us-east-1, eu-west-9'],
      /^18:30 .*regions\[1\]: is no region of AWS$/,
    ],
    ['a region stands twice', ['us-east-1, eu-west-1', 'us-east-1, us-east-1'], /names us-east-1 twice$/],
    ['a dependency is unknown', ['[logs]', '[log]'], /^24:9 .*dependson: log is no provision_name of the same unit/],
    ['the default depends on a unit', ['[iam]', '[edge]'], /^14:9 .*: edge is no provision_name/],
    [
      'two products have one name',
      ['provision_name: edge', 'provision_name: logs'],
      /logs is the name of two products/,
    ],
    ['the units are none', ['organization_units:', 'organisation_units:'], /^3:1 organization_units: is missing$/],
    [
      'the iterations are too many',
      ['max_iterations: 0', 'max_iterations: 241'],
      /^26:\d+ max_iterations: is no whole/,
    ],
    ['it is no YAML', ['regions: [us-east-1]', 'regions: [us-east-1'], /^\d+:\d+ : /],
    ['a key stands twice', ['provision_name: iam', 'product_name: iam'], /^\d+:\d+ : .*unique/],
    ['an alias is used', ['[iam]', '*iam'], /^\d+:\d+ : /],
  ])('is refused with the place where %s (bad schema)', (_, [from, to], says) => {
    const changed = configuration.replace(from ?? '', to ?? '');
    expect(changed).not.toBe(configuration);
    expect(told(readConfigurationFile(changed))[0]).toMatch(says);
  });

  test('is refused with the circle that its products form', () => {
    const circle = configuration.replace('provision_name: iam\n', 'provision_name: iam\n        dependson: [logs]\n');
    expect(told(readConfigurationFile(circle))).toEqual([
      '9:9 organization_units.default.products[0].dependson: depends on itself: iam → logs → iam',
    ]);
  });

  test.each([
    ['large', 'a'.repeat(maxFileBytes + 1)],
    ['deep', `organization_units: ${'['.repeat(5_000)}`],
    ['deep by indents', Array.from({ length: 200 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')],
    ['deep in one line', `${'- '.repeat(5_000)}a`],
    ['made of aliases', 'a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]'],
    ['a list', '- a'],
    ['empty', ''],
  ])('that is %s is refused', (_, text) => {
    expect(told(readConfigurationFile(text))).not.toEqual([]);
  });

  test('of any text is read or refused with places, and never throws', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.string().map((text) => `${configuration}${text}`),
        ),
        (text) => {
          const read = readConfigurationFile(text);
          if (!read.ok) expect(read.problems.length).toBeGreaterThan(0);
        },
      ),
    );
  });
});

describe('update.yml', () => {
  test('is read as its template says', () => {
    const read = readUpdateFile(update);
    if (!read.ok) throw new Error(told(read).join('\n'));
    expect(read.value.products).toMatchObject([
      { accounts: ['111122223333'], organization_units: ['Sites'], deployifnotexist: false },
      { accounts: [], organization_units: ['Sites'], deployifnotexist: true, dependson: ['iam'] },
    ]);
  });

  test('keeps the zeros of an account', () => {
    const read = readUpdateFile(update.replace('111122223333', '000000000123'));
    expect(read).toMatchObject({ ok: true, value: { products: [{ accounts: ['000000000123'] }, {}] } });
  });

  test.each([
    ['an account is none', ['111122223333', '11112222333'], /^7:16 products\[0\]\.accounts\[0\]: is no account id/],
    [
      'there is no target',
      ['    organization_units: [Sites]\n    deploy', '    deploy'],
      /^9:5 products\[1\]: has neither/,
    ],
    ['a switch is no switch', ['true #', 'yes #'], /deployifnotexist: is neither true nor false/],
    ['a product depends on itself', ['[iam]', '[logs]'], /dependson: logs depends on itself/],
    ['a region stands twice', ['us-east-1, eu-west-1', 'us-east-1, us-east-1'], /names us-east-1 twice$/],
  ])('is refused with the place where %s', (_, [from, to], says) => {
    const changed = update.replace(from ?? '', to ?? '');
    expect(changed).not.toBe(update);
    expect(told(readUpdateFile(changed))[0]).toMatch(says);
  });
});
