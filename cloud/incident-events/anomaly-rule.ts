import { Duration } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnTopicRule } from 'aws-cdk-lib/aws-iot';
import type { Topic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { NodeFunction } from '../shared/node-function.ts';
import { DeadLetterQueue, ParkingQueue } from '../shared/resting-queue.ts';
import type { Stage } from '../stages.ts';
import { type Gateways, ruleSql } from '../stream-ingestion/contract.ts';

export interface AnomalyRuleProps {
  stage: Stage;
  room: string;
  topicFilter: string;
  gateways: Gateways;
  /** Gets the events. */
  topic: Topic;
}

/** What devices publish as anomalies, to the anti-corruption service; what AWS IoT could not hand over, into a queue. */
export class AnomalyRule extends Construct {
  /** Messages that the rule's action failed on. */
  readonly errors: DeadLetterQueue;
  readonly translate: NodeFunction;
  readonly parking: ParkingQueue;

  constructor(scope: Construct, id: string, { stage, room, topicFilter, gateways, topic }: AnomalyRuleProps) {
    super(scope, id);
    this.errors = new DeadLetterQueue(this, 'RuleErrors', { stage, room, runbook: 'Rule errors' });
    this.parking = new ParkingQueue(this, 'Parking', { stage, room });
    this.translate = new NodeFunction(this, 'Translate', {
      ...{ stage, room },
      entry: new URL('./translate.lambda.ts', import.meta.url),
      invoked: 'async',
      timeout: Duration.seconds(20),
      environment: {
        TOPIC_ARN: topic.topicArn,
        PARKING_QUEUE_URL: this.parking.queueUrl,
        GATEWAYS: JSON.stringify(gateways),
      },
    });
    this.parking.grantPark(this.translate);
    topic.grantPublish(this.translate);
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('iot.amazonaws.com') });
    this.errors.grant(role, 'sqs:SendMessage');
    const rule = new CfnTopicRule(this, 'Rule', {
      topicRulePayload: {
        sql: ruleSql(topicFilter),
        awsIotSqlVersion: '2016-03-23',
        description: 'Anomalies of devices to the anti-corruption service',
        actions: [{ lambda: { functionArn: this.translate.functionArn } }],
        errorAction: { sqs: { queueUrl: this.errors.queueUrl, roleArn: role.roleArn } },
      },
    });
    // A rule that starts before its role may do anything loses the first messages.
    rule.node.addDependency(role);
    this.translate.addPermission('Rule', {
      principal: new ServicePrincipal('iot.amazonaws.com'),
      sourceArn: rule.attrArn,
    });
  }
}
