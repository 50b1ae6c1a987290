import { ArnFormat, type Stack } from 'aws-cdk-lib';
import type { TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { Grant, Policy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Topic } from 'aws-cdk-lib/aws-sns';
import type { NodeFunction } from '../shared/node-function.ts';

/** The configuration bucket, made here or elsewhere. */
export type NamedBucket = Pick<Bucket, 'bucketName' | 'bucketArn' | 'arnForObjects'>;

/** Who validates files lets products into accounts, and starts the machine. */
export function grantStart(
  stack: Stack,
  grantee: NodeFunction,
  own: { bucket: NamedBucket; topic: Topic; stateMachineName: string; files: readonly string[] },
): void {
  const { bucket, topic, stateMachineName, files } = own;
  const grant = (actions: string[], ...resourceArns: string[]) =>
    Grant.addToPrincipal({ grantee, actions, resourceArns });
  grant(['s3:GetObject', 's3:GetObjectVersion'], ...files.map((file) => bucket.arnForObjects(file)));
  // Only who may list is told that a file is not there.
  grant(['s3:ListBucket'], bucket.bucketArn);
  grant(['sns:Publish'], topic.topicArn);
  grant(
    ['states:StartExecution'],
    stack.formatArn({ service: 'states', resource: `stateMachine:${stateMachineName}` }),
  );
  grant(
    ['states:DescribeExecution'],
    stack.formatArn({
      ...{ service: 'states', resource: 'execution', arnFormat: ArnFormat.COLON_RESOURCE_NAME },
      resourceName: `${stateMachineName}:control-tower-account-factory-execution-*`,
    }),
  );
  grantOnAll(stack, 'Lookups', grantee, [
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
  ]);
}

/** Who takes the steps launches products of Service Catalog, and tracks them. */
export function grantBaseline(
  stack: Stack,
  grantee: NodeFunction,
  { topic, table, adminRoleArn, isLocal }: { topic: Topic; table: TableV2; adminRoleArn: string; isLocal: boolean },
): void {
  const grant = (actions: string[], ...resourceArns: string[]) =>
    Grant.addToPrincipal({ grantee, actions, resourceArns });
  table.grant(grantee, 'dynamodb:PutItem', 'dynamodb:Query', 'dynamodb:UpdateItem');
  grant(['sns:Publish'], topic.topicArn);
  const catalog = (resource: string) => stack.formatArn({ service: 'catalog', resource, resourceName: '*' });
  grant(['servicecatalog:ProvisionProduct'], catalog('product'));
  grant(['servicecatalog:AssociatePrincipalWithPortfolio'], catalog('portfolio'));
  grantOnAll(stack, 'Observations', grantee, [
    'servicecatalog:DescribeProvisionedProduct',
    'servicecatalog:DescribeRecord',
    'servicecatalog:ListPrincipalsForPortfolio',
    // Knows no resource: AWS denies it to who may do it to a product alone.
    'servicecatalog:UpdateProvisionedProduct',
  ]);
  grant(
    [
      'cloudformation:CreateStackInstances',
      'cloudformation:CreateStackSet',
      'cloudformation:DescribeStackSet',
      'cloudformation:DescribeStackSetOperation',
      'cloudformation:ListStackInstances',
      'cloudformation:ListStackSetOperationResults',
      'cloudformation:UpdateStackInstances',
      'cloudformation:UpdateStackSet',
    ],
    stack.formatArn({ service: 'cloudformation', resource: 'stackset', resourceName: 'SC-*' }),
  );
  grantee.addToRolePolicy(
    new PolicyStatement({
      actions: ['iam:PassRole'],
      resources: [adminRoleArn],
      // The local account evaluates no conditions in its simulation.
      ...(isLocal ? {} : { conditions: { StringEquals: { 'iam:PassedToService': 'cloudformation.amazonaws.com' } } }),
    }),
  );
}

/** What knows no resource, in a policy of its own, as it would become one statement with X-Ray's. */
function grantOnAll(stack: Stack, id: string, { role }: NodeFunction, actions: string[]): void {
  if (role === undefined) return;
  new Policy(stack, id, { roles: [role], statements: [new PolicyStatement({ actions, resources: ['*'] })] });
}
