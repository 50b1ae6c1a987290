import { SubscriptionFilter, Topic } from 'aws-cdk-lib/aws-sns';
import { SqsSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import type { Stage } from '../stages.ts';
import { type ConsumingFunction, FifoInput } from './fifo-input.ts';
import { DeadLetterQueue } from './resting-queue.ts';

export interface FifoConsumerProps extends ConsumingFunction {
  /** The only types that it gets; all where absent. */
  eventTypes?: readonly string[];
}

/**
 * An interested service of a fan-out: its FIFO queue, its function, and a queue for each way to fail. Named as in the
 * post: `<Consumer><Topic>.fifo`, `<Consumer><Topic>DLQ.fifo`, and what the topic could not deliver in
 * `<Consumer>SubscriptionDLQ.fifo`.
 */
class FifoConsumer extends FifoInput {
  constructor(scope: Construct, id: string, fanOut: FifoFanOutProps & { topic: Topic }, props: FifoConsumerProps) {
    const { stage, room, topic, topicName, subscriptionDeadLetters = `${topicName}Subscription` } = fanOut;
    const { eventTypes } = props;
    const names = { queue: `${id}${topicName}.fifo`, deadLetters: `${id}${topicName}DLQ.fifo` };
    super(scope, id, { stage, room, names, ...props });
    const undelivered = new DeadLetterQueue(this, 'Undelivered', {
      ...{ stage, room, fifo: true },
      queueName: `${id}${subscriptionDeadLetters}DLQ.fifo`,
      runbook: 'Undelivered events',
    });
    topic.addSubscription(
      new SqsSubscription(this.queue, {
        rawMessageDelivery: true,
        deadLetterQueue: undelivered,
        ...(eventTypes === undefined
          ? {}
          : { filterPolicy: { eventType: SubscriptionFilter.stringFilter({ allowlist: [...eventTypes] }) } }),
      }),
    );
  }
}

export interface FifoFanOutProps {
  stage: Stage;
  /** Folder of the room. */
  room: string;
  /** Without `.fifo`: `JobEvents`. */
  topicName: string;
  /** Between a consumer's name and `DLQ.fifo` in the name of its queue for undelivered events. */
  subscriptionDeadLetters?: string;
}

/**
 * Events of one owner to interested services: a FIFO topic, in order within each message group, deduplicated by the id
 * that the owner gives each event.
 */
export class FifoFanOut extends Construct {
  readonly topic: Topic;
  private readonly props: FifoFanOutProps;

  constructor(scope: Construct, id: string, props: FifoFanOutProps) {
    super(scope, id);
    this.props = props;
    this.topic = new Topic(this, 'Topic', {
      topicName: `${props.topicName}.fifo`,
      fifo: true,
      contentBasedDeduplication: false,
      enforceSSL: true,
    });
    this.topic.applyRemovalPolicy(props.stage.removalPolicy);
  }

  /** @param id Name of the service, the first part of the names of its queues: `Analytics`. */
  addConsumer(id: string, props: FifoConsumerProps): FifoConsumer {
    return new FifoConsumer(this, id, { ...this.props, topic: this.topic }, props);
  }
}
