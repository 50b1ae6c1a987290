import { CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import { AttributeType, Billing, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { Grant, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { LakeBucket } from '../shared/lake-bucket.ts';
import { NodeFunction } from '../shared/node-function.ts';
import { DeadLetterQueue, ParkingQueue } from '../shared/resting-queue.ts';
import { allowWildcards } from '../shared/wildcards.ts';
import type { Stage } from '../stages.ts';
import {
  type DestinationTemplate,
  destinationTemplate,
  historyCsv,
  largestSlice,
  readingsCsv,
  recordingJson,
} from './contract.ts';
import { wildcards } from './wildcards.ts';

const room = 'data-out';

/** Lambda takes 4 KB of environment variables in all; the other ones need less than the rest. */
const mostVariablesBytes = 3_000;
/** Of a destination's name and the URL of its queue, at most. */
const queueUrlBytes = 200;

export interface DataOutProps {
  stage: Stage;
  /** Who gets what, each with a queue of its own. */
  destinations?: readonly DestinationTemplate[];
  /** Bytes of a slice, at most 100 MB. */
  sliceBytes?: number;
}

/** Files out to partners: object → slices on a queue for each destination → function → files, and a manifest when all are there. */
export class DataOutStack extends Stack {
  constructor(scope: Construct, props: DataOutProps) {
    super(scope, 'DataOutStack', { description: 'Bulk export: slices of objects, transformed for each destination' });
    const { stage, sliceBytes = 64_000_000 } = props;
    const destinations = (props.destinations ?? [readingsCsv, historyCsv, recordingJson]).map((one) =>
      destinationTemplate.parse(one),
    );
    if (sliceBytes < 1 || sliceBytes > largestSlice) {
      throw new Error(`A slice of ${sliceBytes} bytes is none: give 1 to ${largestSlice}.`);
    }
    if (new Set(destinations.map(({ name }) => name)).size < destinations.length) {
      throw new Error('Two destinations have one name: give each its own.');
    }
    const templates = JSON.stringify(destinations);
    const variablesBytes = Buffer.byteLength(templates) + queueUrlBytes * destinations.length;
    if (variablesBytes > mostVariablesBytes) {
      throw new Error(
        `${destinations.length} destinations are ${variablesBytes} bytes of environment variables, of at most ${mostVariablesBytes}: use shorter names, or a second stack for some.`,
      );
    }
    const source = new LakeBucket(this, 'Source', { stage });
    const delivered = new LakeBucket(this, 'Delivered', { stage });
    const parking = new ParkingQueue(this, 'Parking', { stage, room });
    const deadLetters = new DeadLetterQueue(this, 'DeadObjects', { stage, room });
    const deadSlices = new DeadLetterQueue(this, 'DeadSlices', { stage, room, runbook: 'Dead slices' });
    const work = new TableV2(this, 'Work', {
      partitionKey: { name: 'id', type: AttributeType.STRING },
      timeToLiveAttribute: 'expiresAt',
      billing: Billing.onDemand(),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: stage.deletionProtection,
      removalPolicy: stage.removalPolicy,
    });
    const queue = (id: string, timeout: Duration, dead: Queue, maxReceiveCount: number) =>
      new Queue(this, id, {
        encryption: QueueEncryption.SQS_MANAGED,
        enforceSSL: true,
        visibilityTimeout: Duration.seconds(6 * timeout.toSeconds()),
        retentionPeriod: Duration.days(stage.restingMessageDays),
        deadLetterQueue: { queue: dead, maxReceiveCount },
        removalPolicy: stage.removalPolicy,
      });
    const timeout = Duration.minutes(3);
    const objects = queue('Objects', timeout, deadLetters, 4);
    source.notify(objects, 'exports/');
    const queues = destinations.map(({ name, concurrency }) => ({
      ...{ name, concurrency },
      // A destination that is away for an hour or two loses nothing: the tries take 2 h 20 min on average.
      slices: queue(`Slices-${name}`, timeout, deadSlices, 24),
    }));
    const shared = {
      WORK_TABLE: work.tableName,
      PARKING_QUEUE_URL: parking.queueUrl,
      SLICE_QUEUES: this.toJsonString(Object.fromEntries(queues.map(({ name, slices }) => [name, slices.queueUrl]))),
      DESTINATIONS: templates,
      KEEP_DAYS: String(stage.rawDataDays),
    };
    const plan = new NodeFunction(this, 'Plan', {
      ...{ stage, room, timeout, invoked: 'event-source', entry: new URL('./plan.lambda.ts', import.meta.url) },
      environment: { ...shared, SLICE_BYTES: String(sliceBytes) },
    });
    const deliver = new NodeFunction(this, 'Deliver', {
      ...{ stage, room, timeout, invoked: 'event-source', entry: new URL('./deliver.lambda.ts', import.meta.url) },
      // One whole processor.
      memorySize: 1_769,
      environment: {
        ...shared,
        SOURCE_BUCKET: source.bucket.bucketName,
        DELIVERED_BUCKET: delivered.bucket.bucketName,
      },
    });
    parking.grantPark(plan);
    parking.grantPark(deliver);
    plan.addToRolePolicy(new PolicyStatement({ actions: ['dynamodb:PutItem'], resources: [work.tableArn] }));
    for (const { slices } of queues) {
      slices.grant(plan, 'sqs:SendMessage');
      if (stage.name === 'local') slices.grant(plan, 'sqs:SendMessageBatch');
    }
    deliver.addToRolePolicy(
      new PolicyStatement({ actions: ['dynamodb:GetItem', 'dynamodb:UpdateItem'], resources: [work.tableArn] }),
    );
    source.grantFind(deliver);
    delivered.grantPut(deliver);
    Grant.addToPrincipal({
      grantee: deliver,
      actions: ['s3:AbortMultipartUpload'],
      resourceArns: [delivered.bucket.arnForObjects('*')],
    });
    plan.addEventSource(
      new SqsEventSource(objects, { batchSize: 10, maxConcurrency: 2, reportBatchItemFailures: true }),
    );
    for (const { slices, concurrency } of queues) {
      deliver.addEventSource(
        new SqsEventSource(slices, { batchSize: 1, maxConcurrency: concurrency, reportBatchItemFailures: true }),
      );
    }

    const outputs: Record<string, string> = {
      SourceBucketName: source.bucket.bucketName,
      DeliveredBucketName: delivered.bucket.bucketName,
      WorkTableName: work.tableName,
      ParkingQueueUrl: parking.queueUrl,
      DeadSlicesUrl: deadSlices.queueUrl,
      ObjectsUrl: objects.queueUrl,
      DeliverName: deliver.functionName,
      DeliverRoleName: deliver.role?.roleName ?? '',
      PlanName: plan.functionName,
      ...Object.fromEntries(queues.map(({ name, slices }) => [`${pascal(name)}Url`, slices.queueUrl])),
    };
    for (const [id, value] of Object.entries(outputs)) new CfnOutput(this, id, { value });
    allowWildcards(this, wildcards);
  }
}

function pascal(name: string): string {
  return name.replaceAll(/(?:^|-)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
