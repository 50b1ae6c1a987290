import { CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import { AttributeType, Billing, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { type EventPattern, Rule } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { Grant } from 'aws-cdk-lib/aws-iam';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { Catalogue } from '../shared/lake/catalogue.ts';
import { LakeBucket } from '../shared/lake-bucket.ts';
import { NodeFunction } from '../shared/node-function.ts';
import { DeadLetterQueue, ParkingQueue } from '../shared/resting-queue.ts';
import { allowWildcards } from '../shared/wildcards.ts';
import type { Stage } from '../stages.ts';
import { firstDay, glueSource, jobStateChange, prefixes, rideColumns } from './contract.ts';
import { TransformationJob } from './transformation-job.ts';
import { wildcards } from './wildcards.ts';

const room = 'spice-refresh';

export interface SpiceRefreshProps {
  stage: Stage;
  jobName?: string;
  databaseName?: string;
  /** Refreshes that QuickSight takes of one data set in 24 hours: 32 (Enterprise), 8 (Standard). */
  refreshesPerDay?: number;
  /** With fewer than so many left, refreshes are spread over the day. */
  reservedRefreshes?: number;
}

/** Raw file → job → Parquet; the job's end → the data sets of QuickSight that show it are refreshed. */
export class SpiceRefreshStack extends Stack {
  constructor(scope: Construct, props: SpiceRefreshProps) {
    super(scope, 'SpiceRefreshBlog', {
      description: 'Raw files to Parquet, and QuickSight told of it: S3, Glue, EventBridge',
    });
    const { stage, jobName = 'TaxiTransformationGlueJob', databaseName = 'taxigluedatabase' } = props;
    const { refreshesPerDay = 32, reservedRefreshes = 8 } = props;

    const raw = new LakeBucket(this, 'Raw', { stage });
    const processed = new LakeBucket(this, 'Processed', { stage, keepsObjects: true });
    const catalogue = new Catalogue(this, 'Catalogue', {
      ...{ stage, databaseName, description: 'Rides of taxis, by day of the pick-up' },
    });
    catalogue.addDailyTable('processed_taxi_data', {
      location: processed.bucket.s3UrlForObject(prefixes.rides),
      columns: rideColumns,
      firstDay,
      description: 'One row for each ride',
    });
    const job = new TransformationJob(this, 'Job', {
      ...{ stage, jobName, raw: raw.bucket, processed: processed.bucket },
    });

    const parking = new ParkingQueue(this, 'Parking', { stage, room });
    const deadLetters = new DeadLetterQueue(this, 'DeadLetters', { stage, room });
    const timeout = Duration.seconds(10);
    const queue = (id: string, maxReceiveCount: number) =>
      new Queue(this, id, {
        encryption: QueueEncryption.SQS_MANAGED,
        enforceSSL: true,
        visibilityTimeout: Duration.seconds(6 * timeout.toSeconds()),
        retentionPeriod: Duration.days(stage.restingMessageDays),
        deadLetterQueue: { queue: deadLetters, maxReceiveCount },
        removalPolicy: stage.removalPolicy,
      });

    // An upload comes again each minute until its turn is there: the job runs once at a time.
    const uploads = queue('Uploads', 500);
    raw.notify(uploads, prefixes.raw);
    const startJobs = new NodeFunction(this, 'StartJobs', {
      ...{ stage, room, timeout, invoked: 'event-source', entry: new URL('./start-jobs.lambda.ts', import.meta.url) },
      environment: { JOB_NAME: jobName, PARKING_QUEUE_URL: parking.queueUrl },
    });
    startJobs.addEventSource(
      new SqsEventSource(uploads, { batchSize: 1, maxConcurrency: 2, reportBatchItemFailures: true }),
    );
    parking.grantPark(startJobs);
    Grant.addToPrincipal({ grantee: startJobs, actions: ['glue:StartJobRun'], resourceArns: [job.arn] });

    const requests = queue('Requests', 5);
    // Glue's own events; the local account has none and refuses theirs, so a test tells them under another source.
    const source = stage.name === 'local' ? [glueSource.aws, glueSource.local] : [glueSource.aws];
    const undelivered = new DeadLetterQueue(this, 'Undelivered', { stage, room });
    const tell = (id: string, target: Queue, description: string, detail: EventPattern['detail'] & {}) =>
      new Rule(this, id, {
        description,
        eventPattern: { source, detailType: [jobStateChange], detail },
        targets: [new SqsQueue(target, { deadLetterQueue: undelivered })],
      });
    tell('JobEnded', requests, 'Jobs that ended well, of which the map may know', { state: ['SUCCEEDED'] });
    const failedRuns = new DeadLetterQueue(this, 'FailedRuns', { stage, room, runbook: 'Failed runs' });
    tell('JobFailed', failedRuns, `Runs of ${jobName} that did not end well`, {
      jobName: [jobName],
      state: ['FAILED', 'TIMEOUT', 'STOPPED'],
    });

    const table = (id: string, key: string) =>
      new TableV2(this, id, {
        partitionKey: { name: key, type: AttributeType.STRING },
        billing: Billing.onDemand(),
        pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
        deletionProtection: stage.deletionProtection,
        removalPolicy: stage.removalPolicy,
      });
    const map = table('DataSetMap', 'jobName');
    const states = table('RefreshStates', 'dataSetId');
    const refresh = new NodeFunction(this, 'Refresh', {
      ...{ stage, room, timeout, invoked: 'event-source', entry: new URL('./refresh.lambda.ts', import.meta.url) },
      environment: {
        ACCOUNT_ID: this.account,
        JOB_NAME: jobName,
        MAP_TABLE: map.tableName,
        STATE_TABLE: states.tableName,
        PROCESSED_BUCKET: processed.bucket.bucketName,
        QUEUE_URL: requests.queueUrl,
        PARKING_QUEUE_URL: parking.queueUrl,
        PER_DAY: String(refreshesPerDay),
        RESERVE: String(reservedRefreshes),
      },
    });
    refresh.addEventSource(new SqsEventSource(requests, { maxConcurrency: 2, reportBatchItemFailures: true }));
    parking.grantPark(refresh);
    map.grant(refresh, 'dynamodb:GetItem');
    states.grant(refresh, 'dynamodb:GetItem', 'dynamodb:PutItem');
    requests.grant(refresh, 'sqs:SendMessage');
    const allow = (action: string, resourceArn: string) =>
      Grant.addToPrincipal({ grantee: refresh, actions: [action], resourceArns: [resourceArn] });
    allow('glue:GetJobRun', job.arn);
    allow('s3:GetObject', processed.bucket.arnForObjects(`${prefixes.manifests}*`));
    // Without it S3 does not say that a manifest is not there.
    allow('s3:ListBucket', processed.bucket.bucketArn);
    allow(
      'quicksight:CreateIngestion',
      this.formatArn({ service: 'quicksight', resource: 'dataset', resourceName: '*/ingestion/*' }),
    );

    const outputs: Record<string, string> = {
      RawBucketName: raw.bucket.bucketName,
      ProcessedBucketName: processed.bucket.bucketName,
      DatabaseName: databaseName,
      WorkgroupName: catalogue.workgroupName,
      JobName: jobName,
      MapTableName: map.tableName,
      StateTableName: states.tableName,
      UploadsUrl: uploads.queueUrl,
      ParkingQueueUrl: parking.queueUrl,
      DeadLettersUrl: deadLetters.queueUrl,
      UndeliveredUrl: undelivered.queueUrl,
      FailedRunsUrl: failedRuns.queueUrl,
      RequestsUrl: requests.queueUrl,
      StartJobsName: startJobs.functionName,
      StartJobsRoleName: startJobs.role?.roleName ?? '',
    };
    for (const [id, value] of Object.entries(outputs)) new CfnOutput(this, id, { value });
    allowWildcards(this, wildcards);
  }
}
