import { CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import { Grant } from 'aws-cdk-lib/aws-iam';
import { CfnSecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { acknowledge } from '../shared/acknowledge.ts';
import { RoomAlarm } from '../shared/alarm.ts';
import { Catalogue } from '../shared/lake/catalogue.ts';
import { LakeBucket } from '../shared/lake-bucket.ts';
import { NodeFunction } from '../shared/node-function.ts';
import { DeadLetterQueue, ParkingQueue } from '../shared/resting-queue.ts';
import { allowWildcards } from '../shared/wildcards.ts';
import type { Stage } from '../stages.ts';
import { PullMachine } from './pull-machine.ts';
import { wildcards } from './wildcards.ts';

const room = 'student-data-lake';

/** Where the tests of the local account have a Canvas. */
export const localCanvasPort = 8_099;

export interface StudentDataLakeProps {
  stage: Stage;
  /** Names the bucket `canvas-data-warehouse-<account>-<environment>`, database, functions and state machine, as in the post. */
  environment?: string;
  /** Of Canvas Data. */
  endpoint?: string;
  /** Gets a message after each pull. */
  emailAddress?: string;
  /** When a pull begins. */
  schedule?: Schedule;
  /** Files at a time. */
  filesAtOnce?: number;
}

/** A daily copy of what may leave Canvas: schedule → state machine → files in S3 → catalogue → validation → message. */
export class StudentDataLakeStack extends Stack {
  constructor(scope: Construct, props: StudentDataLakeProps) {
    super(scope, 'StudentDataLakeStack', {
      description: 'Daily pull of Canvas Data: Step Functions, S3, Glue, Athena',
    });
    const { stage, environment = 'prod', emailAddress, filesAtOnce = 10 } = props;
    const endpoint =
      props.endpoint ??
      (stage.name === 'local' ? `http://127.0.0.1:${localCanvasPort}` : 'https://api.inshosteddata.com');

    const raw = new LakeBucket(this, 'Raw', {
      ...{ stage, keepsObjects: true, bucketName: `canvas-data-warehouse-${this.account}-${environment}` },
    });
    const catalogue = new Catalogue(this, 'Catalogue', {
      ...{
        stage,
        databaseName: `canvasdata_${environment}`,
        description: 'What may leave Canvas, as of its last pull',
      },
    });
    const parking = new ParkingQueue(this, 'Parking', { stage, room });
    const secret = new CfnSecret(this, 'CanvasCredentials', {
      description: 'JSON: {"api_key", "api_secret"} or {"token"} of Canvas Data',
      generateSecretString: {},
    });
    secret.applyRemovalPolicy(stage.removalPolicy);
    // Its Ref is its ARN as well, but not in the local account.
    const secretArn = secret.attrId;
    acknowledge(secret, 'AwsSolutions-SMG4', 'Canvas issues these credentials and has no call that rotates them.');
    const topic = new Topic(this, 'Pulls', { enforceSSL: true });
    topic.applyRemovalPolicy(stage.removalPolicy);
    if (emailAddress !== undefined) topic.addSubscription(new EmailSubscription(emailAddress));

    const fn = (id: string, entry: URL, timeout: Duration, own: Record<string, string>, more = {}) =>
      new NodeFunction(this, id, { stage, room, entry, timeout, invoked: 'sync', environment: own, ...more });
    const [BUCKET, DATABASE] = [raw.bucket.bucketName, catalogue.databaseName];
    const canvas = { CANVAS_ENDPOINT: endpoint, SECRET_ID: secretArn };
    const minutes = (count: number) => Duration.minutes(count);
    const functions = {
      plan: fn(
        'Plan',
        new URL('./plan.lambda.ts', import.meta.url),
        minutes(5),
        { BUCKET, DATABASE, ...canvas },
        { memorySize: 512, functionName: `canvas-data-sync-${environment}` },
      ),
      fetch: fn(
        'Fetch',
        new URL('./fetch.lambda.ts', import.meta.url),
        minutes(15),
        { BUCKET, PARKING_QUEUE_URL: parking.queueUrl, ...canvas },
        { memorySize: 512, functionName: `canvas-data-fetch-${environment}` },
      ),
      conclude: fn('Conclude', new URL('./conclude.lambda.ts', import.meta.url), minutes(5), { BUCKET, DATABASE }),
      validate: fn('Validate', new URL('./validate.lambda.ts', import.meta.url), minutes(15), {
        DATABASE,
        WORKGROUP: catalogue.workgroupName,
      }),
      report: fn('Report', new URL('./report.lambda.ts', import.meta.url), Duration.seconds(30), {
        TOPIC_ARN: topic.topicArn,
      }),
    };
    const grant = (grantee: NodeFunction, actions: string[], ...resourceArns: string[]) =>
      Grant.addToPrincipal({ grantee, actions, resourceArns });
    const { plan, fetch, conclude, validate, report } = functions;
    for (const asking of [plan, fetch]) grant(asking, ['secretsmanager:GetSecretValue'], secretArn);
    for (const listing of [plan, conclude, validate]) grant(listing, ['s3:ListBucket'], raw.bucket.bucketArn);
    const below = (prefix: string) => raw.bucket.arnForObjects(`${prefix}/*`);
    grant(plan, ['s3:PutObject'], below('manifests'));
    grant(plan, ['glue:GetTable'], ...catalogue.glueArns);
    grant(fetch, ['s3:PutObject'], below('raw_files'));
    parking.grantPark(fetch);
    grant(conclude, ['s3:GetObject'], below('manifests'));
    grant(conclude, ['s3:DeleteObject'], below('raw_files'));
    grant(conclude, ['glue:CreateTable', 'glue:GetTable', 'glue:UpdateTable'], ...catalogue.glueArns);
    grant(validate, ['s3:GetObject'], below('raw_files'));
    catalogue.grantQuery(validate);
    grant(report, ['sns:Publish'], topic.topicArn);

    const name = `canvas-data-pull-${environment}`;
    const { machine } = new PullMachine(this, 'Pull', { stage, name, bucket: raw.bucket, functions, filesAtOnce });
    // By its name, as the machine's own role names it too.
    const byName = StateMachine.fromStateMachineName(this, 'Scheduled', name);
    new Rule(this, 'Daily', {
      description: 'The pull of each day',
      schedule: props.schedule ?? Schedule.cron({ minute: '0', hour: '10' }),
      targets: [
        new SfnStateMachine(byName, {
          retryAttempts: 3,
          deadLetterQueue: new DeadLetterQueue(this, 'NotStarted', { stage, room, runbook: 'Not started' }),
        }),
      ],
    });
    for (const [id, metric, says] of [
      ['Failed', machine.metricFailed({ period: minutes(5) }), 'A pull of Canvas failed, or is not complete.'],
      ['TimedOut', machine.metricTimedOut({ period: minutes(5) }), 'A pull of Canvas took longer than six hours.'],
    ] as const) {
      new RoomAlarm(this, id, {
        ...{ stage, room, metric, says, watches: 'errors', threshold: 1, runbook: 'Incomplete pull' },
      });
    }

    new CfnOutput(this, 'MachineArn', { value: machine.stateMachineArn });
    new CfnOutput(this, 'BucketName', { value: raw.bucket.bucketName });
    new CfnOutput(this, 'DatabaseName', { value: catalogue.databaseName });
    new CfnOutput(this, 'WorkgroupName', { value: catalogue.workgroupName });
    new CfnOutput(this, 'SecretArn', { value: secretArn });
    new CfnOutput(this, 'TopicArn', { value: topic.topicArn });
    new CfnOutput(this, 'ParkingQueueUrl', { value: parking.queueUrl });
    new CfnOutput(this, 'FetchName', { value: fetch.functionName });
    new CfnOutput(this, 'FetchRoleName', { value: fetch.role?.roleName ?? '' });
    allowWildcards(this, wildcards);
  }
}
