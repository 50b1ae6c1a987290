import { CfnCondition, CfnResource, Fn, type IAspect, Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { acknowledge } from './acknowledge.ts';

/** What the local account cannot create. A name that ends in `::` stands for the whole service. */
export const lackingTypes: readonly string[] = [
  'AWS::AmazonMQ::',
  'AWS::ApplicationAutoScaling::',
  'AWS::Athena::NamedQuery',
  'AWS::CloudWatch::CompositeAlarm',
  'AWS::CodePipeline::',
  'AWS::DMS::',
  'AWS::EC2::FlowLog',
  'AWS::EC2::NatGateway',
  'AWS::EC2::SecurityGroupEgress',
  'AWS::EC2::SecurityGroupIngress',
  'AWS::Events::ApiDestination',
  'AWS::Events::Connection',
  'AWS::Events::EventBusPolicy',
  'AWS::Glue::SecurityConfiguration',
  'AWS::GreengrassV2::',
  'AWS::IoT::RoleAlias',
  'AWS::Logs::QueryDefinition',
  'AWS::QuickSight::',
  'AWS::Redshift::',
  'AWS::SSM::Document',
  'AWS::SecretsManager::ResourcePolicy',
  'AWS::SecretsManager::RotationSchedule',
  'AWS::ServiceCatalog::',
  'AWS::WAFv2::IPSet',
  'AWS::WAFv2::LoggingConfiguration',
  'AWS::WAFv2::WebACLAssociation',
];

/** Whether the local account lacks this type of resource. */
export function isLacking(type: string): boolean {
  return lackingTypes.some((lacking) => (lacking.endsWith('::') ? type.startsWith(lacking) : type === lacking));
}

/**
 * Stage local: what the account lacks keeps its place in its stack, under a condition that is never true, so that the
 * stack has the shape that AWS gets.
 */
export class LackingTypes implements IAspect {
  visit(node: IConstruct): void {
    if (node instanceof CfnResource && isLacking(node.cfnResourceType)) leaveOut(node);
  }
}

/** Puts a resource under the condition that is never true: also one of a known type that names one which the account lacks. */
export function leaveOut(resource: CfnResource): void {
  const stack = Stack.of(resource);
  const id = 'ExistsInThisAccount';
  const known = stack.node.tryFindChild(id);
  if (resource.cfnOptions.condition !== undefined) {
    acknowledge(
      stack,
      'CloudFormation-Validate::W8001',
      'The condition is that of resources which this account lacks.',
    );
  }
  resource.cfnOptions.condition =
    known instanceof CfnCondition
      ? known
      : new CfnCondition(stack, id, { expression: Fn.conditionEquals('local', 'aws') });
  acknowledge(stack, 'CloudFormation-Validate::W8003', 'The condition is meant never to be true.');
}
