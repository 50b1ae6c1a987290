import { CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import { AttributeType, Billing, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { Grant } from 'aws-cdk-lib/aws-iam';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { SubscriptionFilter, Topic } from 'aws-cdk-lib/aws-sns';
import { SqsSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { LakeBucket } from '../shared/lake-bucket.ts';
import { NodeFunction } from '../shared/node-function.ts';
import { DeadLetterQueue, ParkingQueue } from '../shared/resting-queue.ts';
import { allowWildcards } from '../shared/wildcards.ts';
import type { Stage } from '../stages.ts';
import { routingAttribute } from './contract.ts';
import { wildcards } from './wildcards.ts';

const room = 'cost-optimization';

export interface CostOptimizationProps {
  stage: Stage;
  /** Routing keys of the packs that are delivered; the others are never paid for as requests of SQS, nor as compute. */
  routingKeys?: string[];
}

/** Items in packs of 64 KB: topic → filter policy → queue → function → rows; what is too large goes by S3. */
export class CostOptimizationStack extends Stack {
  constructor(scope: Construct, { stage, routingKeys = ['temperature', 'humidity'] }: CostOptimizationProps) {
    super(scope, 'CostOptimizationStack', { description: 'Packed messages: SNS, filter policy, SQS, DynamoDB' });

    const large = new LakeBucket(this, 'Large', { stage });
    const topic = new Topic(this, 'Topic', { enforceSSL: true });
    topic.applyRemovalPolicy(stage.removalPolicy);
    const deadLetters = new DeadLetterQueue(this, 'DeadLetters', { stage, room });
    const undelivered = new DeadLetterQueue(this, 'Undelivered', { stage, room });
    const parking = new ParkingQueue(this, 'Parking', { stage, room });
    const timeout = Duration.seconds(30);
    const packs = new Queue(this, 'Packs', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      visibilityTimeout: Duration.seconds(6 * timeout.toSeconds()),
      retentionPeriod: Duration.days(stage.restingMessageDays),
      deadLetterQueue: { queue: deadLetters, maxReceiveCount: 4 },
      removalPolicy: stage.removalPolicy,
    });
    topic.addSubscription(
      new SqsSubscription(packs, {
        // Raw: the envelope of SNS would not fit beside 64 KB.
        rawMessageDelivery: true,
        filterPolicy: { [routingAttribute]: SubscriptionFilter.stringFilter({ allowlist: routingKeys }) },
        deadLetterQueue: undelivered,
      }),
    );
    const table = new TableV2(this, 'Items', {
      partitionKey: { name: 'id', type: AttributeType.STRING },
      billing: Billing.onDemand(),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: stage.deletionProtection,
      removalPolicy: stage.removalPolicy,
    });
    const unpack = new NodeFunction(this, 'Unpack', {
      ...{ stage, room, timeout, invoked: 'event-source', entry: new URL('./unpack.lambda.ts', import.meta.url) },
      environment: {
        TABLE_NAME: table.tableName,
        BUCKET_NAME: large.bucket.bucketName,
        PARKING_QUEUE_URL: parking.queueUrl,
      },
    });
    unpack.addEventSource(
      new SqsEventSource(packs, { batchSize: 10, maxConcurrency: 5, reportBatchItemFailures: true }),
    );
    parking.grantPark(unpack);
    table.grant(unpack, 'dynamodb:BatchWriteItem');
    large.grantGet(unpack);
    // Without it S3 does not say that an object is not there.
    Grant.addToPrincipal({ grantee: unpack, actions: ['s3:ListBucket'], resourceArns: [large.bucket.bucketArn] });

    const outputs: Record<string, string> = {
      TopicArn: topic.topicArn,
      TableName: table.tableName,
      BucketName: large.bucket.bucketName,
      ParkingQueueUrl: parking.queueUrl,
      PacksUrl: packs.queueUrl,
      DeadLettersUrl: deadLetters.queueUrl,
      UnpackName: unpack.functionName,
      UnpackRoleName: unpack.role?.roleName ?? '',
    };
    for (const [id, value] of Object.entries(outputs)) new CfnOutput(this, id, { value });
    allowWildcards(this, wildcards);
  }
}
