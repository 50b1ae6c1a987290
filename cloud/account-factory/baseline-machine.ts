import { Duration } from 'aws-cdk-lib';
import { Grant, Policy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import {
  Choice,
  Condition,
  DefinitionBody,
  Fail,
  JitterType,
  JsonPath,
  LogLevel,
  StateMachine,
  Succeed,
  TaskInput,
  Timeout,
  Wait,
  WaitTime,
} from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import { acknowledge } from '../shared/acknowledge.ts';
import type { NodeFunction } from '../shared/node-function.ts';
import { sharedWildcards } from '../shared/wildcards.ts';
import type { Stage } from '../stages.ts';
import type { BaselineStatus } from './contract.ts';

export interface BaselineMachineProps {
  stage: Stage;
  name: string;
  roleName: string;
  /** Takes one step. */
  step: NodeFunction;
  /** Between two steps. */
  interval: Duration;
  timeout: Duration;
}

/**
 * One account's baseline. Every step counts, so that the loop ends (`max_iterations`).
 *
 * | state | does | then | on failure |
 * |---|---|---|---|
 * | Init-Baseline-Products | lets the function launch products of the portfolios | Wait-On-Init-Products | Report-Failure |
 * | Wait-On-Init-Products | until that holds everywhere | Baseline-Products | – |
 * | Baseline-Products | one step of the plan; the last one tells the topic | Deployment-Status | Report-Failure |
 * | Deployment-Status | `progress`, or an end | Wait-For-Products, Success, PartiallyFailed, TimedOut, Failed | – |
 * | Wait-For-Products | | Baseline-Products | – |
 * | Report-Failure | closes what is open, and tells the topic | Failed | – |
 */
export class BaselineMachine extends Construct {
  readonly machine: StateMachine;

  constructor(scope: Construct, id: string, props: BaselineMachineProps) {
    super(scope, id);
    const { stage, name, step, interval, timeout } = props;
    const failed = new Fail(this, 'Failed', {
      error: 'Failed',
      cause: 'Nothing was deployed, or the machine failed; the message of the topic says why.',
    });
    const document = JsonPath.entirePayload;
    const report = this.task('Report-Failure', step, { execution: JsonPath.executionName, document }).next(failed);
    const task = (taskId: string) =>
      this.task(taskId, step, { execution: JsonPath.executionName, document }).addCatch(report, {
        resultPath: '$.error',
      });
    const time = WaitTime.duration(interval);
    const init = task('Init-Baseline-Products');
    const products = task('Baseline-Products');
    const is = (status: BaselineStatus) => Condition.stringEquals('$.status', status);
    const status = new Choice(this, 'Deployment-Status')
      .when(is('progress'), new Wait(this, 'Wait-For-Products', { time }).next(products))
      .when(is('done'), new Succeed(this, 'Success'))
      .when(
        is('partially-failed'),
        new Fail(this, 'PartiallyFailed', {
          error: 'PartiallyFailed',
          cause: 'Some products failed; the message of the topic says which.',
        }),
      )
      .when(
        is('timed-out'),
        new Fail(this, 'TimedOut', {
          error: 'TimedOut',
          cause: 'The iterations are used up; the message of the topic says what is open.',
        }),
      )
      .otherwise(failed);
    init
      .next(new Wait(this, 'Wait-On-Init-Products', { time }))
      .next(products)
      .next(status);

    this.machine = new StateMachine(this, 'Machine', {
      stateMachineName: name,
      // Its own grants would be wider than what it does.
      role: this.role(props).withoutPolicyUpdates(),
      definitionBody: DefinitionBody.fromChainable(init),
      timeout,
      tracingEnabled: true,
      // Without the data of the states: products' parameters stand in them.
      logs: {
        destination: new LogGroup(this, 'Logs', {
          logGroupName: `/aws/vendedlogs/states/${this.node.path.replaceAll('/', '-')}`,
          retention: stage.logDays,
          removalPolicy: stage.removalPolicy,
        }),
        level: LogLevel.ALL,
        includeExecutionData: false,
      },
    });
  }

  private role({ roleName, step }: BaselineMachineProps): Role {
    const role = new Role(this, 'Role', { roleName, assumedBy: new ServicePrincipal('states.amazonaws.com') });
    Grant.addToPrincipal({ grantee: role, actions: ['lambda:InvokeFunction'], resourceArns: [step.functionArn] });
    role.addToPolicy(new PolicyStatement({ actions: [...logDelivery, ...sampling], resources: ['*'] }));
    // What every function holds as well, in a policy of its own, so that it stays one statement.
    const tracing = new Policy(this, 'Tracing', { roles: [role] });
    tracing.addStatements(
      new PolicyStatement({ actions: ['xray:PutTelemetryRecords', 'xray:PutTraceSegments'], resources: ['*'] }),
    );
    for (const { reason } of sharedWildcards) acknowledge(tracing, 'AwsSolutions-IAM5[Resource::*]', reason);
    return role;
  }

  /** A call of the function, retried after 5 seconds, 10, 20, … up to 2 minutes. Steps may be taken twice. */
  private task(id: string, fn: NodeFunction, input: Record<string, unknown>) {
    const task = new LambdaInvoke(this, id, {
      lambdaFunction: fn,
      payloadResponseOnly: true,
      retryOnServiceExceptions: false,
      payload: TaskInput.fromObject(input),
      taskTimeout: Timeout.duration(Duration.seconds(300)),
    });
    return task.addRetry({
      errors: ['States.ALL'],
      interval: Duration.seconds(5),
      backoffRate: 2,
      maxAttempts: 5,
      maxDelay: Duration.minutes(2),
      jitterStrategy: JitterType.FULL,
    });
  }
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
