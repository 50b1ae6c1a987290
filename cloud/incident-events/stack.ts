import { CfnOutput, Stack } from 'aws-cdk-lib';
import { AttributeType, Billing, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { FifoFanOut } from '../shared/fifo-fan-out.ts';
import { LakeBucket } from '../shared/lake-bucket.ts';
import { allowWildcards } from '../shared/wildcards.ts';
import type { Stage } from '../stages.ts';
import type { Gateways } from '../stream-ingestion/contract.ts';
import { AnomalyRule } from './anomaly-rule.ts';
import type { OpenerConfiguration } from './contract.ts';
import { Opener } from './opener.ts';
import { wildcards } from './wildcards.ts';

const room = 'incident-events';

export interface IncidentEventsProps {
  stage: Stage;
  /** Name of the topic, and part of the names of all queues; without `.fifo`. */
  topicName?: string;
  /** Topic of the anomalies; `IoTBlog/anomaly/from/+` where each device has one of its own. */
  topicFilter?: string;
  /** Which devices a gateway's thing speaks for. */
  gateways?: Gateways;
  /** The instance and how it is told, as in a device's configuration: `{ serviceNow: { url: 'https://…' } }`. */
  configuration?: OpenerConfiguration;
  /** Secret with the credentials of the instance. */
  secretName?: string;
  /** Keys that the opener tells at a time. */
  openerConcurrency?: number;
}

/** Anomalies of devices: IoT rule → anti-corruption → FIFO topic → lake, open incidents, and the opener of a fleet. */
export class IncidentEventsStack extends Stack {
  constructor(scope: Construct, props: IncidentEventsProps) {
    super(scope, 'IncidentEventsStack', {
      description: 'Incident events: SNS FIFO fan-out of the anomalies of devices',
    });
    const { stage, topicName = 'IncidentEvents', topicFilter = 'IoTBlog/anomaly', gateways = {} } = props;

    const fanOut = new FifoFanOut(this, 'IncidentEvents', { stage, room, topicName });
    const rule = new AnomalyRule(this, 'Anomaly', { stage, room, topicFilter, gateways, topic: fanOut.topic });

    const lake = new LakeBucket(this, 'Lake', { stage });
    const analytics = fanOut.addConsumer('Analytics', {
      entry: new URL('./analyse.lambda.ts', import.meta.url),
      environment: { BUCKET_NAME: lake.bucket.bucketName },
    });
    lake.grantPut(analytics.function);

    const open = new TableV2(this, 'OpenIncidents', {
      partitionKey: { name: 'correlationId', type: AttributeType.STRING },
      globalSecondaryIndexes: [
        {
          indexName: 'open',
          partitionKey: { name: 'openAtSite', type: AttributeType.STRING },
          sortKey: { name: 'startedAt', type: AttributeType.STRING },
        },
      ],
      timeToLiveAttribute: 'expiresAt',
      billing: Billing.onDemand(),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: stage.deletionProtection,
      removalPolicy: stage.removalPolicy,
    });
    const inventory = fanOut.addConsumer('Inventory', {
      entry: new URL('./take-stock.lambda.ts', import.meta.url),
      environment: { TABLE_NAME: open.tableName, KEEP_DAYS: String(stage.rawDataDays) },
    });
    // `open.grant` would include every index.
    inventory.function.addToRolePolicy(
      new PolicyStatement({ actions: ['dynamodb:PutItem'], resources: [open.tableArn] }),
    );

    const opener = new Opener(this, 'Opener', {
      ...{ stage, room, fanOut },
      configuration: props.configuration ?? {},
      secretName: props.secretName ?? 'greengrass-snow-creds',
      maxConcurrency: props.openerConcurrency ?? 5,
    });

    new CfnOutput(this, 'TopicArn', { value: fanOut.topic.topicArn });
    new CfnOutput(this, 'TranslateParkingUrl', { value: rule.parking.queueUrl });
    new CfnOutput(this, 'LakeName', { value: lake.bucket.bucketName });
    new CfnOutput(this, 'OpenIncidentsName', { value: open.tableName });
    new CfnOutput(this, 'InventoryParkingUrl', { value: inventory.parking.queueUrl });
    new CfnOutput(this, 'InventoryName', { value: inventory.function.functionName });
    new CfnOutput(this, 'AnalyticsName', { value: analytics.function.functionName });
    new CfnOutput(this, 'OpenerName', { value: opener.consumer.function.functionName });
    new CfnOutput(this, 'OpenerRoleName', { value: opener.consumer.function.role?.roleName ?? '' });
    new CfnOutput(this, 'OpenerParkingUrl', { value: opener.consumer.parking.queueUrl });
    new CfnOutput(this, 'TellDueName', { value: opener.tellDue.functionName });
    new CfnOutput(this, 'StateTableName', { value: opener.state.tableName });
    allowWildcards(this, wildcards);
  }
}
