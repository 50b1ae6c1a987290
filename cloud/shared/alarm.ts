import { Stack } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import type { Stage } from '../stages.ts';
import { headingAnchor } from './heading-anchor.ts';

/** What may wake a person, and nothing else: each value with the metrics that measure it. */
export const watchable = {
  // Of SQS, and of a queue of an ActiveMQ broker.
  'dead-letters': /^(ApproximateNumberOfMessagesVisible|QueueSize)$/,
  backlog: /^QueueSize$/,
  parked: /^ApproximateNumberOfMessagesVisible$/,
  'iterator-age': /IteratorAge/,
  errors: /(Error|Errors|ErrorCount|Failed|FailedBuilds|TimedOut|5xx|5XXError)$/,
  throttles: /Throttle/,
  'newest-age': /^Newest.*Age/,
} as const;
export type Watched = keyof typeof watchable;

export interface RoomAlarmProps {
  stage: Stage;
  /** Folder of the room, whose README has the runbook. */
  room: string;
  watches: Watched;
  metric: IMetric;
  /** Alarms at this value or above. */
  threshold: number;
  evaluationPeriods?: number;
  /** What the person sees first: what has happened, in one sentence. */
  says: string;
  /** Heading in the room's README that says what to do. */
  runbook: string;
  /** Whether silence is bad news too; else it is good news. */
  breachesWhenMissing?: boolean;
}

/** An alarm that tells somebody what has happened and where it is written what to do. */
export class RoomAlarm extends Alarm {
  constructor(scope: Construct, id: string, props: RoomAlarmProps) {
    const { stage, room, metric, threshold, evaluationPeriods = 1, says, runbook, breachesWhenMissing = false } = props;
    super(scope, id, {
      metric,
      threshold,
      evaluationPeriods,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: breachesWhenMissing ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
      alarmDescription: `${says} What to do: cloud/${room}/README.md#${headingAnchor(runbook)}`,
    });
    const alarmActionArn = alarmTopicArn(Stack.of(scope), stage);
    this.addAlarmAction({ bind: () => ({ alarmActionArn }) });
  }
}

/** ARN of the topic that the stage names; its own is made once a stack. */
function alarmTopicArn(stack: Stack, { alarmTarget }: Stage): string {
  if (alarmTarget.kind === 'shared-topic') return stack.formatArn({ service: 'sns', resource: alarmTarget.name });
  const id = 'AlarmTopic';
  const known = stack.node.tryFindChild(id);
  if (known instanceof Topic) return known.topicArn;
  const topic = new Topic(stack, id, { enforceSSL: true });
  // The policy that demands TLS takes the place of the one that lets the account's alarms publish.
  topic.grantPublish(
    new ServicePrincipal('cloudwatch.amazonaws.com', {
      conditions: { StringEquals: { 'aws:SourceAccount': stack.account } },
    }),
  );
  return topic.topicArn;
}
