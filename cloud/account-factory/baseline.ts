import { documentOf, longestReason, nameOf, type OrderedProduct, planOf, productsOf } from './baseline-plan.ts';
import { type BaselineDocument, baselineDocument, type ResolvedProduct } from './contract.ts';
import { endNotice, type Notice } from './notices.ts';
import { afterStart, type Observation, type Plan, planStep } from './plan.ts';

/** A product to be provisioned or updated in one account. */
export interface Order {
  /** Of the provisioned product. */
  name: string;
  account: string;
  product: ResolvedProduct;
  operation: 'PROVISION' | 'UPDATE' | 'CREATE';
  /** The same order has the same token whenever it is given, and is carried out once. */
  token: string;
}

export type OrderAnswer =
  | { kind: 'started'; record: string }
  /** Something else changes it. */
  | { kind: 'later'; why: string }
  /** Service Catalog is crowded or away: others have no more luck now. */
  | { kind: 'crowded'; why: string }
  | { kind: 'refused'; why: string };

export interface BaselinePorts {
  provisioning: {
    /** Lets the function's role launch products of a portfolio, if it may not yet. */
    admit(portfolioId: string): Promise<void>;
    give(order: Order): Promise<OrderAnswer>;
    /** What became of an order. */
    recordOf(record: string): Promise<Observation | undefined>;
    /** What is known of a provisioned product that somebody else has ordered. */
    observe(name: string): Promise<Observation | undefined>;
  };
  tracking: {
    /**
     * Writes down that this execution has the product in hand.
     * @returns false while another execution has it in hand.
     */
    claim(row: TrackedProduct): Promise<boolean>;
    /** Does nothing where the newest row of the product is another execution's. */
    finish(name: string, execution: string, status: 'done' | 'failed'): Promise<void>;
  };
  notify(notice: Notice): Promise<void>;
  /** A token of at most 128 letters and digits, the same for the same text. */
  tokenOf(text: string): string;
}

/** A row of the tracking table. */
export interface TrackedProduct {
  name: string;
  product: string;
  version: string;
  account: string;
  regions: readonly string[];
  action: 'deployment' | 'update';
  execution: string;
}

/** One step of the state machine. */
export async function baselineStep(
  document: BaselineDocument,
  execution: string,
  ports: BaselinePorts,
): Promise<BaselineDocument> {
  if (document.status === 'init') {
    for (const portfolio of new Set(productsOf(document).map(({ portfolio_id }) => portfolio_id))) {
      await ports.provisioning.admit(portfolio);
    }
    return { ...document, status: 'progress' };
  }
  const seen = await observeAll(document, ports);
  const step = planStep(planOf(document), (id) => seen.get(id));
  const started = new Map(document.started_products.map((one) => [one.provision_name, one]));
  const notStarted = new Map<string, 'later' | { why: string }>();
  let isCrowded = false;
  for (const id of step.start) {
    if (isCrowded) {
      notStarted.set(id, 'later');
      continue;
    }
    const product = productsOf(document).find(({ provision_name }) => nameOf(document, provision_name) === id);
    if (product === undefined) continue;
    const answer = await start(document, product, execution, ports);
    if (answer.kind === 'started') {
      started.set(product.provision_name, { provision_name: product.provision_name, record: answer.record });
    } else {
      notStarted.set(id, answer.kind === 'refused' ? { why: answer.why } : 'later');
      isCrowded = answer.kind === 'crowded';
    }
  }
  const plan = afterStart(step.plan, notStarted);
  const next = { ...documentOf(document, plan, [...started.values()]), status: step.outcome };
  await finishRows(document, plan, execution, ports.tracking);
  if (next.status !== 'progress') await ports.notify(endNotice({ ...next, status: next.status }, execution));
  return baselineDocument.parse(next);
}

/**
 * The end of a baseline whose machine has failed: what is open is told as failed, and no row stays in progress.
 * @param error what the machine says.
 */
export async function abandon(
  document: BaselineDocument,
  error: string,
  execution: string,
  ports: Pick<BaselinePorts, 'tracking' | 'notify'>,
): Promise<BaselineDocument> {
  const why = `the state machine failed: ${error.slice(0, longestReason)}`;
  const plan = planOf(document);
  const products = plan.products.map((product) => ({
    ...product,
    state:
      product.state.kind === 'waiting' || product.state.kind === 'started'
        ? ({ kind: 'failed', why } as const)
        : product.state,
  }));
  const next = { ...documentOf(document, { ...plan, products }, document.started_products), status: 'failed' } as const;
  // A row can be this execution's although no step has told of its start.
  for (const { name, state } of plan.products) {
    if (state.kind === 'waiting') await ports.tracking.finish(nameOf(document, name), execution, 'failed');
  }
  await finishRows(document, { ...plan, products }, execution, ports.tracking);
  await ports.notify(endNotice(next, execution));
  return next;
}

async function start(
  document: BaselineDocument,
  product: OrderedProduct,
  execution: string,
  { provisioning, tracking, tokenOf }: BaselinePorts,
): Promise<OrderAnswer> {
  const name = nameOf(document, product.provision_name);
  const { account } = document;
  const isClaimed = await tracking.claim({
    ...{ name, account, execution, product: product.product_name, version: product.version, regions: product.regions },
    action: product.operation === undefined ? 'deployment' : 'update',
  });
  if (!isClaimed) return { kind: 'later', why: 'another execution has it in hand' };
  const answer = await provisioning.give({
    ...{ name, account, product, operation: product.operation ?? 'PROVISION' },
    token: tokenOf(`${execution} ${name}`),
  });
  // Not in hand: another execution may have it first.
  if (answer.kind !== 'started') await tracking.finish(name, execution, 'failed');
  return answer;
}

/**
 * What is known of all that was started, and of what others have deployed that a waiting product depends on. Where Service
 * Catalog does not say, it is asked no more in this step, which would outlast its function.
 */
async function observeAll(document: BaselineDocument, { provisioning }: BaselinePorts) {
  const seen = new Map<string, Observation>();
  const { products } = planOf(document);
  const open = products.filter(({ state }) => state.kind === 'waiting' || state.kind === 'started');
  const own = new Set(products.map(({ name }) => name));
  for (const { provision_name, record } of document.started_products) {
    if (!open.some(({ name }) => name === provision_name)) continue;
    const observation = await provisioning.recordOf(record);
    if (observation === undefined) return seen;
    seen.set(nameOf(document, provision_name), observation);
  }
  for (const name of new Set(open.flatMap(({ dependsOn }) => dependsOn.filter((one) => !own.has(one))))) {
    const observation = await provisioning.observe(nameOf(document, name));
    if (observation === undefined) return seen;
    seen.set(nameOf(document, name), observation);
  }
  return seen;
}

/** The rows of what has ended since the document. */
async function finishRows(
  document: BaselineDocument,
  plan: Plan,
  execution: string,
  tracking: BaselinePorts['tracking'],
): Promise<void> {
  const before = new Map(planOf(document).products.map(({ name, state }) => [name, state.kind]));
  for (const { name, state } of plan.products) {
    if (before.get(name) !== 'started' || state.kind === 'started') continue;
    await tracking.finish(nameOf(document, name), execution, state.kind === 'done' ? 'done' : 'failed');
  }
}
