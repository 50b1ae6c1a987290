import { readFileSync } from 'node:fs';
import { ServiceCatalogClient, ServiceCatalogServiceException } from '@aws-sdk/client-service-catalog';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startServiceCatalog, type TestServiceCatalog } from '../testing/service-catalog.ts';
import { createCatalogue } from './catalogue.aws.ts';
import { type BaselineDocument, type FactoryEvent, factoryEvent } from './contract.ts';
import type { Notice } from './notices.ts';
import { mostRequests } from './resolve.ts';
import { type StartPorts, type StoredFile, takeEvent } from './start.ts';

const template = (name: string) => readFileSync(new URL(`./${name}-template.yml`, import.meta.url), 'utf8');
const settings = {
  ...{ bucket: 'files', configurationKey: 'config.yml', updateKey: 'update.yml' },
  ...{ maxIterations: 30, masterAccount: '999988887777' },
  stackSetRoles: { adminRoleArn: 'arn:aws:iam::999988887777:role/admin', executionRole: 'execution' },
};
const account = '111122223333';
const created: FactoryEvent = { kind: 'account-created', account, accountName: 'site', organizationalUnit: 'Sites' };
const uploaded = (key: string, versionId?: string, sequencer = '01'): FactoryEvent => ({
  ...{ kind: 'file-uploaded', bucket: 'files', key, versionId, sequencer },
});

