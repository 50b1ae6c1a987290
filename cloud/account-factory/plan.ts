/** One product that one account is to have. Within an account its name is unique. */
export interface PlannedProduct {
  account: string;
  name: string;
  /** Names of products of the same account that have to be there before it. */
  dependsOn: readonly string[];
}

/**
 * | state | becomes | when |
 * |---|---|---|
 * | waiting | started | all that it depends on is there |
 * | waiting | skipped | something that it depends on failed, is skipped or is not there; or time is up |
 * | started | done, failed | it is observed; failed where time is up |
 * | started | waiting, failed | `afterStart`: it could not be started now, or at all |
 * | done, failed, skipped | – | |
 */
export type ProductState =
  | { kind: 'waiting' }
  | { kind: 'started' }
  | { kind: 'done' }
  | { kind: 'failed'; why: string }
  /** `meant`: left out because it was asked for; else because of another's failure. */
  | { kind: 'skipped'; why: string; meant: boolean };

export interface Plan {
  products: readonly (PlannedProduct & { state: ProductState })[];
  /** Steps so far. */
  iteration: number;
  maxIterations: number;
}

/** What is known of a product outside of the plan, or of one that was started. */
export type Observation =
  | { kind: 'there' }
  | { kind: 'changing' }
  | { kind: 'absent' }
  | { kind: 'failed'; why: string };

export type Outcome = 'progress' | 'done' | 'partially-failed' | 'failed' | 'timed-out';

export interface Step {
  /** To be started now, by id. */
  start: readonly string[];
  plan: Plan;
  outcome: Outcome;
}

/** Unique over accounts. */
export const idOf = ({ account, name }: Pick<PlannedProduct, 'account' | 'name'>): string => `${account}-${name}`;

export type GraphProblem =
  | { kind: 'duplicate'; id: string }
  | { kind: 'unknown-dependency'; id: string; dependency: string }
  /** From each to the next, and from the last to the first. */
  | { kind: 'cycle'; ids: readonly string[] };

/**
 * Why products can never all be there: names that are taken twice, dependencies that nobody has, circles.
 * @param isThere whether a product outside of the list is there already, by id.
 */
export function graphProblems(
  products: readonly PlannedProduct[],
  isThere: (id: string) => boolean = () => false,
): GraphProblem[] {
  const byId = new Map(products.map((product) => [idOf(product), product]));
  const ids = products.map(idOf);
  const duplicates = new Set(ids.filter((id, index) => ids.indexOf(id) !== index));
  const unknown = products.flatMap((product) =>
    dependenciesOf(product)
      .filter((id) => !byId.has(id) && !isThere(id))
      .map((dependency): GraphProblem => ({ kind: 'unknown-dependency', id: idOf(product), dependency })),
  );
  return [
    ...[...duplicates].map((id): GraphProblem => ({ kind: 'duplicate', id })),
    ...unknown,
    ...cyclesOf(byId).map((ids): GraphProblem => ({ kind: 'cycle', ids })),
  ];
}

/** What a product has to wait for, by id. */
export function dependenciesOf({ account, dependsOn }: PlannedProduct): string[] {
  return [...new Set(dependsOn)].map((name) => idOf({ account, name }));
}

/** One circle of each group of products that wait for each other; by removing what waits for nothing, as often as it goes. */
function cyclesOf(byId: ReadonlyMap<string, PlannedProduct>): string[][] {
  const left = new Map([...byId].map(([id, product]) => [id, dependenciesOf(product).filter((one) => byId.has(one))]));
  for (let removed = true; removed; ) {
    removed = false;
    for (const [id, waitsFor] of left) {
      if (waitsFor.some((one) => left.has(one))) continue;
      left.delete(id);
      removed = true;
    }
  }
  const cycles: string[][] = [];
  const seen = new Set<string>();
  for (const start of left.keys()) {
    const path: string[] = [];
    let at: string | undefined = start;
    while (at !== undefined && !seen.has(at)) {
      seen.add(at);
      path.push(at);
      at = left.get(at)?.find((one) => left.has(one));
    }
    if (at !== undefined && path.includes(at)) cycles.push(path.slice(path.indexOf(at)));
  }
  return cycles;
}

