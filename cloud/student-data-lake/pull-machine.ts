import { Arn, Duration, Stack } from 'aws-cdk-lib';
import { Grant, Policy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import {
  Choice,
  Condition,
  DefinitionBody,
  DistributedMap,
  Map as EachOf,
  Fail,
  type IChainable,
  JitterType,
  JsonPath,
  LogLevel,
  Pass,
  Result,
  S3JsonItemReader,
  StateMachine,
  Succeed,
  TaskInput,
} from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import { acknowledge } from '../shared/acknowledge.ts';
import type { NodeFunction } from '../shared/node-function.ts';
import { sharedWildcards } from '../shared/wildcards.ts';
import type { Stage } from '../stages.ts';
import { validationQueries } from './validation-queries.ts';

export interface PullMachineProps {
  stage: Stage;
  name: string;
  /** Has the manifest. */
  bucket: Bucket;
  functions: Record<'plan' | 'fetch' | 'conclude' | 'validate' | 'report', NodeFunction>;
  /** Files at a time: what Canvas is asked for at once. */
  filesAtOnce: number;
}

const mapLabel = 'Files';

/**
 * One pull.
 *
 * | state | does | then | on failure |
 * |---|---|---|---|
 * | Plan | writes the manifest | FetchFiles | ReportFailure |
 * | FetchFiles | each file of the manifest, each retried by itself; what fails in spite of it is missing, and the others go on | Conclude | ReportFailure |
 * | Conclude | tables; deletes what is obsolete if nothing is missing | Validate | ReportFailure |
 * | Validate | each validation query | Report | ReportFailure |
 * | Report | tells the topic | Complete, or Incomplete | – |
 * | ReportFailure | tells the topic | Failed | – |
 */
export class PullMachine extends Construct {
  readonly machine: StateMachine;

  constructor(scope: Construct, id: string, props: PullMachineProps) {
    super(scope, id);
    const { stage, name, bucket, functions, filesAtOnce } = props;
    const manifests = Bucket.fromBucketName(this, 'Manifests', bucket.bucketName);
    const plan = this.task('Plan', functions.plan, { execution: JsonPath.executionName }, '$.plan');
    const fetchFiles = new DistributedMap(this, 'FetchFiles', {
      label: mapLabel,
      itemReader: new S3JsonItemReader({ bucket: manifests, key: JsonPath.stringAt('$.plan.filesKey') }),
      maxConcurrency: filesAtOnce,
      toleratedFailurePercentage: 100,
      resultPath: JsonPath.DISCARD,
    });
    // Of thousands of files the answers together would be more than a state may have.
    fetchFiles.itemProcessor(this.task('Fetch', functions.fetch, undefined, JsonPath.DISCARD).next(this.nothing()));
    const conclude = this.task(
      'Conclude',
      functions.conclude,
      { planKey: JsonPath.stringAt('$.plan.planKey') },
      '$.summary',
    );
    const queries = new Pass(this, 'Queries', {
      result: Result.fromArray(validationQueries()),
      resultPath: '$.queries',
    });
    const validate = new EachOf(this, 'Validate', {
      itemsPath: '$.queries',
      maxConcurrency: 2,
      resultPath: '$.validation',
    });
    validate.itemProcessor(this.task('Query', functions.validate, undefined, '$'));
    const result = {
      execution: JsonPath.executionName,
      summary: JsonPath.objectAt('$.summary'),
      validation: JsonPath.objectAt('$.validation'),
    };
    const report = this.task('Report', functions.report, result, '$.report');
    const failure = { execution: JsonPath.executionName, error: JsonPath.objectAt('$.error') };
    const reportFailure = this.task('ReportFailure', functions.report, failure, JsonPath.DISCARD);
    reportFailure.next(new Fail(this, 'Failed', { errorPath: '$.error.Error', causePath: '$.error.Cause' }));
    for (const state of [plan, fetchFiles, conclude, validate]) {
      state.addCatch(reportFailure, { resultPath: '$.error' });
    }
    const outcome = new Choice(this, 'Outcome')
      .when(Condition.stringEquals('$.report.outcome', 'complete'), new Succeed(this, 'Complete'))
      .otherwise(
        new Fail(this, 'Incomplete', { error: 'Incomplete', cause: 'The message of the pull says what is missing.' }),
      );
    const definition = plan.next(fetchFiles).next(conclude).next(queries).next(validate).next(report).next(outcome);

    const role = this.role(props);
    this.machine = new StateMachine(this, 'Machine', {
      stateMachineName: name,
      // Its own grants would be wider than what it does.
      role: role.withoutPolicyUpdates(),
      definitionBody: DefinitionBody.fromChainable(definition),
      timeout: Duration.hours(6),
      tracingEnabled: true,
      // Without the data of the states: items have signed addresses.
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
    // Nobody holds this policy, as the role takes none; it would be in no template.
    this.machine.node.tryRemoveChild('DistributedMapPolicy');
  }

  private role({ name, bucket, functions }: PullMachineProps): Role {
    const stack = Stack.of(this);
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('states.amazonaws.com') });
    const grant = (actions: string[], ...resourceArns: string[]) =>
      Grant.addToPrincipal({ grantee: role, actions, resourceArns });
    const arn = (resource: string) => Arn.format({ service: 'states', resource }, stack);
    grant(['lambda:InvokeFunction'], ...Object.values(functions).map(({ functionArn }) => functionArn));
    grant(['s3:GetObject'], bucket.arnForObjects('manifests/*'));
    // The map runs each file as an execution of its own.
    grant(['states:StartExecution'], `${arn('stateMachine')}:${name}`);
    grant(['states:DescribeExecution', 'states:StopExecution'], `${arn('execution')}:${name}/${mapLabel}:*`);
    role.addToPolicy(new PolicyStatement({ actions: [...logDelivery, ...sampling], resources: ['*'] }));
    // What every function holds as well, in a policy of its own, so that it stays one statement.
    const tracing = new Policy(this, 'Tracing', { roles: [role] });
    tracing.addStatements(
      new PolicyStatement({ actions: ['xray:PutTelemetryRecords', 'xray:PutTraceSegments'], resources: ['*'] }),
    );
    for (const { reason } of sharedWildcards) acknowledge(tracing, 'AwsSolutions-IAM5[Resource::*]', reason);
    return role;
  }

  /** A call of a function, retried after half a minute, one, two. */
  private task(id: string, fn: NodeFunction, input: Record<string, unknown> | undefined, resultPath: string) {
    const task = new LambdaInvoke(this, id, {
      lambdaFunction: fn,
      payloadResponseOnly: true,
      retryOnServiceExceptions: false,
      resultPath,
      ...(input === undefined ? {} : { payload: TaskInput.fromObject(input) }),
    });
    return task.addRetry({
      errors: ['States.ALL'],
      interval: Duration.seconds(30),
      backoffRate: 2,
      maxAttempts: 3,
      jitterStrategy: JitterType.FULL,
    });
  }

  private nothing(): IChainable {
    return new Pass(this, 'Done', { result: Result.fromObject({}) });
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
