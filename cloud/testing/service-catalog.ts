import { once } from 'node:events';
import { createServer } from 'node:http';
import { z } from 'zod';

/** What a test says of a product that is launched. */
export interface Script {
  /** How often its record is asked for until it has ended. */
  polls: number;
  /** Why it fails; else it succeeds. */
  error?: string;
}

export interface CataloguedProduct {
  portfolio: string;
  name: string;
  versions: readonly string[];
}

/** A launch that was carried out, in order. */
export interface Launch {
  name: string;
  operation: 'PROVISION' | 'UPDATE' | 'CREATE';
  version: string;
  accounts: readonly string[];
  regions: readonly string[];
  parameters: readonly { Key: string; Value: string }[];
}

interface Provisioned {
  id: string;
  productId: string;
  status: string;
  stacks: { Account: string; Region: string }[];
}

/** An error of Service Catalog. */
class Fault extends Error {
  readonly type: string;
  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

const text = z.string();
const targets = z.object({
  StackSetAccounts: z.array(text).default([]),
  StackSetRegions: z.array(text).default([]),
  StackSetOperationType: z.enum(['CREATE', 'UPDATE']).optional(),
});
const launchInput = z.object({
  ProductId: text,
  ProvisioningArtifactId: text,
  PathName: text,
  ProvisionedProductName: text,
  ProvisioningParameters: z.array(z.object({ Key: text, Value: text })).default([]),
  ProvisioningPreferences: targets,
  ProvisionToken: text.optional(),
  UpdateToken: text.optional(),
});
const constraintInput = z.object({ PortfolioId: text, ProductId: text, Type: text, Parameters: text });
type ConstraintInput = z.infer<typeof constraintInput>;
const allowed = z.object({ Properties: z.object({ AccountList: z.array(text), RegionList: z.array(text) }) });

export interface TestServiceCatalog {
  /** `http://127.0.0.1:…` */
  endpoint: string;
  readonly products: readonly (CataloguedProduct & { id: string; portfolioId: string })[];
  /** What was launched, in order. */
  readonly launches: readonly Launch[];
  /** By the name of the provisioned product; one that has none succeeds at once. */
  readonly scripts: Map<string, Script>;
  readonly constraints: Map<string, ConstraintInput>;
  /** ARNs by portfolio. */
  readonly principals: Map<string, Set<string>>;
  readonly provisioned: Map<string, Provisioned>;
  /** So many of the next requests are throttled. */
  throttle(requests: number): void;
  stop(): Promise<void>;
}

/**
 * Those operations of Service Catalog that neither the local account nor moto have, for products that are stack sets, and
 * `ListPortfolios` for them. It lets nobody launch who is no principal of the portfolio, and nothing into an account or region
 * that no constraint names; the same token is carried out once.
 * @param port on loopback; 0 takes any.
 */
export async function startServiceCatalog(
  catalogued: readonly CataloguedProduct[],
  port: number,
): Promise<TestServiceCatalog> {
  const products = catalogued.map((product, index) => ({
    ...{ ...product, id: `prod-${index}`, portfolioId: `port-${product.portfolio}` },
  }));
  const launches: Launch[] = [];
  const scripts = new Map<string, Script>();
  const constraints = new Map<string, ConstraintInput>();
  const principals = new Map<string, Set<string>>();
  const provisioned = new Map<string, Provisioned>();
  const records = new Map<string, { name: string; left: number; error: string | undefined }>();
  const recordOfToken = new Map<string, string>();
  let throttled = 0;
  let count = 0;

  function answer(operation: string, input: unknown): { status: number; body: unknown } {
    try {
      if (throttled > 0) {
        throttled -= 1;
        throw new Fault('ThrottlingException', 'Rate exceeded');
      }
      const answers = operations[operation];
      if (answers === undefined) throw new Fault('UnknownOperationException', `${operation} is not known here`);
      return { status: 200, body: answers(input) };
    } catch (error) {
      const [type, message] =
        error instanceof Fault ? [error.type, error.message] : ['InvalidParametersException', String(error)];
      return { status: 400, body: { __type: type, Message: message, message } };
    }
  }

  const operations: Record<string, (input: unknown) => unknown> = {
    ListPortfolios: () => {
      const names = [...new Set(products.map(({ portfolio }) => portfolio))];
      return { PortfolioDetails: names.map((name) => ({ Id: `port-${name}`, DisplayName: name })) };
    },
    // One a page, so that a reader of the first page alone is found out.
    SearchProductsAsAdmin: (input) => {
      const { PortfolioId, PageToken } = z.object({ PortfolioId: text, PageToken: text.optional() }).parse(input);
      const own = products.filter(({ portfolioId }) => portfolioId === PortfolioId);
      const at = Number(PageToken ?? 0);
      return {
        ProductViewDetails: own.slice(at, at + 1).map(({ id, name }) => ({
          ProductViewSummary: { ProductId: id, Name: name },
          CreatedTime: products.findIndex((one) => one.id === id),
        })),
        ...(at + 1 < own.length ? { NextPageToken: String(at + 1) } : {}),
      };
    },
    ListProvisioningArtifacts: (input) => ({
      ProvisioningArtifactDetails: productOf(z.object({ ProductId: text }).parse(input).ProductId).versions.map(
        (Name, index) => ({ Id: `pa-${Name}`, Name, CreatedTime: index, Active: true }),
      ),
    }),
    DescribeProvisionedProduct: (input) => {
      const { Name } = z.object({ Name: text }).parse(input);
      const { id, status } = provisionedAs(Name);
      return { ProvisionedProductDetail: { Id: id, Name, Type: 'CFN_STACKSET', Status: status } };
    },
    ListStackInstancesForProvisionedProduct: (input) => {
      const { ProvisionedProductId } = z.object({ ProvisionedProductId: text }).parse(input);
      return { StackInstances: [...provisioned.values()].find(({ id }) => id === ProvisionedProductId)?.stacks };
    },
    ListConstraintsForPortfolio: (input) => {
      const { PortfolioId, ProductId } = z.object({ PortfolioId: text, ProductId: text }).parse(input);
      const own = [...constraints].filter(([, one]) => one.PortfolioId === PortfolioId && one.ProductId === ProductId);
      return { ConstraintDetails: own.map(([ConstraintId, { Type }]) => ({ ConstraintId, Type })) };
    },
    DescribeConstraint: (input) => ({ ConstraintParameters: constraintOf(input)[1].Parameters }),
    CreateConstraint: (input) => {
      const created = constraintInput.parse(input);
      const others = [...constraints.values()].filter(
        ({ PortfolioId, ProductId }) => PortfolioId === created.PortfolioId && ProductId === created.ProductId,
      );
      if (others.length > 0) throw new Fault('DuplicateResourceException', 'The product has such a constraint already');
      constraints.set(nextId('cons'), created);
      return {};
    },
    UpdateConstraint: (input) => {
      const [id, known] = constraintOf(input);
      constraints.set(id, { ...known, Parameters: z.object({ Parameters: text }).parse(input).Parameters });
      return {};
    },
    DeleteConstraint: (input) => {
      constraints.delete(constraintOf(input)[0]);
      return {};
    },
    ListPrincipalsForPortfolio: (input) => {
      const { PortfolioId } = z.object({ PortfolioId: text }).parse(input);
      if (!products.some(({ portfolioId }) => portfolioId === PortfolioId)) {
        throw new Fault('ResourceNotFoundException', `There is no portfolio ${PortfolioId}`);
      }
      return { Principals: [...(principals.get(PortfolioId) ?? [])].map((PrincipalARN) => ({ PrincipalARN })) };
    },
    AssociatePrincipalWithPortfolio: (input) => {
      const { PortfolioId, PrincipalARN } = z.object({ PortfolioId: text, PrincipalARN: text }).parse(input);
      principals.set(PortfolioId, new Set([...(principals.get(PortfolioId) ?? []), PrincipalARN]));
      return {};
    },
    ProvisionProduct: (input) => launch(input, 'PROVISION'),
    UpdateProvisionedProduct: (input) => launch(input, 'UPDATE'),
    DescribeRecord: (input) => {
      const { Id } = z.object({ Id: text }).parse(input);
      const record = records.get(Id);
      if (record === undefined) throw new Fault('ResourceNotFoundException', `There is no record ${Id}`);
      record.left -= 1;
      const hasEnded = record.left <= 0;
      const product = provisionedAs(record.name);
      if (hasEnded) product.status = record.error === undefined ? 'AVAILABLE' : 'TAINTED';
      const Status = hasEnded ? (record.error === undefined ? 'SUCCEEDED' : 'FAILED') : 'IN_PROGRESS';
      const RecordErrors = Status === 'FAILED' ? [{ Code: 'StackSetFailure', Description: record.error }] : [];
      return { RecordDetail: { RecordId: Id, Status, RecordErrors } };
    },
  };

  function launch(input: unknown, kind: 'PROVISION' | 'UPDATE'): unknown {
    const launched = launchInput.parse(input);
    const { ProvisionedProductName: name, ProvisioningPreferences: preferences } = launched;
    const token = launched.ProvisionToken ?? launched.UpdateToken ?? '';
    const earlier = recordOfToken.get(token);
    if (earlier !== undefined) return { RecordDetail: { RecordId: earlier, Status: 'CREATED' } };
    const product = productOf(launched.ProductId);
    const portfolio = `port-${launched.PathName}`;
    if ((principals.get(portfolio)?.size ?? 0) === 0 || product.portfolioId !== portfolio) {
      throw new Fault('ResourceNotFoundException', `No launch paths found for resource: ${product.id}`);
    }
    const version = product.versions.find((one) => `pa-${one}` === launched.ProvisioningArtifactId);
    if (version === undefined) throw new Fault('ResourceNotFoundException', 'No such provisioning artifact');
    const { StackSetAccounts: accounts, StackSetRegions: regions } = preferences;
    const constraint = [...constraints.values()].find(
      ({ ProductId, PortfolioId, Type }) =>
        ProductId === product.id && PortfolioId === portfolio && Type === 'STACKSET',
    );
    const { AccountList, RegionList } = allowed.parse(
      JSON.parse(constraint?.Parameters ?? '{"Properties":{"AccountList":[],"RegionList":[]}}'),
    ).Properties;
    if (!accounts.every((one) => AccountList.includes(one)) || !regions.every((one) => RegionList.includes(one))) {
      throw new Fault('InvalidParametersException', `${name} is let into neither all of ${accounts} nor ${regions}`);
    }
    const present = provisioned.get(name);
    if (kind === 'PROVISION' && present !== undefined) {
      throw new Fault('InvalidParametersException', `A stack named ${name} already exists`);
    }
    if (kind === 'UPDATE' && provisionedAs(name).status === 'UNDER_CHANGE') {
      throw new Fault('InvalidParametersException', `${name} is under change`);
    }
    const operation = kind === 'PROVISION' ? kind : (preferences.StackSetOperationType ?? 'UPDATE');
    const added = accounts.flatMap((Account) => regions.map((Region) => ({ Account, Region })));
    provisioned.set(name, {
      id: present?.id ?? nextId('pp'),
      productId: product.id,
      status: 'UNDER_CHANGE',
      stacks: operation === 'UPDATE' ? (present?.stacks ?? []) : [...(present?.stacks ?? []), ...added],
    });
    launches.push({ name, operation, version, accounts, regions, parameters: launched.ProvisioningParameters });
    const { polls, error } = scripts.get(name) ?? { polls: 1, error: undefined };
    const record = nextId('rec');
    records.set(record, { name, left: polls, error });
    recordOfToken.set(token, record);
    return { RecordDetail: { RecordId: record, Status: 'CREATED' } };
  }

  function productOf(id: string) {
    const product = products.find((one) => one.id === id);
    if (product === undefined) throw new Fault('ResourceNotFoundException', `There is no product ${id}`);
    return product;
  }

  function provisionedAs(name: string): Provisioned {
    const product = provisioned.get(name);
    if (product === undefined) throw new Fault('ResourceNotFoundException', `There is no provisioned product ${name}`);
    return product;
  }

  function constraintOf(input: unknown): [string, ConstraintInput] {
    const { Id } = z.object({ Id: text }).parse(input);
    const constraint = constraints.get(Id);
    if (constraint === undefined) throw new Fault('ResourceNotFoundException', `There is no constraint ${Id}`);
    return [Id, constraint];
  }

  function nextId(kind: string): string {
    count += 1;
    return `${kind}-${count}`;
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const operation = String(request.headers['x-amz-target']).split('.')[1] ?? '';
      const { status, body } = answer(operation, JSON.parse(Buffer.concat(chunks).toString() || '{}'));
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    endpoint: `http://127.0.0.1:${typeof address === 'object' ? address?.port : port}`,
    ...{ products, launches, scripts, constraints, principals, provisioned },
    throttle(requests) {
      throttled = requests;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