/**
 * One step: settles what was started, skips what can no longer be, and names what is to be started. Every step counts, so
 * that after `maxIterations` of them all products are done, failed or skipped, whatever is observed.
 * @param observe what is known of a started product, or of one outside of the plan; undefined is not known yet.
 */
export function planStep(plan: Plan, observe: (id: string) => Observation | undefined): Step {
  const settled = plan.products.map((product) => ({ ...product, state: settle(product, observe(idOf(product))) }));
  const states = new Map(settled.map((product) => [idOf(product), product.state]));
  // Each skip can cause others; a chain is at most as long as the list.
  for (let changed = true; changed; ) {
    changed = false;
    for (const product of settled) {
      if (states.get(idOf(product))?.kind !== 'waiting') continue;
      const why = hindrance(product, states, observe);
      if (why === undefined) continue;
      states.set(idOf(product), { kind: 'skipped', why, meant: false });
      changed = true;
    }
  }
  const isTimeUp = plan.iteration >= plan.maxIterations;
  const start = isTimeUp
    ? []
    : settled
        .filter((product) => states.get(idOf(product))?.kind === 'waiting')
        .filter((product) => dependenciesOf(product).every((id) => isDone(id, states, observe)))
        .map(idOf);
  for (const id of start) states.set(id, { kind: 'started' });
  const open = [...states.values()].some(isOpen);
  const products = settled.map((product) => {
    const state = states.get(idOf(product)) ?? product.state;
    return { ...product, state: isTimeUp ? timedOut(state, plan.maxIterations) : state };
  });
  const outcome = open ? (isTimeUp ? 'timed-out' : 'progress') : outcomeOf(products.map(({ state }) => state));
  return { start, plan: { ...plan, products, iteration: plan.iteration + 1 }, outcome };
}

/**
 * The plan after its starts were tried.
 * @param notStarted `later`: waits again; else why it can never be started. What is not named was started.
 */
export function afterStart(plan: Plan, notStarted: ReadonlyMap<string, 'later' | { why: string }>): Plan {
  return {
    ...plan,
    products: plan.products.map((product) => {
      const answer = notStarted.get(idOf(product));
      if (answer === undefined || product.state.kind !== 'started') return product;
      return { ...product, state: answer === 'later' ? { kind: 'waiting' } : { kind: 'failed', why: answer.why } };
    }),
  };
}

const isOpen = ({ kind }: ProductState) => kind === 'waiting' || kind === 'started';

function settle({ state }: { state: ProductState }, seen: Observation | undefined): ProductState {
  if (state.kind !== 'started' || seen === undefined || seen.kind === 'changing') return state;
  if (seen.kind === 'there') return { kind: 'done' };
  return { kind: 'failed', why: seen.kind === 'failed' ? seen.why : 'it is not there any more' };
}

/** Why a waiting product can never be started; undefined where it may be. */
function hindrance(
  product: PlannedProduct,
  states: ReadonlyMap<string, ProductState>,
  observe: (id: string) => Observation | undefined,
): string | undefined {
  for (const id of dependenciesOf(product)) {
    const state = states.get(id);
    if (state?.kind === 'failed' || state?.kind === 'skipped') return `${id}, which it depends on, is ${state.kind}`;
    if (state !== undefined) continue;
    const outside = observe(id);
    if (outside?.kind === 'failed') return `${id}, which it depends on, has failed: ${outside.why}`;
    if (outside?.kind === 'absent') return `${id}, which it depends on, is not there`;
  }
  return undefined;
}

function isDone(
  id: string,
  states: ReadonlyMap<string, ProductState>,
  observe: (id: string) => Observation | undefined,
): boolean {
  const state = states.get(id);
  return state === undefined ? observe(id)?.kind === 'there' : state.kind === 'done';
}

function timedOut(state: ProductState, steps: number): ProductState {
  if (state.kind === 'started') return { kind: 'failed', why: `not finished after ${steps} iterations` };
  if (state.kind === 'waiting') return { kind: 'skipped', why: `not started within ${steps} iterations`, meant: false };
  return state;
}

function outcomeOf(states: readonly ProductState[]): Outcome {
  const failed = states.filter((state) => state.kind === 'failed' || (state.kind === 'skipped' && !state.meant));
  if (failed.length === 0) return 'done';
  return states.some(({ kind }) => kind === 'done') ? 'partially-failed' : 'failed';
}
