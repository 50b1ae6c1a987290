import { Duration } from 'aws-cdk-lib';
import {
  Choice,
  Condition,
  Fail,
  JitterType,
  JsonPath,
  type StateMachine,
  Succeed,
  TaskInput,
  Timeout,
  Wait,
  WaitTime,
} from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import type { NodeFunction } from '../shared/node-function.ts';
import { addStateMachine } from '../shared/state-machine.ts';
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
    const { stage, name, roleName, step, interval, timeout } = props;
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

    this.machine = addStateMachine(this, {
      ...{ stage, timeout, roleName, definition: init, functions: [step], stateMachineName: name },
    });
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
