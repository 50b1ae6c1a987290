import { Duration } from 'aws-cdk-lib';
import { Grant, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnTopicRule } from 'aws-cdk-lib/aws-iot';
import type { CfnDeliveryStream } from 'aws-cdk-lib/aws-kinesisfirehose';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { DeliveryStream } from '../shared/delivery-stream.ts';
import { NodeFunction } from '../shared/node-function.ts';
import { DeadLetterQueue } from '../shared/resting-queue.ts';
import type { Stage } from '../stages.ts';
import { ruleSql } from '../stream-ingestion/contract.ts';

export interface ReadingsStreamProps {
  stage: Stage;
  room: string;
  /** Gets the objects, below `prefix`. */
  bucket: Bucket;
  prefix: string;
  topicFilter: string;
  /** How long messages are collected for one object. */
  bufferTime: Duration;
}

/** What devices publish, by an IoT rule and Firehose, as objects of lines; what the rule could not deliver, in a queue. */
export class ReadingsStream extends Construct {
  constructor(scope: Construct, id: string, props: ReadingsStreamProps) {
    super(scope, id);
    const { stage, room, topicFilter } = props;
    const stream = new DeliveryStream(this, 'Stream', { ...props, bufferMegabytes: 16, compressed: true });
    const errors = new DeadLetterQueue(this, 'RuleErrors', { stage, room, runbook: 'Rule errors' });
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('iot.amazonaws.com') });
    errors.grant(role, 'sqs:SendMessage');
    const forward = stage.name === 'local' ? this.forward(stage, room, stream) : undefined;
    if (forward === undefined) {
      role.addToPolicy(new PolicyStatement({ actions: ['firehose:PutRecord'], resources: [stream.attrArn] }));
    }
    const action =
      forward === undefined
        ? { firehose: { deliveryStreamName: stream.ref, separator: '\n', roleArn: role.roleArn } }
        : { lambda: { functionArn: forward.functionArn } };
    const rule = new CfnTopicRule(this, 'Rule', {
      topicRulePayload: {
        sql: ruleSql(topicFilter),
        awsIotSqlVersion: '2016-03-23',
        description: 'Readings of devices into the lake',
        actions: [action],
        errorAction: { sqs: { queueUrl: errors.queueUrl, roleArn: role.roleArn } },
      },
    });
    // A rule that starts before its role may do anything loses the first messages.
    rule.node.addDependency(role);
    forward?.addPermission('Rule', { principal: new ServicePrincipal('iot.amazonaws.com'), sourceArn: rule.attrArn });
  }

  /** The local account's rules have no Firehose action: a function does the PutRecord. */
  private forward(stage: Stage, room: string, stream: CfnDeliveryStream): NodeFunction {
    const forward = new NodeFunction(this, 'Forward', {
      stage,
      room,
      entry: new URL('./forward.lambda.ts', import.meta.url),
      invoked: 'async',
      timeout: Duration.seconds(10),
      environment: { DELIVERY_STREAM: stream.ref },
    });
    Grant.addToPrincipal({ grantee: forward, actions: ['firehose:PutRecord'], resourceArns: [stream.attrArn] });
    return forward;
  }
}
