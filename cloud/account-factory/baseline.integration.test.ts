import { ServiceCatalogClient } from '@aws-sdk/client-service-catalog';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startServiceCatalog, type TestServiceCatalog } from '../testing/service-catalog.ts';
import { abandon, type BaselinePorts, baselineStep } from './baseline.ts';
import type { BaselineDocument, ResolvedProduct } from './contract.ts';
import type { Notice } from './notices.ts';
import { createProvisioning } from './provisioning.aws.ts';

const account = '111122223333';
const roleArn = 'arn:aws:iam::999988887777:role/control-tower-account-factory-lambda-role';
const product = (provision_name: string, ...dependson: string[]): ResolvedProduct => ({
  ...{
    provision_name,
    dependson,
    product_name: 'a product',
    product_id: 'prod-0',
    version: 'v1',
    artifact_id: 'pa-v1',
  },
  ...{ portfolio_id: 'port-Baseline', portfolio_name: 'Baseline', parameters: [], regions: ['us-east-1'] },
});
const documentOf = (...provision_products: ResolvedProduct[]): BaselineDocument => ({
  ...{
    account,
    origin: 'config.yml, version v1',
    status: 'init',
    max_iterations: 10,
    iteration: 0,
    provision_products,
  },
  ...{ update_products: [], started_products: [], deployed_products: [], failed_products: [], skipped_products: [] },
});

