import { Duration } from 'aws-cdk-lib';
import type { IGrantable } from 'aws-cdk-lib/aws-iam';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { Stage } from '../stages.ts';
import { acknowledge } from './acknowledge.ts';
import { RoomAlarm } from './alarm.ts';
import { parksAt } from './rights.ts';

export interface RestingQueueProps {
  stage: Stage;
  room: string;
  /** Dead letters of a FIFO queue rest in one too. */
  fifo?: boolean;
  queueName?: string;
  /** Heading in the room's README; by default `Dead letters` or `Parked records`. */
  runbook?: string;
}

/** A queue that nobody consumes: what lies in it waits for a person, who is told by its alarm. */
class RestingQueue extends Queue {
  constructor(
    scope: Construct,
    id: string,
    {
      stage,
      room,
      fifo,
      queueName,
      runbook,
      watches,
      says,
    }: RestingQueueProps & {
      watches: 'dead-letters' | 'parked';
      runbook: string;
      says: string;
    },
  ) {
    super(scope, id, {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(stage.restingMessageDays),
      removalPolicy: stage.removalPolicy,
      ...(fifo === true ? { fifo } : {}),
      ...(queueName === undefined ? {} : { queueName }),
    });
    acknowledge(
      this,
      'AwsSolutions-SQS3',
      'Messages end here: nobody consumes this queue, so none can fail to be consumed.',
    );
    new RoomAlarm(this, 'Depth', {
      stage,
      room,
      watches,
      metric: this.metricApproximateNumberOfMessagesVisible({ period: Duration.minutes(1), statistic: 'Maximum' }),
      threshold: 1,
      says,
      runbook,
    });
  }
}

/** For what failed although it was tried again: dead letters of a queue, of an asynchronous function, of a stream. */
export class DeadLetterQueue extends RestingQueue {
  constructor(scope: Construct, id: string, props: RestingQueueProps) {
    super(scope, id, {
      runbook: 'Dead letters',
      ...props,
      watches: 'dead-letters',
      says: `${id} of ${props.room} holds what failed in spite of retries.`,
    });
  }
}

/**
 * For what can never succeed: a consumer parks it with the reason and the original bytes (`park`) and goes on. FIFO, as
 * its deduplication by the record's id lets a batch be tried again without parking a record twice.
 */
export class ParkingQueue extends RestingQueue {
  private readonly stage: Stage;

  constructor(scope: Construct, id: string, props: Omit<RestingQueueProps, 'fifo'>) {
    super(scope, id, {
      runbook: 'Parked records',
      ...props,
      fifo: true,
      watches: 'parked',
      says: `${props.room} has parked records that it cannot use.`,
    });
    this.stage = props.stage;
  }
  /** Lets a function park. */
  grantPark(grantee: IGrantable): void {
    for (const { action, only } of parksAt('')) {
      if (only === undefined || this.stage.name === 'local') this.grant(grantee, action);
    }
  }
}
