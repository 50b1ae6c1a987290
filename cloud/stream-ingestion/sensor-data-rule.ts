import { Duration } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnTopicRule } from 'aws-cdk-lib/aws-iot';
import type { Stream } from 'aws-cdk-lib/aws-kinesis';
import { Construct } from 'constructs';
import { NodeFunction } from '../shared/node-function.ts';
import { DeadLetterQueue } from '../shared/resting-queue.ts';
import type { Stage } from '../stages.ts';
import { ruleSql } from './contract.ts';

export interface SensorDataRuleProps {
  stage: Stage;
  room: string;
  stream: Stream;
  topicFilter: string;
}

/** What devices publish, into the stream; what AWS IoT could not put there, into a queue. */
export class SensorDataRule extends Construct {
  /** Messages that the rule's action failed on. */
  readonly errors: DeadLetterQueue;

  constructor(scope: Construct, id: string, { stage, room, stream, topicFilter }: SensorDataRuleProps) {
    super(scope, id);
    this.errors = new DeadLetterQueue(this, 'RuleErrors', { stage, room, runbook: 'Rule errors' });
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('iot.amazonaws.com') });
    this.errors.grant(role, 'sqs:SendMessage');
    const action = stage.name === 'local' ? this.forward(stage, room, stream) : intoStream(role, stream);
    const rule = new CfnTopicRule(this, 'Rule', {
      topicRulePayload: {
        sql: ruleSql(topicFilter),
        awsIotSqlVersion: '2016-03-23',
        description: 'Readings of devices into the stream',
        actions: [action],
        errorAction: { sqs: { queueUrl: this.errors.queueUrl, roleArn: role.roleArn } },
      },
    });
    // A rule that starts before its role may do anything loses the first messages.
    rule.node.addDependency(role);
    const forward = this.node.tryFindChild('Forward');
    if (forward instanceof NodeFunction) {
      forward.addPermission('Rule', { principal: new ServicePrincipal('iot.amazonaws.com'), sourceArn: rule.attrArn });
    }
  }

  /** The local account's rules have no Kinesis action: a function does the PutRecord. */
  private forward(stage: Stage, room: string, stream: Stream): CfnTopicRule.ActionProperty {
    const forward = new NodeFunction(this, 'Forward', {
      stage,
      room,
      entry: new URL('./forward.lambda.ts', import.meta.url),
      invoked: 'async',
      timeout: Duration.seconds(10),
      environment: { STREAM_NAME: stream.streamName },
    });
    stream.grant(forward, 'kinesis:PutRecord');
    return { lambda: { functionArn: forward.functionArn } };
  }
}

/** One client's messages stay in order: they are one partition. */
function intoStream(role: Role, stream: Stream): CfnTopicRule.ActionProperty {
  role.addToPolicy(new PolicyStatement({ actions: ['kinesis:PutRecord'], resources: [stream.streamArn] }));
  return { kinesis: { streamName: stream.streamName, partitionKey: `\${clientid()}`, roleArn: role.roleArn } };
}