describe('a baseline', () => {
  let serviceCatalog: TestServiceCatalog;
  let ports: BaselinePorts;
  let rows: Map<string, { execution: string; status: string }>;
  let told: Notice[];
  const name = (provisionName: string) => `${account}-${provisionName}`;
  const launched = () => serviceCatalog.launches.map((launch) => launch.name.slice(account.length + 1));
  const statuses = () =>
    Object.fromEntries([...rows].map(([id, { status }]) => [id.slice(account.length + 1), status]));

  /** Steps until it ends; at most as many as the machine would take. */
  async function run(document: BaselineDocument): Promise<BaselineDocument> {
    let at = document;
    do at = JSON.parse(JSON.stringify(await baselineStep(at, 'execution', ports)));
    while (at.status === 'progress' && at.iteration < 50);
    return at;
  }

  beforeEach(async () => {
    serviceCatalog = await startServiceCatalog([{ portfolio: 'Baseline', name: 'a product', versions: ['v1'] }], 0);
    const { endpoint } = serviceCatalog;
    const AccountList = [account];
    serviceCatalog.constraints.set('stackset', {
      ...{ PortfolioId: 'port-Baseline', ProductId: 'prod-0', Type: 'STACKSET' },
      Parameters: JSON.stringify({ Properties: { AccountList, RegionList: ['us-east-1', 'eu-west-1'] } }),
    });
    rows = new Map();
    told = [];
    ports = {
      provisioning: createProvisioning(
        new ServiceCatalogClient({
          ...{ endpoint, region: 'eu-west-1', maxAttempts: 1 },
          credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
        }),
        roleArn,
      ),
      tracking: {
        async claim({ name: id, execution }) {
          const row = rows.get(id);
          if (row?.status === 'in-progress' && row.execution !== execution) return false;
          rows.set(id, { execution, status: 'in-progress' });
          return true;
        },
        async finish(id, execution, status) {
          if (rows.get(id)?.execution === execution) rows.set(id, { execution, status });
        },
      },
      notify: async (notice) => {
        told.push(notice);
      },
      tokenOf: (text) => text.replaceAll(' ', '_'),
    };
  });

  afterEach(() => serviceCatalog.stop());

  test('deploys each product after those that it depends on, and tells the end', async () => {
    serviceCatalog.scripts.set(name('iam'), { polls: 3 });
    const end = await run(documentOf(product('logs', 'iam'), product('edge', 'logs', 'iam'), product('iam')));
    expect(end).toMatchObject({ status: 'done', deployed_products: ['logs', 'edge', 'iam'], failed_products: [] });
    expect(launched()).toEqual(['iam', 'logs', 'edge']);
    expect(statuses()).toEqual({ iam: 'done', logs: 'done', edge: 'done' });
    expect(told).toMatchObject([{ subject: `Baseline Completed: account ${account}` }]);
    expect([...(serviceCatalog.principals.get('port-Baseline') ?? [])]).toEqual([roleArn]);
  });

  test('goes on past what one product fails with, and skips what depends on it (partial failure)', async () => {
    serviceCatalog.scripts.set(name('iam'), { polls: 1, error: 'no such role' });
    const end = await run(documentOf(product('iam'), product('logs', 'iam'), product('vpc')));
    expect(end).toMatchObject({
      ...{ status: 'partially-failed', deployed_products: ['vpc'] },
      failed_products: [{ provision_name: 'iam', why: 'no such role' }],
      skipped_products: [{ provision_name: 'logs', meant: false }],
    });
    expect(statuses()).toEqual({ iam: 'failed', vpc: 'done' });
    expect(JSON.parse(told[0]?.message ?? '')).toMatchObject({
      account,
      execution: 'execution',
      iterations: end.iteration,
    });
  });

  test('that Service Catalog refuses outright has failed, with its words', async () => {
    const end = await run(documentOf({ ...product('iam'), regions: ['us-west-2'] }));
    expect(end).toMatchObject({
      status: 'failed',
      failed_products: [{ why: expect.stringContaining('InvalidParametersException') }],
    });
    expect(statuses()).toEqual({ iam: 'failed' });
  });

  test('waits for a crowded Service Catalog, and its steps count (throttle)', async () => {
    const first = await baselineStep(documentOf(product('iam'), product('vpc')), 'execution', ports);
    // Asked once: the second product would have no more luck.
    serviceCatalog.throttle(1);
    const second = await baselineStep(first, 'execution', ports);
    expect(second).toMatchObject({ status: 'progress', iteration: 1, started_products: [] });
    expect(await run(second)).toMatchObject({ status: 'done' });
    expect(launched()).toEqual(['iam', 'vpc']);
  });

  test('has timed out when its steps are used up, and leaves no row open', async () => {
    serviceCatalog.scripts.set(name('iam'), { polls: 1_000 });
    const end = await run(documentOf(product('iam'), product('logs', 'iam')));
    expect(end).toMatchObject({ status: 'timed-out', iteration: 11 });
    expect(statuses()).toEqual({ iam: 'failed' });
    expect(told).toMatchObject([{ subject: `Baseline time out: account ${account}` }]);
  });

  test('gives an order whose step was lost once', async () => {
    const first = await baselineStep(documentOf(product('iam')), 'execution', ports);
    // The machine calls again with what it knows.
    await baselineStep(first, 'execution', ports);
    expect(await run(first)).toMatchObject({ status: 'done' });
    expect(launched()).toEqual(['iam']);
  });

  test('updates what is there, and adds regions to it', async () => {
    const stacks = [{ Account: account, Region: 'us-east-1' }];
    for (const one of ['iam', 'logs']) {
      serviceCatalog.provisioned.set(name(one), { ...{ id: one, productId: 'prod-0', status: 'AVAILABLE' }, stacks });
    }
    const end = await run({
      ...documentOf(),
      update_products: [
        { ...product('iam'), operation: 'UPDATE' },
        { ...product('logs'), operation: 'CREATE', regions: ['eu-west-1'] },
      ],
    });
    expect(end.status).toBe('done');
    expect(serviceCatalog.launches).toMatchObject([
      { name: name('iam'), operation: 'UPDATE', regions: ['us-east-1'] },
      { name: name('logs'), operation: 'CREATE', regions: ['eu-west-1'] },
    ]);
  });

  test('waits while somebody else changes a product', async () => {
    const present = { ...{ id: 'iam', productId: 'prod-0', status: 'UNDER_CHANGE' }, stacks: [] };
    serviceCatalog.provisioned.set(name('iam'), present);
    const document = { ...documentOf(), update_products: [{ ...product('iam'), operation: 'UPDATE' as const }] };
    const first = await baselineStep(document, 'execution', ports);
    const second = await baselineStep(first, 'execution', ports);
    expect(second).toMatchObject({ status: 'progress', started_products: [] });
    present.status = 'AVAILABLE';
    expect(await run(second)).toMatchObject({ status: 'done' });
  });

  test.each([
    ['AVAILABLE', { status: 'done' }],
    ['TAINTED', { status: 'failed', skipped_products: [{ why: expect.stringContaining('has failed: TAINTED') }] }],
    [undefined, { status: 'failed', skipped_products: [{ why: expect.stringContaining('is not there') }] }],
  ])('takes what it depends on outside of it for what it is: %s', async (status, end) => {
    if (status !== undefined) {
      serviceCatalog.provisioned.set(name('iam'), { ...{ id: 'iam', productId: 'prod-0', status }, stacks: [] });
    }
    expect(await run(documentOf(product('logs', 'iam')))).toMatchObject(end);
  });

  test('touches no product that another execution has in hand', async () => {
    rows.set(name('iam'), { execution: 'another', status: 'in-progress' });
    const end = await run(documentOf(product('iam'), product('vpc')));
    expect(end).toMatchObject({
      status: 'timed-out',
      deployed_products: ['vpc'],
      skipped_products: [{ provision_name: 'iam' }],
    });
    expect(rows.get(name('iam'))).toEqual({ execution: 'another', status: 'in-progress' });
  });

  test('with nothing but what its file leaves out is done', async () => {
    const skipped_products = [{ provision_name: 'iam', why: 'it is not deployed there', meant: true }];
    expect(await run({ ...documentOf(), skipped_products })).toMatchObject({ status: 'done', skipped_products });
  });

  test('whose machine fails is told, and leaves no row open', async () => {
    const first = await baselineStep(documentOf(product('iam'), product('logs', 'iam')), 'execution', ports);
    const second = await baselineStep(first, 'execution', ports);
    // Claimed, and then the step was lost.
    rows.set(name('logs'), { execution: 'execution', status: 'in-progress' });
    const end = await abandon(second, 'States.Timeout: ', 'execution', ports);
    expect(end).toMatchObject({
      status: 'failed',
      failed_products: [{ provision_name: 'iam' }, { provision_name: 'logs' }],
    });
    expect(statuses()).toEqual({ iam: 'failed', logs: 'failed' });
    expect(told).toMatchObject([
      { subject: `Baseline failed: account ${account}`, message: expect.stringContaining('States.Timeout') },
    ]);
  });
});
