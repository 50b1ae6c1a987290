import type { Catalogue, Named } from './catalogue.ts';
import type { BaselineDocument, Product, ResolvedProduct } from './contract.ts';
import { operationOf } from './operation.ts';
import { graphProblems, idOf, type PlannedProduct } from './plan.ts';

/** One product that one account is asked to have. */
export interface ProductRequest {
  account: string;
  product: Product;
  deployIfNotExist: boolean;
}

export interface ResolveSettings {
  /** File and version, for people. */
  origin: string;
  maxIterations: number;
  /** Control Tower's own account. */
  masterAccount: string;
}

export type Resolved =
  | { ok: true; documents: readonly BaselineDocument[] }
  /** A sentence for each thing that cannot be. */
  | { ok: false; refusals: readonly string[] };

/** Requests at a time: Service Catalog takes some ten calls a second. */
const atOnce = 5;
/** More products × accounts are not looked up in the time of a function. */
export const mostRequests = 1_000;

/**
 * What a file asks for, in the words of Service Catalog, a document for each account. All or nothing: where one product
 * cannot be, none is started.
 */
export async function resolve(
  requests: readonly ProductRequest[],
  catalogue: Catalogue,
  { origin, maxIterations, masterAccount }: ResolveSettings,
): Promise<Resolved> {
  if (requests.length > mostRequests) {
    const says = `${requests.length} products × accounts are asked for at once, of at most ${mostRequests}: split the file.`;
    return { ok: false, refusals: [says] };
  }
  const found = await lookUp(requests, catalogue);
  const accounts = [...new Set(requests.map(({ account }) => account))].map(
    (account) => [account, requests.filter((request) => request.account === account)] as const,
  );
  const refusals = new Set([...found.refusals, ...(await graphRefusals(accounts, catalogue))]);
  if (refusals.size > 0) return { ok: false, refusals: [...refusals] };
  const documents = new Map(accounts.map(([account]) => [account, emptyDocument(account, origin, maxIterations)]));
  await inTurns(requests, async ({ account, product, deployIfNotExist }) => {
    const document = documents.get(account);
    const ids = found.of(product);
    if (document === undefined || ids === undefined) return;
    const name = idOf({ account, name: product.provision_name });
    const present = await catalogue.provisioned(name);
    const regions = present?.type === 'CFN_STACKSET' ? await catalogue.regionsOf(present.id, account) : [];
    const operation = operationOf(
      { regions: product.regions, dependsOn: product.dependson, deployIfNotExist },
      present === undefined ? undefined : { type: present.type, regions },
    );
    const resolved = { ...ids, ...described(product, account, masterAccount), provision_name: product.provision_name };
    switch (operation.kind) {
      case 'deploy':
        document.provision_products.push({ ...resolved, regions: [...operation.regions] });
        break;
      case 'update':
        document.update_products.push({
          ...{ ...resolved, regions: [...operation.regions], operation: operation.operation },
        });
        break;
      case 'skip':
        document.skipped_products.push({ provision_name: product.provision_name, why: operation.why, meant: true });
        break;
      case 'refuse':
        refusals.add(`${name}: ${operation.why}.`);
    }
  });
  return refusals.size > 0
    ? { ok: false, refusals: [...refusals].toSorted() }
    : { ok: true, documents: [...documents.values()] };
}

type Ids = Pick<ResolvedProduct, 'product_id' | 'product_name' | 'artifact_id' | 'version' | 'portfolio_id'>;

/** Ids of portfolios, products and versions, each looked up once. */
async function lookUp(requests: readonly ProductRequest[], catalogue: Catalogue) {
  const keyOf = ({ portfolio_name, product_name, product_version }: Product) =>
    JSON.stringify([portfolio_name, product_name, product_version]);
  const wanted = new Map(requests.map(({ product }) => [keyOf(product), product]));
  const [portfolios, products, artifacts] = [
    once((name: string) => catalogue.portfoliosCalled(name)),
    once((id: string) => catalogue.productsOf(id)),
    once((id: string) => catalogue.artifactsOf(id)),
  ];
  const ids = new Map<string, Ids>();
  const refusals = new Set<string>();
  await inTurns([...wanted], async ([key, { portfolio_name, product_name, product_version }]) => {
    const [portfolio, another] = await portfolios(portfolio_name);
    if (portfolio === undefined) return refusals.add(`There is no portfolio "${portfolio_name}".`);
    if (another !== undefined) return refusals.add(`More than one portfolio is called "${portfolio_name}".`);
    const product = newest((await products(portfolio)).filter(({ name }) => name.includes(product_name)));
    if (product === undefined) {
      return refusals.add(`The portfolio "${portfolio_name}" has no product "${product_name}".`);
    }
    const versions = await artifacts(product.id);
    const artifact = newest(versions.filter(({ name }) => product_version === undefined || name === product_version));
    if (artifact === undefined) {
      return refusals.add(`The product "${product.name}" has no active version ${product_version ?? 'at all'}.`);
    }
    return ids.set(key, {
      ...{ product_id: product.id, product_name: product.name, portfolio_id: portfolio },
      ...{ artifact_id: artifact.id, version: artifact.name },
    });
  });
  return { refusals, of: (product: Product) => ids.get(keyOf(product)) };
}

/** Names that are taken twice, circles, and dependencies that are neither asked for nor there. */
async function graphRefusals(
  accounts: readonly (readonly [string, readonly ProductRequest[]])[],
  catalogue: Catalogue,
): Promise<string[]> {
  const refusals: string[] = [];
  await inTurns(accounts, async ([account, requests]) => {
    const planned = requests.map(
      ({ product }): PlannedProduct => ({ account, name: product.provision_name, dependsOn: product.dependson }),
    );
    for (const problem of graphProblems(planned)) {
      if (problem.kind === 'duplicate') refusals.push(`${problem.id} is asked for twice.`);
      else if (problem.kind === 'cycle') refusals.push(`${problem.ids.join(' → ')} depend on each other.`);
      else if ((await catalogue.provisioned(problem.dependency)) === undefined) {
        refusals.push(`${problem.id} depends on ${problem.dependency}, which is neither in the file nor deployed.`);
      }
    }
  });
  return refusals.toSorted();
}

function described(product: Product, account: string, masterAccount: string) {
  const substituted = (value: string) =>
    value.replaceAll('{accountid}', account).replaceAll('{masteraccountid}', masterAccount);
  return {
    portfolio_name: product.portfolio_name,
    dependson: product.dependson,
    parameters: product.parameters.map(({ Key, Value }) => ({ Key, Value: substituted(Value) })),
  };
}

function emptyDocument(account: string, origin: string, maxIterations: number): BaselineDocument {
  return {
    ...{ account, origin, status: 'init', max_iterations: maxIterations, iteration: 0 },
    ...{ provision_products: [], update_products: [], started_products: [] },
    ...{ deployed_products: [], failed_products: [], skipped_products: [] },
  };
}

const newest = (named: readonly Named[]) => named.toSorted((a, b) => b.createdMs - a.createdMs)[0];

function once<T>(ask: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const asked = new Map<string, Promise<T>>();
  return (key) => {
    const answer = asked.get(key) ?? ask(key);
    asked.set(key, answer);
    return answer;
  };
}

async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  for (let start = 0; start < items.length; start += atOnce) {
    await Promise.all(items.slice(start, start + atOnce).map(work));
  }
}
