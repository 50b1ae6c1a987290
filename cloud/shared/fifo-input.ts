import { Duration } from 'aws-cdk-lib';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { Stage } from '../stages.ts';
import { NodeFunction } from './node-function.ts';
import { DeadLetterQueue, ParkingQueue } from './resting-queue.ts';

export interface ConsumingFunction {
  /** `new URL('./verb.lambda.ts', import.meta.url)` */
  entry: URL;
  environment?: Record<string, string>;
  timeout?: Duration;
  memorySize?: number;
  /** Batches at a time, 2 to 1,000; where absent as many as there are groups. */
  maxConcurrency?: number;
  /** Messages a call. */
  batchSize?: number;
  /** How long a message waits for its next try, at least the function's timeout; six times that where absent, as Lambda wants it. */
  visibilityTimeout?: Duration;
}

export interface FifoInputProps extends ConsumingFunction {
  stage: Stage;
  /** Folder of the room. */
  room: string;
  /** For a sender that gives its messages no deduplication id, as EventBridge. */
  contentBasedDeduplication?: boolean;
  /** Where somebody outside the stack needs them. */
  names?: { queue: string; deadLetters: string };
}

/** A FIFO queue and the function that consumes it, with a queue for what it can never use and one for what failed three times. */
export class FifoInput extends Construct {
  readonly queue: Queue;
  readonly function: NodeFunction;
  readonly parking: ParkingQueue;
  readonly deadLetters: DeadLetterQueue;

  constructor(scope: Construct, id: string, props: FifoInputProps) {
    super(scope, id);
    const { stage, room, names, entry, timeout = Duration.seconds(20), memorySize = 256 } = props;
    this.deadLetters = new DeadLetterQueue(this, 'DeadLetters', {
      ...{ stage, room, fifo: true },
      ...(names === undefined ? {} : { queueName: names.deadLetters }),
    });
    this.parking = new ParkingQueue(this, 'Parking', { stage, room });
    this.queue = new Queue(this, 'Queue', {
      ...(names === undefined ? {} : { queueName: names.queue }),
      fifo: true,
      ...(props.contentBasedDeduplication === true ? { contentBasedDeduplication: true } : {}),
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      // So long waits what a call held that was cut short.
      visibilityTimeout: props.visibilityTimeout ?? Duration.seconds(timeout.toSeconds() * 6),
      retentionPeriod: Duration.days(stage.restingMessageDays),
      removalPolicy: stage.removalPolicy,
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: 3 },
    });
    this.function = new NodeFunction(this, 'Function', {
      ...{ stage, room, entry, timeout, memorySize },
      invoked: 'event-source',
      environment: { PARKING_QUEUE_URL: this.parking.queueUrl, ...props.environment },
    });
    this.parking.grantPark(this.function);
    this.function.addEventSource(
      new SqsEventSource(this.queue, {
        batchSize: props.batchSize ?? 10,
        reportBatchItemFailures: true,
        ...(props.maxConcurrency === undefined ? {} : { maxConcurrency: props.maxConcurrency }),
      }),
    );
  }
}
