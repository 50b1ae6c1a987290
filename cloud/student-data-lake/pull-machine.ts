import { Arn, Duration, Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import {
  Choice,
  Condition,
  DistributedMap,
  Map as EachOf,
  Fail,
  type IChainable,
  JitterType,
  JsonPath,
  Pass,
  Result,
  S3JsonItemReader,
  type StateMachine,
  Succeed,
  TaskInput,
} from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import type { NodeFunction } from '../shared/node-function.ts';
import { addStateMachine } from '../shared/state-machine.ts';
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

    this.machine = addStateMachine(this, {
      ...{ stage, definition, functions: Object.values(functions), timeout: Duration.hours(6) },
      stateMachineName: name,
      statements: this.statements(props),
    });
    // Nobody holds this policy, as the role takes none; it would be in no template.
    this.machine.node.tryRemoveChild('DistributedMapPolicy');
  }

  private statements({ name, bucket }: PullMachineProps): PolicyStatement[] {
    const arn = (resource: string) => Arn.format({ service: 'states', resource }, Stack.of(this));
    const may = (actions: string[], resource: string) => new PolicyStatement({ actions, resources: [resource] });
    return [
      may(['s3:GetObject'], bucket.arnForObjects('manifests/*')),
      // The map runs each file as an execution of its own.
      may(['states:StartExecution'], `${arn('stateMachine')}:${name}`),
      may(['states:DescribeExecution', 'states:StopExecution'], `${arn('execution')}:${name}/${mapLabel}:*`),
    ];
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
