import type { BaselineDocument, ResolvedProduct } from './contract.ts';
import { idOf, type Plan, type ProductState } from './plan.ts';

/** Characters: fifty of them beside the largest document are still less than a state may have. */
export const longestReason = 500;

export type OrderedProduct = ResolvedProduct & { operation?: 'UPDATE' | 'CREATE' };
export const productsOf = ({ provision_products, update_products }: BaselineDocument): OrderedProduct[] => [
  ...provision_products,
  ...update_products,
];
/** Of the provisioned product. */
export const nameOf = ({ account }: BaselineDocument, name: string) => idOf({ account, name });

/** The machine's document as the planner knows it. */
export function planOf(document: BaselineDocument): Plan {
  const { account, iteration, max_iterations } = document;
  const stateOf = (name: string): ProductState => {
    if (document.deployed_products.includes(name)) return { kind: 'done' };
    const failed = document.failed_products.find(({ provision_name }) => provision_name === name);
    if (failed !== undefined) return { kind: 'failed', why: failed.why };
    const skipped = document.skipped_products.find(({ provision_name }) => provision_name === name);
    if (skipped !== undefined) return { kind: 'skipped', why: skipped.why, meant: skipped.meant };
    const isStarted = document.started_products.some(({ provision_name }) => provision_name === name);
    return { kind: isStarted ? 'started' : 'waiting' };
  };
  const ordered = productsOf(document).map(({ provision_name: name, dependson: dependsOn }) => ({ name, dependsOn }));
  const leftOut = document.skipped_products
    .filter(({ provision_name }) => !ordered.some(({ name }) => name === provision_name))
    .map(({ provision_name }) => ({ name: provision_name, dependsOn: [] }));
  return {
    iteration,
    maxIterations: max_iterations,
    products: [...ordered, ...leftOut].map((one) => ({ ...one, account, state: stateOf(one.name) })),
  };
}

/** The document with what the plan says of its products. */
export function documentOf(
  document: BaselineDocument,
  { products, iteration }: Plan,
  started: BaselineDocument['started_products'],
): BaselineDocument {
  const next: BaselineDocument = {
    ...{ ...document, iteration, started_products: started },
    ...{ deployed_products: [], failed_products: [], skipped_products: [] },
  };
  for (const { name: provision_name, state } of products) {
    if (state.kind === 'done') next.deployed_products.push(provision_name);
    if (state.kind === 'failed') next.failed_products.push({ provision_name, why: state.why.slice(0, longestReason) });
    if (state.kind === 'skipped') {
      next.skipped_products.push({ provision_name, why: state.why.slice(0, longestReason), meant: state.meant });
    }
  }
  return next;
}
