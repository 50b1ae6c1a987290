import { Duration } from 'aws-cdk-lib';
import { Rule } from 'aws-cdk-lib/aws-events';
import { SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import {
  Choice,
  Condition,
  JitterType,
  JsonPath,
  Pass,
  type StateMachine,
  Succeed,
} from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import { RoomAlarm } from '../shared/alarm.ts';
import type { NodeFunction } from '../shared/node-function.ts';
import { DeadLetterQueue } from '../shared/resting-queue.ts';
import { addStateMachine } from '../shared/state-machine.ts';
import type { Stage } from '../stages.ts';
import { originals } from './contract.ts';

export interface PictureWorkflowProps {
  stage: Stage;
  room: string;
  /** Of the originals, which tells EventBridge of them. */
  bucketName: string;
  functions: Record<'validate' | 'resize' | 'publish', NodeFunction>;
}

/**
 * From an upload to what is shown of it.
 *
 * | state | does | then |
 * |---|---|---|
 * | Validate | looks at the head of the object | Resize, RecordFailure, or Settled |
 * | Resize | makes the files | Publish, RecordFailure, or Settled; where the function itself ended, out of memory or by a crash, twice, RecordFailure |
 * | Publish | PROCESSED, and tells of it | Processed |
 * | RecordFailure | FAILED with its reason, and tells of it | Refused |
 *
 * Each is tried six times in about two and a half minutes. What fails in spite of it fails the execution, which an alarm tells of; it
 * may be driven on from there, as often as one likes.
 */
export class PictureWorkflow extends Construct {
  readonly machine: StateMachine;
  readonly notStarted: DeadLetterQueue;

  constructor(scope: Construct, id: string, { stage, room, bucketName, functions }: PictureWorkflowProps) {
    super(scope, id);
    const { validate, resize, publish } = functions;
    const settled = new Succeed(this, 'Settled');
    const published = this.task('Publish', publish).next(new Succeed(this, 'Processed'));
    const recordFailure = this.task('RecordFailure', publish);
    recordFailure.next(new Succeed(this, 'Refused'));
    const outcome = (name: string) => Condition.stringEquals('$.outcome', name);
    const resized = this.task('Resize', resize, endings).addCatch(
      new Pass(this, 'Ended', {
        parameters: {
          ...{ outcome: 'refused', id: JsonPath.stringAt('$.id'), reason: 'CORRUPT_IMAGE' },
          reasonDetail: 'The function ended while it decoded it, twice: out of memory, or by a crash.',
        },
      }).next(recordFailure),
      { errors: endings, resultPath: '$.error' },
    );
    resized.next(
      new Choice(this, 'Resized')
        .when(outcome('resized'), published)
        .when(outcome('refused'), recordFailure)
        .otherwise(settled),
    );
    const definition = this.task('Validate', validate).next(
      new Choice(this, 'Validated')
        .when(outcome('valid'), resized)
        .when(outcome('refused'), recordFailure)
        .otherwise(settled),
    );
    this.machine = addStateMachine(this, {
      ...{ stage, definition, functions: Object.values(functions), timeout: Duration.minutes(30) },
    });
    this.notStarted = new DeadLetterQueue(this, 'NotStarted', { stage, room, runbook: 'Not started' });
    new Rule(this, 'Uploaded', {
      description: 'An original was uploaded',
      eventPattern: {
        source: ['aws.s3'],
        detailType: ['Object Created'],
        detail: { bucket: { name: [bucketName] }, object: { key: [{ prefix: originals }] } },
      },
      targets: [
        new SfnStateMachine(this.machine, {
          ...{ deadLetterQueue: this.notStarted, retryAttempts: 20, maxEventAge: Duration.hours(6) },
        }),
      ],
    });
    for (const [name, metric, says] of [
      [
        'Failed',
        this.machine.metricFailed(),
        'An upload could not be made a picture, although it was tried six times.',
      ],
      ['TimedOut', this.machine.metricTimedOut(), 'An upload took longer than half an hour.'],
    ] as const) {
      const sum = metric.with({ period: Duration.minutes(5), statistic: 'Sum' });
      new RoomAlarm(this, name, {
        ...{ stage, room, metric: sum, says, watches: 'errors', threshold: 1, runbook: 'Failed uploads' },
      });
    }
  }

  /** @param once errors after which it is tried once more, as they tell of what it was given */
  private task(id: string, fn: NodeFunction, once: readonly string[] = []) {
    const task = new LambdaInvoke(this, id, {
      ...{ lambdaFunction: fn, payloadResponseOnly: true, retryOnServiceExceptions: false },
    });
    if (once.length > 0) task.addRetry({ errors: [...once], interval: Duration.seconds(5), maxAttempts: 1 });
    return task.addRetry({
      errors: ['States.ALL'],
      ...{ interval: Duration.seconds(5), backoffRate: 2, maxAttempts: 5, jitterStrategy: JitterType.FULL },
    });
  }
}

/**
 * What Step Functions calls it when the process of a function has ended by what it was given. Not what ends it by its time, nor what is
 * unknown (`Sandbox.Timedout`, `Lambda.Unknown`): an S3 that hangs does so too, and a good picture is not to be refused for it.
 */
const endings = ['Runtime.ExitError', 'Runtime.OutOfMemory'];
