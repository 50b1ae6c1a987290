import { accessLog, machineRole, type Wildcard } from '../shared/wildcards.ts';

const arn = (service: string, resource: string) =>
  `arn:\${AWS::Partition}:${service}:\${AWS::Region}:\${AWS::AccountId}:${resource}`;
const configured = 'Portfolios and products are named by the configuration files.';

/** Resources of Service Catalog, as the rights name them. */
export const catalog = {
  products: arn('catalog', 'product/*'),
  portfolios: arn('catalog', 'portfolio/*'),
  stackSets: arn('cloudformation', 'stackset/SC-*'),
} as const;

/** What the room has started: called after account and version of a file. */
export const executions = arn(
  'states',
  'execution:control-tower-account-factory-state-machine:control-tower-account-factory-execution-*',
);

export const wildcards: readonly Wildcard[] = [
  {
    path: 'Lookups',
    statement: [
      'organizations:ListAccountsForParent',
      'organizations:ListOrganizationalUnitsForParent',
      'organizations:ListRoots',
      'servicecatalog:CreateConstraint',
      'servicecatalog:DeleteConstraint',
      'servicecatalog:DescribeConstraint',
      'servicecatalog:DescribeProvisionedProduct',
      'servicecatalog:ListConstraintsForPortfolio',
      'servicecatalog:ListPortfolios',
      'servicecatalog:ListProvisioningArtifacts',
      'servicecatalog:ListStackInstancesForProvisionedProduct',
      'servicecatalog:SearchProductsAsAdmin',
      'servicecatalog:UpdateConstraint',
    ].join(', '),
    resource: '*',
    reason:
      'Lists and constraints know no resource, and portfolios, products and units are named by the configuration files.',
  },
  {
    path: 'Start/FunctionRole',
    statement: 'states:DescribeExecution',
    ...{ resource: executions, reason: 'Executions are called after accounts and versions of files.' },
  },
  {
    path: 'BaselineRole',
    statement: 'servicecatalog:ProvisionProduct',
    ...{ resource: catalog.products, reason: configured },
  },
  {
    path: 'BaselineRole',
    statement: 'servicecatalog:AssociatePrincipalWithPortfolio',
    ...{ resource: catalog.portfolios, reason: configured },
  },
  {
    path: 'Observations',
    statement:
      'servicecatalog:DescribeProvisionedProduct, servicecatalog:DescribeRecord, servicecatalog:ListPrincipalsForPortfolio, servicecatalog:UpdateProvisionedProduct',
    resource: '*',
    reason: 'Records and provisioned products are named by Service Catalog, and these actions know no resource.',
  },
  {
    path: 'BaselineRole',
    statement: [
      'cloudformation:CreateStackInstances',
      'cloudformation:CreateStackSet',
      'cloudformation:DescribeStackSet',
      'cloudformation:DescribeStackSetOperation',
      'cloudformation:ListStackInstances',
      'cloudformation:ListStackSetOperationResults',
      'cloudformation:UpdateStackInstances',
      'cloudformation:UpdateStackSet',
    ].join(', '),
    ...{ resource: catalog.stackSets, reason: 'Service Catalog names its stack sets itself, with SC- at the start.' },
  },
  machineRole('Machine/Role'),
  {
    path: 'Deployment/Code/Objects/Policy',
    statement: 's3:GetObject',
    resource: 'Deployment/Code/Objects/*',
    reason: 'Code is named by those who upload it; the bucket has nothing else.',
  },
  accessLog('Configuration'),
  accessLog('Deployment/Code'),
];
