import { CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { RoomAlarm } from '../shared/alarm.ts';
import { Catalogue } from '../shared/lake/catalogue.ts';
import { LakeBucket } from '../shared/lake-bucket.ts';
import { metricsNamespace, NodeFunction } from '../shared/node-function.ts';
import { DeadLetterQueue, ParkingQueue } from '../shared/resting-queue.ts';
import { allowWildcards } from '../shared/wildcards.ts';
import type { Stage } from '../stages.ts';
import type { Gateways } from '../stream-ingestion/contract.ts';
import { firstDay, sampleColumns } from './contract.ts';
import { queries, sqlOf, standaloneSql } from './queries.ts';
import { ReadingsStream } from './readings-stream.ts';
import { wildcards } from './wildcards.ts';

const room = 'sensor-data-lake';

export interface SensorDataLakeProps {
  stage: Stage;
  databaseName?: string;
  /** Topic of the readings; `IoTBlog/sensorData/#` where each device has one of its own. */
  topicFilter?: string;
  /** How long messages are collected for one raw object; the table is behind by as much. At most 15 minutes. */
  bufferTime?: Duration;
  /** Which devices a gateway's thing speaks for. */
  gateways?: Gateways;
}

/** The history of all readings: device → IoT rule → Firehose → raw objects → function → Parquet by day → Athena. */
export class SensorDataLakeStack extends Stack {
  constructor(scope: Construct, props: SensorDataLakeProps) {
    super(scope, 'SensorDataLakeStack', { description: 'History of sensor readings: Firehose, S3, Glue, Athena' });
    const { stage, databaseName = 'sensor_data_lake', topicFilter = 'IoTBlog/sensorData', gateways = {} } = props;

    const raw = new LakeBucket(this, 'Raw', { stage });
    const processed = new LakeBucket(this, 'Processed', { stage, keepsObjects: true });
    const parking = new ParkingQueue(this, 'Parking', { stage, room });
    const deadLetters = new DeadLetterQueue(this, 'DeadLetters', { stage, room });
    const timeout = Duration.minutes(2);
    const created = new Queue(this, 'RawObjects', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      visibilityTimeout: Duration.seconds(6 * timeout.toSeconds()),
      retentionPeriod: Duration.days(stage.restingMessageDays),
      deadLetterQueue: { queue: deadLetters, maxReceiveCount: 4 },
      removalPolicy: stage.removalPolicy,
    });
    raw.notify(created, 'readings/');

    const convert = new NodeFunction(this, 'Convert', {
      stage,
      room,
      entry: new URL('./convert.lambda.ts', import.meta.url),
      invoked: 'event-source',
      timeout,
      memorySize: 1_024,
      environment: {
        RAW_BUCKET: raw.bucket.bucketName,
        PROCESSED_BUCKET: processed.bucket.bucketName,
        PARKING_QUEUE_URL: parking.queueUrl,
        GATEWAYS: JSON.stringify(gateways),
      },
    });
    raw.grantFind(convert);
    processed.grantPut(convert);
    parking.grantPark(convert);
    // An object is up to 64 MB unpacked: few at a time.
    convert.addEventSource(
      new SqsEventSource(created, { batchSize: 5, maxConcurrency: 5, reportBatchItemFailures: true }),
    );

    new ReadingsStream(this, 'Readings', {
      ...{ stage, room, topicFilter, bucket: raw.bucket, prefix: 'readings/' },
      bufferTime: props.bufferTime ?? Duration.minutes(5),
    });

    const catalogue = new Catalogue(this, 'Catalogue', {
      ...{ stage, databaseName, description: 'Readings of all devices, by day' },
    });
    catalogue.addDailyTable('samples', {
      location: processed.bucket.s3UrlForObject('samples/'),
      columns: sampleColumns,
      firstDay,
      description: 'One row for each value that a device has sent; twice what it has sent twice',
    });
    for (const query of queries) {
      const { name, title: description, columns } = query;
      catalogue.addView(name.replaceAll('-', '_'), { sql: sqlOf(query), columns, description });
      catalogue.addNamedQuery(name, { sql: standaloneSql(query), description });
    }

    new RoomAlarm(this, 'NewestSample', {
      ...{ stage, room, watches: 'newest-age', runbook: 'No new samples', breachesWhenMissing: true },
      metric: new Metric({
        ...{ namespace: metricsNamespace, metricName: 'NewestSampleAge', dimensionsMap: { service: room } },
        ...{ statistic: 'Minimum', period: Duration.minutes(30) },
      }),
      threshold: Duration.hours(1).toMilliseconds(),
      evaluationPeriods: 2,
      says: 'For an hour no new sample has come into the lake.',
    });

    new CfnOutput(this, 'RawBucketName', { value: raw.bucket.bucketName });
    new CfnOutput(this, 'ProcessedBucketName', { value: processed.bucket.bucketName });
    new CfnOutput(this, 'DatabaseName', { value: databaseName });
    new CfnOutput(this, 'WorkgroupName', { value: catalogue.workgroupName });
    new CfnOutput(this, 'ParkingQueueUrl', { value: parking.queueUrl });
    new CfnOutput(this, 'DeadLettersUrl', { value: deadLetters.queueUrl });
    new CfnOutput(this, 'ConvertName', { value: convert.functionName });
    new CfnOutput(this, 'ConvertRoleName', { value: convert.role?.roleName ?? '' });
    allowWildcards(this, wildcards);
  }
}
