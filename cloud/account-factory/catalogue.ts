/** What Service Catalog has, as far as a baseline needs to know it. Lists are whole; where one is longer than its bound, the call throws. */
export interface Catalogue {
  /** Ids of the portfolios with this display name. */
  portfoliosCalled(displayName: string): Promise<readonly string[]>;
  productsOf(portfolioId: string): Promise<readonly Named[]>;
  /** Versions that may be launched. */
  artifactsOf(productId: string): Promise<readonly Named[]>;
  /** A provisioned product by its name; undefined where there is none. */
  provisioned(name: string): Promise<ProvisionedProduct | undefined>;
  /** Where a provisioned product of type `CFN_STACKSET` has stacks in an account. */
  regionsOf(provisionedProductId: string, account: string): Promise<readonly string[]>;
  constraintsOf(portfolioId: string, productId: string): Promise<readonly Constraint[]>;
  createStackSetConstraint(portfolioId: string, productId: string, parameters: string): Promise<void>;
  updateConstraint(constraintId: string, parameters: string): Promise<void>;
  deleteConstraint(constraintId: string): Promise<void>;
}

export interface Named {
  id: string;
  name: string;
  /** Epoch ms. */
  createdMs: number;
}

export interface ProvisionedProduct {
  id: string;
  /** `CFN_STACKSET`, `CFN_STACK`, … */
  type: string;
}

export interface Constraint {
  id: string;
  /** `LAUNCH`, `STACKSET`, … */
  type: string;
  /** JSON. */
  parameters: string;
}
