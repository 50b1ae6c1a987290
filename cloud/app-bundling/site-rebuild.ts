import { Duration } from 'aws-cdk-lib';
import { BuildSpec, LinuxBuildImage, Project, Source } from 'aws-cdk-lib/aws-codebuild';
import { Rule } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { contentCommittedType, eventSource } from '../content-aggregator/contract.ts';
import { acknowledge } from '../shared/acknowledge.ts';
import { RoomAlarm } from '../shared/alarm.ts';
import { NodeFunction } from '../shared/node-function.ts';
import { DeadLetterQueue, ParkingQueue } from '../shared/resting-queue.ts';
import type { Stage } from '../stages.ts';
import { cacheSeconds, type StaticSite } from './static-site.ts';

export interface SiteRebuildProps {
  stage: Stage;
  room: string;
  site: StaticSite;
  /** `owner/name` on GitHub: a fork of this project, with pages of others in content/. */
  repository: string;
  branch: string;
}

/** How long a build may take; until then no other one starts. */
const buildLimit = Duration.minutes(15);
/** After it SQS shows a commit again that found a build running. */
const visibility = Duration.minutes(3);

/** A commit of content-aggregator becomes a build of the site: bus → rule → queue → function → CodeBuild. */
export class SiteRebuild extends Construct {
  readonly start: NodeFunction;
  readonly parking: ParkingQueue;
  readonly commits: Queue;
  readonly project: Project;

  constructor(scope: Construct, id: string, props: SiteRebuildProps) {
    super(scope, id);
    const { stage, room, repository } = props;
    this.project = this.addProject(props);
    this.parking = new ParkingQueue(this, 'Parking', { stage, room });
    const deadLetters = new DeadLetterQueue(this, 'DeadLetters', { stage, room });
    this.commits = new Queue(this, 'Commits', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      visibilityTimeout: visibility,
      retentionPeriod: Duration.days(stage.restingMessageDays),
      // Twice the longest build: an hour, and then a person.
      deadLetterQueue: { queue: deadLetters, maxReceiveCount: 20 },
      removalPolicy: stage.removalPolicy,
    });
    new Rule(this, 'Committed', {
      description: 'Content was committed: the site is built anew',
      eventPattern: { source: [eventSource], detailType: [contentCommittedType] },
      targets: [
        new SqsQueue(this.commits, {
          deadLetterQueue: new DeadLetterQueue(this, 'Undelivered', { stage, room }),
          maxEventAge: Duration.hours(24),
          retryAttempts: 185,
        }),
      ],
    });
    this.start = new NodeFunction(this, 'StartRebuild', {
      ...{ stage, room, invoked: 'event-source', timeout: Duration.seconds(30) },
      entry: new URL('./start-rebuild.lambda.ts', import.meta.url),
      environment: {
        PROJECT_NAME: this.project.projectName,
        REPOSITORY: repository,
        PARKING_QUEUE_URL: this.parking.queueUrl,
      },
    });
    this.parking.grantPark(this.start);
    this.start.addToRolePolicy(
      new PolicyStatement({ actions: ['codebuild:StartBuild'], resources: [this.project.projectArn] }),
    );
    // The commits of one run come together, and one build is enough for them.
    this.start.addEventSource(
      new SqsEventSource(this.commits, {
        batchSize: 100,
        maxBatchingWindow: Duration.seconds(30),
        maxConcurrency: 2,
        reportBatchItemFailures: true,
      }),
    );
    new RoomAlarm(this, 'FailedBuilds', {
      ...{ stage, room, watches: 'errors', threshold: 1 },
      metric: this.project.metricFailedBuilds({ period: Duration.minutes(5), statistic: 'Sum' }),
      says: `A build of the site failed: it shows what it showed before.`,
      runbook: 'Failed builds',
    });
  }

  private addProject({ stage, site, repository, branch }: SiteRebuildProps): Project {
    const [owner = '', repo = ''] = repository.split('/');
    const logGroup = new LogGroup(this, 'BuildLogs', { retention: stage.logDays, removalPolicy: stage.removalPolicy });
    const role = new Role(this, 'BuildRole', { assumedBy: new ServicePrincipal('codebuild.amazonaws.com') });
    const statements: [string[], string[]][] = [
      [['logs:CreateLogStream', 'logs:PutLogEvents'], [logGroup.logGroupArn]],
      [['s3:ListBucket'], [site.bucket.bucketArn]],
      [['s3:DeleteObject', 's3:PutObject'], [site.bucket.arnForObjects('*')]],
      [['cloudfront:CreateInvalidation'], [site.distributionArn]],
    ];
    for (const [actions, resources] of statements) role.addToPolicy(new PolicyStatement({ actions, resources }));
    const project = new Project(this, 'Build', {
      description: 'Builds the documentation of greengrass-itsm and publishes it',
      source: Source.gitHub({
        owner,
        repo,
        branchOrRef: branch,
        cloneDepth: 1,
        webhook: false,
        reportBuildStatus: false,
      }),
      environment: { buildImage: LinuxBuildImage.AMAZON_LINUX_2023_5 },
      environmentVariables: {
        SITE_BUCKET: { value: site.bucket.bucketName },
        DISTRIBUTION_ID: { value: site.distribution.distributionId },
      },
      buildSpec: BuildSpec.fromObjectToYaml({
        version: '0.2',
        // One phase, as the next one would run although this one failed.
        phases: { install: { 'runtime-versions': { nodejs: '22' } }, build: { commands: [...buildCommands] } },
      }),
      role: role.withoutPolicyUpdates(),
      grantReportGroupPermissions: false,
      logging: { cloudWatch: { logGroup } },
      timeout: buildLimit,
      queuedTimeout: Duration.minutes(30),
      // Two at a time could publish in the wrong order; a start that is refused is tried again.
      concurrentBuildLimit: 1,
    });
    acknowledge(project, 'AwsSolutions-CB4', 'It leaves no artefact and no cache that a key could encrypt.');
    return project;
  }
}

/** What a build does in a checkout of the repository. */
export const buildCommands = [
  'npm ci --ignore-scripts',
  'npm run site -- --output site',
  `aws s3 sync site "s3://$SITE_BUCKET" --delete --cache-control "public, max-age=${cacheSeconds}"`,
  'aws cloudfront create-invalidation --distribution-id "$DISTRIBUTION_ID" --paths "/*"',
] as const;
