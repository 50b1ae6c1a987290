import { CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import { AttributeType, Billing, Capacity, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { Stream, StreamEncryption, StreamMode } from 'aws-cdk-lib/aws-kinesis';
import { StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { KinesisEventSource, SqsDlq } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { Construct } from 'constructs';
import { RoomAlarm } from '../shared/alarm.ts';
import { NodeFunction } from '../shared/node-function.ts';
import { DeadLetterQueue, ParkingQueue } from '../shared/resting-queue.ts';
import { allowWildcards } from '../shared/wildcards.ts';
import type { Stage } from '../stages.ts';
import { type Gateways, ingestCall, readingsTableName } from './contract.ts';
import { DataPathDashboard, newestReadingAge } from './dashboard.ts';
import { SensorDataRule } from './sensor-data-rule.ts';
import { wildcards } from './wildcards.ts';

const room = 'stream-ingestion';

/** A call: twenty requests, each of them tried for at most 2.6 s while the table is throttled, in the function's two minutes. */
const mostRecords = 500;

export interface StreamIngestionProps {
  stage: Stage;
  /** Shards, or `on-demand`: AWS decides, at a fixed price of about 29 $ a month. */
  shards?: number | 'on-demand';
  /** Records a call, at most 500; the function writes 25 in one request. */
  batchSize?: number;
  /** How long a batch may wait to be filled. */
  batchWindow?: Duration;
  /** Batches of one shard at a time; records of one partition key stay in order. */
  parallelization?: number;
  /** How often a batch is tried again before its place in the stream goes to the dead letters. */
  retryAttempts?: number;
  /** `on-demand`, or units of capacity that auto-scaling moves between 1 and `most` at 50 %, as in the post. */
  capacity?: 'on-demand' | { most: number };
  /** Name of the table; other rooms know it by the default. */
  tableName?: string;
  /** Topic of the readings; `IoTBlog/sensorData/#` where each device has one of its own. */
  topicFilter?: string;
  /** Which devices a gateway's thing speaks for. */
  gateways?: Gateways;
}

/** Readings from a stream into a table: device → IoT rule → Kinesis → function → DynamoDB. */
export class StreamIngestionStack extends Stack {
  constructor(scope: Construct, props: StreamIngestionProps) {
    super(scope, 'StreamIngestionStack', { description: 'Sensor readings: IoT rule, Kinesis, Lambda, DynamoDB' });
    const { stage, shards = 1, capacity = 'on-demand', gateways = {}, topicFilter = 'IoTBlog/sensorData' } = props;

    const { batchSize = ingestCall.size } = props;
    if (batchSize > mostRecords) {
      throw new Error(
        `A batchSize of ${batchSize} is more than the function writes in its time: give at most ${mostRecords}.`,
      );
    }
    const stream = new Stream(this, 'Stream', {
      ...(shards === 'on-demand'
        ? { streamMode: StreamMode.ON_DEMAND }
        : { streamMode: StreamMode.PROVISIONED, shardCount: shards }),
      encryption: StreamEncryption.MANAGED,
      retentionPeriod: Duration.hours(stage.streamHours),
      removalPolicy: stage.removalPolicy,
    });
    const table = new TableV2(this, 'Readings', {
      tableName: props.tableName ?? readingsTableName,
      partitionKey: { name: 'partitionKey', type: AttributeType.STRING },
      sortKey: { name: 'timestamp', type: AttributeType.STRING },
      timeToLiveAttribute: 'expiresAt',
      billing:
        capacity === 'on-demand'
          ? Billing.onDemand()
          : Billing.provisioned({ readCapacity: scaled(capacity.most), writeCapacity: scaled(capacity.most) }),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: stage.deletionProtection,
      removalPolicy: stage.removalPolicy,
    });
    const parking = new ParkingQueue(this, 'Parking', { stage, room });
    const deadLetters = new DeadLetterQueue(this, 'DeadLetters', { stage, room });

    const ingest = new NodeFunction(this, 'Ingest', {
      stage,
      room,
      entry: new URL('./ingest.lambda.ts', import.meta.url),
      invoked: 'event-source',
      timeout: Duration.minutes(2),
      environment: {
        DDB_TABLE_NAME: table.tableName,
        PARKING_QUEUE_URL: parking.queueUrl,
        KEEP_DAYS: String(stage.rawDataDays),
        GATEWAYS: JSON.stringify(gateways),
      },
    });
    table.grant(ingest, 'dynamodb:BatchWriteItem');
    parking.grantPark(ingest);
    ingest.addEventSource(
      new KinesisEventSource(stream, {
        startingPosition: StartingPosition.TRIM_HORIZON,
        batchSize,
        maxBatchingWindow: props.batchWindow ?? Duration.seconds(ingestCall.windowSeconds),
        parallelizationFactor: props.parallelization ?? 1,
        retryAttempts: props.retryAttempts ?? 3,
        maxRecordAge: Duration.hours(24),
        bisectBatchOnError: true,
        reportBatchItemFailures: true,
        onFailure: new SqsDlq(deadLetters),
      }),
    );

    const rule = new SensorDataRule(this, 'SensorData', { stage, room, stream, topicFilter });

    new RoomAlarm(this, 'IteratorAge', {
      stage,
      room,
      watches: 'iterator-age',
      metric: stream.metricGetRecordsIteratorAgeMilliseconds({ period: Duration.minutes(1), statistic: 'Maximum' }),
      threshold: Duration.minutes(5).toMilliseconds(),
      evaluationPeriods: 5,
      says: 'Readings wait in the stream for more than five minutes.',
      runbook: 'Iterator age',
    });
    new RoomAlarm(this, 'NewestReading', {
      stage,
      room,
      watches: 'newest-age',
      metric: newestReadingAge(),
      threshold: Duration.minutes(15).toMilliseconds(),
      evaluationPeriods: 3,
      says: 'No device has sent a new reading for a quarter of an hour.',
      runbook: 'No new readings',
      breachesWhenMissing: true,
    });
    new DataPathDashboard(this, 'Dashboard', { stream, table, ingest, parking, deadLetters, ruleErrors: rule.errors });

    new CfnOutput(this, 'StreamName', { value: stream.streamName });
    new CfnOutput(this, 'TableName', { value: table.tableName });
    new CfnOutput(this, 'IngestName', { value: ingest.functionName });
    new CfnOutput(this, 'IngestRoleName', { value: ingest.role?.roleName ?? '' });
    new CfnOutput(this, 'ParkingQueueUrl', { value: parking.queueUrl });
    new CfnOutput(this, 'DeadLettersUrl', { value: deadLetters.queueUrl });
    new CfnOutput(this, 'RuleErrorsUrl', { value: rule.errors.queueUrl });
    allowWildcards(this, wildcards);
  }
}

function scaled(most: number): Capacity {
  return Capacity.autoscaled({ minCapacity: 1, maxCapacity: most, targetUtilizationPercent: 50 });
}
