import type { Duration } from 'aws-cdk-lib';
import { Grant, Policy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { DefinitionBody, type IChainable, LogLevel, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { Stage } from '../stages.ts';
import { acknowledge } from './acknowledge.ts';
import type { NodeFunction } from './node-function.ts';
import { sharedWildcards } from './wildcards.ts';

export interface MachineOptions {
  stage: Stage;
  definition: IChainable;
  timeout: Duration;
  /** What it calls. */
  functions: readonly NodeFunction[];
  /** What it may do beside calling them. */
  statements?: readonly PolicyStatement[];
  stateMachineName?: string;
  roleName?: string;
}

/**
 * The state machine of a construct, as its children `Machine`, `Role` and `Logs`: traced, with a log of all that it does but
 * without the data of its states, which hold signed addresses and what people have entered; and with no right but those that are
 * given here.
 */
export function addStateMachine(
  scope: Construct,
  { stage, definition, timeout, ...options }: MachineOptions,
): StateMachine {
  const { stateMachineName } = options;
  return new StateMachine(scope, 'Machine', {
    ...(stateMachineName === undefined ? {} : { stateMachineName }),
    // Its own grants would be wider than what it does.
    role: addRole(scope, options).withoutPolicyUpdates(),
    definitionBody: DefinitionBody.fromChainable(definition),
    timeout,
    tracingEnabled: true,
    logs: {
      destination: new LogGroup(scope, 'Logs', {
        logGroupName: `/aws/vendedlogs/states/${scope.node.path.replaceAll('/', '-')}`,
        retention: stage.logDays,
        removalPolicy: stage.removalPolicy,
      }),
      level: LogLevel.ALL,
      includeExecutionData: false,
    },
  });
}

function addRole(
  scope: Construct,
  { functions, statements = [], roleName }: Pick<MachineOptions, 'functions' | 'statements' | 'roleName'>,
): Role {
  const role = new Role(scope, 'Role', {
    ...(roleName === undefined ? {} : { roleName }),
    assumedBy: new ServicePrincipal('states.amazonaws.com'),
  });
  const resourceArns = functions.map(({ functionArn }) => functionArn);
  Grant.addToPrincipal({ grantee: role, actions: ['lambda:InvokeFunction'], resourceArns });
  for (const statement of statements) role.addToPolicy(statement);
  role.addToPolicy(new PolicyStatement({ actions: [...logDelivery, ...sampling], resources: ['*'] }));
  // What every function holds as well, in a policy of its own, so that it stays one statement.
  const tracing = new Policy(scope, 'Tracing', { roles: [role] });
  tracing.addStatements(
    new PolicyStatement({ actions: ['xray:PutTelemetryRecords', 'xray:PutTraceSegments'], resources: ['*'] }),
  );
  for (const { reason } of sharedWildcards) acknowledge(tracing, 'AwsSolutions-IAM5[Resource::*]', reason);
  return role;
}

/** What Step Functions needs to know what to trace, and to have its log delivered: none of it knows a resource. */
const sampling = ['xray:GetSamplingRules', 'xray:GetSamplingTargets'];
const logDelivery = [
  'logs:CreateLogDelivery',
  'logs:DeleteLogDelivery',
  'logs:DescribeLogGroups',
  'logs:DescribeResourcePolicies',
  'logs:GetLogDelivery',
  'logs:ListLogDeliveries',
  'logs:PutResourcePolicy',
  'logs:UpdateLogDelivery',
];
