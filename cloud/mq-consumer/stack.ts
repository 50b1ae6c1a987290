import { CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import { type IMetric, MathExpression, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { AttributeType, Billing, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { Policy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { CfnEventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { RoomAlarm } from '../shared/alarm.ts';
import { leaveOut } from '../shared/lacking-types.ts';
import { NodeFunction } from '../shared/node-function.ts';
import { ParkingQueue } from '../shared/resting-queue.ts';
import { allowWildcards } from '../shared/wildcards.ts';
import type { Stage } from '../stages.ts';
import { readingsTableName } from '../stream-ingestion/contract.ts';
import { PlantBroker } from './broker.ts';
import { brokerDeadLetters, consumeCall, names } from './contract.ts';
import { wildcards } from './wildcards.ts';

const room = 'mq-consumer';

/** Twenty groups of ten writes, which a table that is well takes in a second; where it is slow the batch comes again. */
const mostMessages = 200;

export interface MqConsumerProps {
  stage: Stage;
  brokerName?: string;
  queueName?: string;
  functionName?: string;
  /** Secret of the user with whom Lambda reads. */
  secretName?: string;
  /** Messages a call, at most 200. */
  batchSize?: number;
  /** Default: what the stage says. */
  deploymentMode?: 'ACTIVE_STANDBY_MULTI_AZ' | 'SINGLE_INSTANCE';
  /** Default: mq.m5.large with a standby, mq.t3.micro alone. */
  instanceType?: string;
  engineVersion?: string;
  /** Addresses of the broker's network: a private range that the plant does not use. */
  networkCidr?: string;
  /** Networks of the plant, joined with the broker's, whose machines may send; none where absent. */
  plantCidrs?: readonly string[];
  /** Networks whose people may open the broker's console; none where absent. */
  operatorCidrs?: readonly string[];
  /** Table of the room stream-ingestion. */
  readingsTable?: string;
}

/** Readings of a plant that has a message bus: ActiveMQ → function → the table of readings. */
export class MqConsumerStack extends Stack {
  constructor(scope: Construct, props: MqConsumerProps) {
    super(scope, 'MqConsumerStack', { description: 'Readings from a bus: Amazon MQ, Lambda, DynamoDB' });
    const { stage, brokerName = names.broker, queueName = names.queue, readingsTable = readingsTableName } = props;
    const { deploymentMode = stage.standby ? 'ACTIVE_STANDBY_MULTI_AZ' : 'SINGLE_INSTANCE' } = props;
    const { batchSize = consumeCall.size } = props;
    if (batchSize > mostMessages) {
      throw new Error(
        `A batchSize of ${batchSize} is more than the function writes in its time: give at most ${mostMessages}.`,
      );
    }
    const { broker, consumerSecret } = new PlantBroker(this, 'Broker', {
      stage,
      name: brokerName,
      queue: queueName,
      secrets: {
        consumer: props.secretName ?? names.consumerSecret,
        producer: names.producerSecret,
        operator: names.operatorSecret,
      },
      networkCidr: props.networkCidr ?? '10.96.0.0/24',
      plantCidrs: props.plantCidrs ?? [],
      operatorCidrs: props.operatorCidrs ?? [],
      deploymentMode,
      instanceType: props.instanceType ?? (deploymentMode === 'SINGLE_INSTANCE' ? 'mq.t3.micro' : 'mq.m5.large'),
      engineVersion: props.engineVersion ?? '5.18',
    });
    const marks = new TableV2(this, 'Marks', {
      partitionKey: { name: 'messageId', type: AttributeType.STRING },
      timeToLiveAttribute: 'expiresAt',
      billing: Billing.onDemand(),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: stage.deletionProtection,
      removalPolicy: stage.removalPolicy,
    });
    const parking = new ParkingQueue(this, 'Parking', { stage, room });
    const consume = new NodeFunction(this, 'Consume', {
      ...{ stage, room, invoked: 'event-source', timeout: Duration.minutes(1) },
      functionName: props.functionName ?? names.function,
      entry: new URL('./consume.lambda.ts', import.meta.url),
      environment: {
        READINGS_TABLE: readingsTable,
        MARKS_TABLE: marks.tableName,
        PARKING_QUEUE_URL: parking.queueUrl,
        KEEP_DAYS: String(stage.rawDataDays),
      },
    });
    consume.addToRolePolicy(
      allowing(
        ['dynamodb:PutItem'],
        this.formatArn({ service: 'dynamodb', resource: 'table', resourceName: readingsTable }),
      ),
    );
    marks.grant(consume, 'dynamodb:BatchGetItem', 'dynamodb:UpdateItem');
    parking.grantPark(consume);

    const mapping = new CfnEventSourceMapping(this, 'Mapping', {
      functionName: consume.functionName,
      eventSourceArn: broker.attrArn,
      queues: [queueName],
      sourceAccessConfigurations: [{ type: 'BASIC_AUTH', uri: consumerSecret.attrId }],
      batchSize,
      maximumBatchingWindowInSeconds: consumeCall.windowSeconds,
    });
    // The local account makes no broker, and so nothing that names its ARN.
    const hasBroker = stage.name !== 'local';
    if (!hasBroker) leaveOut(mapping);
    // Apart, so that what holds for everything is not merged with what each function holds for everything.
    const polls = new Policy(this, 'PollsBroker', {
      ...(consume.role === undefined ? {} : { roles: [consume.role] }),
      statements: [
        allowing(pollerNetworkActions, '*'),
        allowing(['secretsmanager:GetSecretValue'], consumerSecret.attrId),
        ...(hasBroker ? [allowing(['mq:DescribeBroker'], broker.attrArn)] : []),
      ],
    });
    // Lambda asks whether the role may read when the mapping is made.
    mapping.node.addDependency(polls);

    const instances = deploymentMode === 'SINGLE_INSTANCE' ? 1 : 2;
    const sizeOf = (queue: string) => queueSize(brokerName, queue, instances, 'Maximum');
    new RoomAlarm(this, 'Backlog', {
      ...{ stage, room, watches: 'backlog', metric: sizeOf(queueName) },
      threshold: 10 * batchSize,
      evaluationPeriods: 5,
      says: 'More messages wait at the broker than ten calls take.',
      runbook: 'Backlog',
    });
    new RoomAlarm(this, 'Standstill', {
      ...{ stage, room, watches: 'backlog', metric: queueSize(brokerName, queueName, instances, 'Minimum') },
      threshold: 1,
      evaluationPeriods: 15,
      says: 'For fifteen minutes the queue has not been empty once: perhaps nobody reads it.',
      runbook: 'Standstill',
    });
    new RoomAlarm(this, 'DeadLetters', {
      ...{ stage, room, watches: 'dead-letters', metric: sizeOf(brokerDeadLetters) },
      threshold: 1,
      says: 'The broker holds messages that failed on each of seven deliveries, or were too old.',
      runbook: 'Dead letters',
    });

    new CfnOutput(this, 'FunctionName', { value: consume.functionName });
    new CfnOutput(this, 'RoleName', { value: consume.role?.roleName ?? '' });
    new CfnOutput(this, 'ParkingQueueUrl', { value: parking.queueUrl });
    new CfnOutput(this, 'MarksTableName', { value: marks.tableName });
    allowWildcards(this, wildcards);
  }
}

/** What the poller of Lambda does in the broker's network, as the function's role. */
const pollerNetworkActions = [
  'ec2:CreateNetworkInterface',
  'ec2:DeleteNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSecurityGroups',
  'ec2:DescribeSubnets',
  'ec2:DescribeVpcs',
];

function allowing(actions: string[], resource: string): PolicyStatement {
  return new PolicyStatement({ actions, resources: [resource] });
}

/** Messages in a queue of the broker. Each of its instances reports under a name of its own; one on standby reports nothing. */
function queueSize(broker: string, queue: string, instances: 1 | 2, statistic: 'Maximum' | 'Minimum'): IMetric {
  const ofInstance = (id: number) =>
    new Metric({
      ...{ namespace: 'AWS/AmazonMQ', metricName: 'QueueSize', statistic, period: Duration.minutes(1) },
      dimensionsMap: { Broker: `${broker}-${id}`, Queue: queue },
    });
  if (instances === 1) return ofInstance(1);
  return new MathExpression({
    expression: 'MAX([FILL(m1, 0), FILL(m2, 0)])',
    period: Duration.minutes(1),
    usingMetrics: { m1: ofInstance(1), m2: ofInstance(2) },
  });
}