describe('an event', () => {
  let serviceCatalog: TestServiceCatalog;
  let ports: StartPorts;
  let files: Record<string, StoredFile>;
  let units: Record<string, string[]>;
  let started: Map<string, BaselineDocument>;
  let told: Notice[];
  const file = (text: string): StoredFile => ({ kind: 'file', text, version: 'v1' });
  const take = (event: FactoryEvent) => takeEvent(event, ports, settings);
  const documents = () => [...started.values()];
  const constraints = () =>
    [...serviceCatalog.constraints.values()].map(({ Type, ProductId, Parameters }) => {
      const { Properties } = JSON.parse(Parameters);
      const name = serviceCatalog.products.find(({ id }) => id === ProductId)?.name;
      return [name, Type, Properties?.AccountList, Properties?.RegionList];
    });
  /** As if it had been deployed before. */
  const provision = (name: string, Region: string) =>
    serviceCatalog.provisioned.set(name, {
      ...{ id: `pp-${name}`, productId: 'prod-0', status: 'AVAILABLE' },
      stacks: [{ Account: account, Region }],
    });

  beforeEach(async () => {
    serviceCatalog = await startServiceCatalog(
      [
        { portfolio: 'Others', name: 'iam-baseline', versions: ['v9'] },
        { portfolio: 'Baseline', name: 'old iam-baseline', versions: ['v1'] },
        { portfolio: 'Baseline', name: 'new iam-baseline', versions: ['v1', 'v2'] },
        { portfolio: 'Baseline', name: 'log-baseline', versions: ['v1.0', 'v1.1', 'v2'] },
        { portfolio: 'Baseline', name: 'edge-baseline', versions: ['v1'] },
      ],
      0,
    );
    const { endpoint } = serviceCatalog;
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    files = { 'config.yml': file(template('config')), 'update.yml': file(template('update')) };
    units = { Sites: ['222233334444'] };
    started = new Map();
    told = [];
    ports = {
      files: { read: async (key) => files[key] ?? { kind: 'absent' } },
      catalogue: createCatalogue(
        new ServiceCatalogClient({ ...{ endpoint, credentials, region: 'eu-west-1', maxAttempts: 1 } }),
      ),
      organization: { accountsOf: async (names) => new Map(names.map((name) => [name, units[name]])) },
      machine: {
        exists: async (name) => started.has(name),
        async start(name, document) {
          if (started.has(name)) return false;
          started.set(name, document);
          return true;
        },
      },
      notify: async (notice) => {
        told.push(notice);
      },
      digestOf: (text) => `digest of ${text}`,
    };
  });

  afterEach(() => serviceCatalog.stop());

  test('of a new account starts what the default and its unit say, by the newest product and the version that is named', async () => {
    expect(await take(created)).toEqual({ kind: 'started', executions: 1, existed: 0 });
    expect([...started.keys()]).toEqual([`control-tower-account-factory-execution-${account}-digest of config.yml v1`]);
    expect(documents()[0]).toMatchObject({
      ...{ account, status: 'init', max_iterations: 30, iteration: 0, update_products: [], skipped_products: [] },
      provision_products: expect.arrayContaining([
        expect.objectContaining({ provision_name: 'iam', product_name: 'new iam-baseline', version: 'v2' }),
        expect.objectContaining({
          ...{ provision_name: 'logs', version: 'v1.0', dependson: ['iam'], regions: ['us-east-1', 'eu-west-1'] },
          parameters: [{ Key: 'BucketName', Value: `logs-${account}-999988887777` }],
        }),
        expect.objectContaining({ provision_name: 'edge', portfolio_id: 'port-Baseline' }),
      ]),
    });
    expect(constraints()).toEqual([
      ['new iam-baseline', 'STACKSET', [account], ['us-east-1']],
      ['log-baseline', 'STACKSET', [account], ['us-east-1', 'eu-west-1']],
      ['edge-baseline', 'STACKSET', [account], ['eu-west-1']],
    ]);
    expect(told).toEqual([]);
  });

  test('that comes again starts nothing, and changes no constraint (duplicate)', async () => {
    await take(created);
    const before = structuredClone(constraints());
    expect(await take(created)).toEqual({ kind: 'started', executions: 0, existed: 1 });
    expect(constraints()).toEqual(before);
  });

  test('that comes again after half of it was started goes on with the other half, whatever the first has deployed', async () => {
    files['update.yml'] = file(
      template('update').replace(
        'regions: [us-east-1, eu-west-1]',
        'regions: [us-east-1, eu-west-1]\n    accounts: [111122223333]',
      ),
    );
    provision(`${account}-iam`, 'us-east-1');
    const { start } = ports.machine;
    ports.machine.start = async (name, document) => {
      if (document.account !== account) throw new Error('connection lost');
      return start(name, document);
    };
    await expect(take(uploaded('update.yml', 'v7'))).rejects.toThrow('connection lost');
    expect(documents().map((one) => one.account)).toEqual([account]);
    // The first account's execution is under way: one of its two regions has its stack.
    provision(`${account}-logs`, 'us-east-1');
    ports.machine.start = start;
    expect(await take(uploaded('update.yml', 'v7'))).toEqual({ kind: 'started', executions: 1, existed: 1 });
    expect(told).toEqual([]);
  });

  const refusedWith = (name: string) => {
    const error = new ServiceCatalogServiceException({ name, $fault: 'client', $metadata: {} });
    ports.catalogue = { ...ports.catalogue, portfoliosCalled: () => Promise.reject(error) };
  };

  test.each(['ValidationException', 'InvalidParametersException'])(
    'whose request AWS refuses for good with %s is parked and told, and does not hold up the others',
    async (name) => {
      refusedWith(name);
      expect(await take(created)).toMatchObject({ kind: 'parked', reason: 'refused' });
      expect(told[0]?.message).toContain(name);
    },
  );

  test.each([
    'AccessDeniedException',
    'ThrottlingException',
    'LimitExceededException',
    'ResourceInUseException',
    'ExpiredTokenException',
  ])('that fails with %s, which a retry or a person cures, comes again', async (name) => {
    refusedWith(name);
    await expect(take(created)).rejects.toMatchObject({ name });
    expect(told).toEqual([]);
  });

  test('of a second account lets it in beside the first, and takes the place of a launch constraint', async () => {
    serviceCatalog.constraints.set('launch', {
      ...{ PortfolioId: 'port-Baseline', ProductId: 'prod-2', Type: 'LAUNCH', Parameters: '{"RoleArn":"x"}' },
    });
    await take(created);
    await take({ ...created, account: '222233334444' });
    expect(constraints()).toContainEqual(['new iam-baseline', 'STACKSET', [account, '222233334444'], ['us-east-1']]);
    expect(constraints().map(([, type]) => type)).toEqual(['STACKSET', 'STACKSET', 'STACKSET']);
  });

  test('of an upload updates what is there, deploys what may be, and leaves out what may not', async () => {
    provision(`${account}-iam`, 'us-east-1');
    expect(await take(uploaded('update.yml', 'v7'))).toEqual({ kind: 'started', executions: 2, existed: 0 });
    const [listed, ofUnit] = documents();
    expect(listed).toMatchObject({
      ...{ account, origin: 'update.yml, version v1', provision_products: [] },
      update_products: [{ provision_name: 'iam', operation: 'UPDATE', regions: ['us-east-1'] }],
    });
    expect(ofUnit).toMatchObject({
      ...{ account: '222233334444', update_products: [] },
      provision_products: [{ provision_name: 'logs', dependson: ['iam'] }],
      skipped_products: [{ provision_name: 'iam', why: 'it is not deployed there', meant: true }],
    });
  });

  test('of the same file uploaded again starts it again, also in a bucket without versions', async () => {
    for (const sequencer of ['01', '01', '02']) {
      await take(uploaded('update.yml', undefined, sequencer));
    }
    expect(started.size).toBe(4);
  });

  test.each([
    [
      'has no such portfolio',
      'portfolio_name: Baseline',
      'portfolio_name: Nothing',
      'There is no portfolio "Nothing".',
    ],
    [
      'has no such product',
      'product_name: iam',
      'product_name: xyz',
      'The portfolio "Baseline" has no product "xyz-baseline".',
    ],
    [
      'has no such version',
      'product_version: v1.1',
      'product_version: v7',
      'The product "log-baseline" has no active version v7.',
    ],
    [
      'has no such unit',
      'organization_units: [Sites]\n    deploy',
      'organization_units: [Nowhere]\n    deploy',
      'There is no organisational unit "Nowhere", or more than one is called so.',
    ],
    [
      'has no such dependency',
      'dependson: [iam]',
      'dependson: [vpc]',
      '222233334444-logs depends on 222233334444-vpc, which is neither in the file nor deployed.',
    ],
    [
      'is asked for the same twice',
      'provision_name: logs',
      'provision_name: iam',
      '222233334444-iam is asked for twice.',
    ],
  ])('that the world %s starts nothing and is told', async (_, from, to, says) => {
    const changed = template('update')
      .replace(from, to)
      .replace('dependson: [iam]', to.startsWith('provision') ? 'dependson: []' : 'dependson: [iam]');
    files['update.yml'] = file(changed);
    const taken = await take(uploaded('update.yml', 'v2'));
    expect(taken).toMatchObject({ kind: 'parked', reason: 'refused' });
    expect(JSON.parse(told[0]?.message ?? '')).toMatchObject({ problems: expect.arrayContaining([says]) });
    expect([started.size, serviceCatalog.constraints.size]).toEqual([0, 0]);
  });

  test('that adds a region to a product that depends on another is refused before anything is written', async () => {
    provision('222233334444-logs', 'us-west-2');
    serviceCatalog.provisioned.get('222233334444-logs')?.stacks.push({ Account: '222233334444', Region: 'us-west-2' });
    expect(await take(uploaded('update.yml', 'v2'))).toMatchObject({ kind: 'parked', reason: 'refused' });
    expect(told[0]?.message).toContain('222233334444-logs: adding us-east-1, eu-west-1 is not possible with dependson');
    expect([started.size, serviceCatalog.constraints.size]).toEqual([0, 0]);
  });

  test('of a product whose constraint is none that is known here is refused before any is written', async () => {
    serviceCatalog.constraints.set('unknown', {
      ...{ PortfolioId: 'port-Baseline', ProductId: 'prod-4', Type: 'STACKSET', Parameters: '{"Version":"1.0"}' },
    });
    expect(await take(created)).toMatchObject({ kind: 'parked', reason: 'refused' });
    expect(told[0]?.message).toContain('The stack set constraint unknown of \\"edge-baseline\\"');
    expect([started.size, serviceCatalog.constraints.size]).toEqual([0, 1]);
  });

  test('whose file is not valid starts nothing, and is told with line and column', async () => {
    files['config.yml'] = file(template('config').replace('dependson: [iam]', 'dependson: [vpc]'));
    for (const event of [created, uploaded('config.yml')]) {
      expect(await take(event)).toMatchObject({ kind: 'parked', reason: 'bad-configuration' });
      expect(JSON.parse(told.at(-1)?.message ?? '')).toMatchObject({
        file: 'config.yml, version v1',
        problems: [{ line: 14, column: 9, path: 'organization_units.default.products[1].dependson' }],
      });
    }
    expect(started.size).toBe(0);
  });

  test.each([
    ['is valid', 'config.yml', { kind: 'nothing-to-do' }],
    ['is neither file', 'other.yml', { kind: 'ignored' }],
  ] as const)('of an uploaded file that %s is done with', async (_, key, taken) => {
    expect(await take(uploaded(key))).toEqual(taken);
    expect([started.size, told.length]).toEqual([0, 0]);
  });

  test('of another bucket is ignored', async () => {
    expect(await takeEvent(uploaded('update.yml'), ports, { ...settings, bucket: 'another' })).toEqual({
      kind: 'ignored',
    });
  });

  test('whose file is gone, or too large, is parked and told', async () => {
    files['update.yml'] = { kind: 'too-large', version: 'v1' };
    expect(await take(uploaded('update.yml'))).toMatchObject({ kind: 'parked', reason: 'bad-configuration' });
    files = {};
    expect(await take(created)).toMatchObject({ kind: 'parked', reason: 'no-file' });
    expect(told).toHaveLength(2);
  });

  test('of an account without a product is done with', async () => {
    files['config.yml'] = file(
      'organization_units:\n  Others:\n    products:\n      - {product_name: a, portfolio_name: b, provision_name: c, regions: [us-east-1]}\n',
    );
    expect(await take(created)).toEqual({ kind: 'nothing-to-do' });
  });

  test('that asks for more than can be looked up is refused', async () => {
    units['Sites'] = Array.from({ length: mostRequests }, (_, index) => String(index).padStart(12, '0'));
    expect(await take(uploaded('update.yml'))).toMatchObject({ kind: 'parked', reason: 'refused' });
    expect(told[0]?.message).toContain('split the file');
  });

  test('that asks for more than a state may hold is refused', async () => {
    const value = 'ü'.repeat(3_500);
    const parameters = Array.from({ length: 25 }, (_, index) => `{Key: k${index}, Value: ${value}}`).join(', ');
    files['update.yml'] = file(
      template('update').replace(
        'regions: [us-east-1]',
        `regions: [us-east-1]\n    deployifnotexist: true\n    parameters: [${parameters}]`,
      ),
    );
    expect(await take(uploaded('update.yml', 'v2'))).toMatchObject({ kind: 'parked', reason: 'refused' });
    expect(told[0]?.message).toContain('is larger than 150000 bytes: split the file');
    expect([started.size, serviceCatalog.constraints.size]).toEqual([0, 0]);
  });

  test('that Service Catalog is too crowded for comes again', async () => {
    serviceCatalog.throttle(1);
    await expect(take(created)).rejects.toThrow('Rate exceeded');
    expect([started.size, told.length]).toEqual([0, 0]);
    expect(await take(created)).toMatchObject({ kind: 'started' });
  });
});

describe('a message of the queue', () => {
  const status = {
    state: 'SUCCEEDED',
    account: { accountId: account, accountName: 'site' },
    organizationalUnit: { organizationalUnitName: 'Sites', organizationalUnitId: 'ou-1' },
  };
  const message = (createManagedAccountStatus: object) => ({
    'detail-type': 'AWS Service Event via CloudTrail',
    source: 'aws.controltower',
    detail: { eventName: 'CreateManagedAccount', serviceEventDetails: { createManagedAccountStatus } },
  });

  test('is an account that was made', () => {
    expect(factoryEvent.parse(message(status))).toEqual(created);
  });

  test.each([
    ['an account that failed', message({ ...status, state: 'FAILED' })],
    ['an account without an id', message({ ...status, account: { accountName: 'site' } })],
    ['anything else', { source: 'aws.controltower' }],
  ])('is not %s', (_, other) => {
    expect(factoryEvent.safeParse(other).success).toBe(false);
  });
});
