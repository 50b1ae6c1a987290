import { CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import { AttributeType, Billing, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import type { Construct } from 'constructs';
import { FifoFanOut } from '../shared/fifo-fan-out.ts';
import { FifoInput } from '../shared/fifo-input.ts';
import { LakeBucket } from '../shared/lake-bucket.ts';
import { allowWildcards } from '../shared/wildcards.ts';
import type { Stage } from '../stages.ts';
import { inventoryEventTypes } from './contract.ts';
import { wildcards } from './wildcards.ts';

const room = 'job-events';

export interface JobEventsProps {
  stage: Stage;
  /** Name of the topic, and part of the names of all queues; without `.fifo`. */
  topicName?: string;
}

/** Events of a recruiting agency: changes of rows → anti-corruption → FIFO topic → analytics and inventory. */
export class JobEventsStack extends Stack {
  constructor(scope: Construct, { stage, topicName = 'JobEvents' }: JobEventsProps) {
    super(scope, 'JobEventsStack', { description: 'Job events: SNS FIFO fan-out to analytics and inventory' });

    const fanOut = new FifoFanOut(this, 'JobEvents', {
      ...{ stage, room, topicName },
      subscriptionDeadLetters: 'Subscription',
    });
    const changes = new FifoInput(this, 'JobChanges', {
      ...{ stage, room },
      entry: new URL('./translate.lambda.ts', import.meta.url),
      environment: { TOPIC_ARN: fanOut.topic.topicArn },
      timeout: Duration.seconds(20),
    });
    fanOut.topic.grantPublish(changes.function);

    const lake = new LakeBucket(this, 'Lake', { stage });
    const analytics = fanOut.addConsumer('Analytics', {
      entry: new URL('./analyse.lambda.ts', import.meta.url),
      environment: { BUCKET_NAME: lake.bucket.bucketName },
    });
    lake.grantPut(analytics.function);

    const table = new TableV2(this, 'InventoryTable', {
      partitionKey: { name: 'id', type: AttributeType.STRING },
      billing: Billing.onDemand(),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: stage.deletionProtection,
      removalPolicy: stage.removalPolicy,
    });
    const inventory = fanOut.addConsumer('Inventory', {
      entry: new URL('./take-stock.lambda.ts', import.meta.url),
      environment: { TABLE_NAME: table.tableName },
      eventTypes: inventoryEventTypes,
    });
    table.grant(inventory.function, 'dynamodb:PutItem', 'dynamodb:UpdateItem');

    new CfnOutput(this, 'ChangesQueueUrl', { value: changes.queue.queueUrl });
    new CfnOutput(this, 'ChangesParkingUrl', { value: changes.parking.queueUrl });
    new CfnOutput(this, 'TopicArn', { value: fanOut.topic.topicArn });
    new CfnOutput(this, 'LakeName', { value: lake.bucket.bucketName });
    new CfnOutput(this, 'TableName', { value: table.tableName });
    new CfnOutput(this, 'AnalyticsParkingUrl', { value: analytics.parking.queueUrl });
    new CfnOutput(this, 'InventoryName', { value: inventory.function.functionName });
    new CfnOutput(this, 'InventoryRoleName', { value: inventory.function.role?.roleName ?? '' });
    new CfnOutput(this, 'InventoryDeadLettersUrl', { value: inventory.deadLetters.queueUrl });
    new CfnOutput(this, 'InventoryQueueUrl', { value: inventory.queue.queueUrl });
    allowWildcards(this, wildcards);
  }
}
