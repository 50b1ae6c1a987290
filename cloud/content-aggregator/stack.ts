import { ArnFormat, CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import { Grant, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Schedule, ScheduleExpression, ScheduleTargetInput } from 'aws-cdk-lib/aws-scheduler';
import { StepFunctionsStartExecution } from 'aws-cdk-lib/aws-scheduler-targets';
import type { Construct } from 'constructs';
import { RoomAlarm } from '../shared/alarm.ts';
import { LakeBucket } from '../shared/lake-bucket.ts';
import { NodeFunction } from '../shared/node-function.ts';
import { DeadLetterQueue } from '../shared/resting-queue.ts';
import { allowWildcards } from '../shared/wildcards.ts';
import type { Stage } from '../stages.ts';
import { AggregateMachine } from './aggregate-machine.ts';
import { runInput, toldKey } from './contract.ts';
import { wildcards } from './wildcards.ts';

const room = 'content-aggregator';

/** Where the tests of the local account have a site with a feed, and a GitHub. */
export const localSitePort = 8_187;
export const localGitHubPort = 8_188;

export interface ContentAggregatorProps {
  stage: Stage;
  /** One schedule each. */
  feeds?: readonly string[];
  /** Hosts, with their port where it is not that of the protocol, that feeds and posts may lie on; by default those of the feeds. */
  allowedHosts?: readonly string[];
  /** Address of the repository with the content file. */
  gitHubRepo: string;
  /** `https://api.github.com`, or that of an Enterprise Server. */
  gitHubApi?: string;
  /** Path of the content file. */
  jsonFile?: string;
  /** Parameter (SecureString) that holds a token of GitHub; made by hand, as no template may hold a secret. */
  tokenParameter?: string;
  /** How often each feed is looked at. */
  every?: Duration;
  pagesAtOnce?: number;
}

/** New posts of feeds into the content file of a site: schedule → state machine of six functions → commit → event. */
export class ContentAggregatorStack extends Stack {
  constructor(scope: Construct, props: ContentAggregatorProps) {
    super(scope, 'ContentAggregatorStack', {
      description: 'New posts of feeds into a repository: Scheduler, Step Functions, Lambda, GitHub',
    });
    const { stage, jsonFile = 'frontend/content.json', tokenParameter = '/GitHubAPIKey', pagesAtOnce = 5 } = props;
    const isLocal = stage.name === 'local';
    const feeds = (
      props.feeds ?? [
        isLocal ? `http://127.0.0.1:${localSitePort}/feed.xml` : 'https://aws.amazon.com/blogs/compute/feed',
      ]
    ).map((feedUrl) => runInput.parse({ feedUrl }).feedUrl);
    const allowedHosts = props.allowedHosts ?? [...new Set(feeds.map((feed) => new URL(feed).host))];
    const gitHubApi = props.gitHubApi ?? (isLocal ? `http://127.0.0.1:${localGitHubPort}` : 'https://api.github.com');
    if (!/^https:\/\/|^http:\/\/127\.0\.0\.1:/.test(gitHubApi)) {
      throw new Error(`${gitHubApi} would get the token in the clear: write an address with https.`);
    }
    const repo = repoOf(props.gitHubRepo);

    const known = new LakeBucket(this, 'Known', { stage });
    const fn = (id: string, entry: URL, timeout: Duration, own: Record<string, string> = {}) =>
      new NodeFunction(this, id, { stage, room, entry, timeout, invoked: 'sync', environment: own });
    const BUCKET = known.bucket.bucketName;
    const ALLOWED_HOSTS = allowedHosts.join(',');
    const github = { GITHUB_API: gitHubApi, GITHUB_REPO: repo, JSON_FILE: jsonFile, TOKEN_PARAMETER: tokenParameter };
    const [short, long] = [Duration.seconds(30), Duration.seconds(100)];
    const entry = (file: string) => new URL(`./${file}.lambda.ts`, import.meta.url);
    const functions = {
      GetUrls: fn('GetUrls', entry('get-urls'), short, { ALLOWED_HOSTS }),
      GetRepoContents: fn('GetRepoContents', entry('get-repo-contents'), long, { BUCKET, ...github }),
      GetBlogPost: fn('GetBlogPost', entry('get-blog-post'), short, { ALLOWED_HOSTS }),
      CompareAgainstRepo: fn('CompareAgainstRepo', entry('compare-against-repo'), short, { BUCKET }),
      AddToList: fn('AddToList', entry('add-to-list'), short),
      WriteToGitHub: fn('WriteToGitHub', entry('write-to-github'), long, { BUCKET, ...github }),
    };
    const grant = (grantee: NodeFunction, action: string, ...resourceArns: string[]) =>
      Grant.addToPrincipal({ grantee, actions: [action], resourceArns });
    const tokenArn = this.formatArn({
      ...{ service: 'ssm', resource: 'parameter', resourceName: tokenParameter.replace(/^\//, '') },
      arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
    });
    const { GetRepoContents, CompareAgainstRepo, WriteToGitHub } = functions;
    for (const asking of [GetRepoContents, WriteToGitHub]) grant(asking, 'ssm:GetParameter', tokenArn);
    grant(GetRepoContents, 's3:PutObject', known.bucket.arnForObjects('known/*'));
    grant(CompareAgainstRepo, 's3:GetObject', known.bucket.arnForObjects('known/*'));

    grant(WriteToGitHub, 's3:GetObject', known.bucket.arnForObjects(toldKey));
    grant(WriteToGitHub, 's3:PutObject', known.bucket.arnForObjects(toldKey));
    // Only who may list is told that nothing was told yet.
    grant(WriteToGitHub, 's3:ListBucket', known.bucket.bucketArn);

    const { machine } = new AggregateMachine(this, 'Aggregate', { stage, functions, repo, jsonFile, pagesAtOnce });
    const notStarted = new DeadLetterQueue(this, 'NotStarted', { stage, room, runbook: 'Not started' });
    const starter = new Role(this, 'StarterRole', {
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': this.account } },
      }),
    });
    for (const [place, feedUrl] of feeds.entries()) {
      new Schedule(this, `Feed${place}`, {
        description: feedUrl.slice(0, 500),
        schedule: ScheduleExpression.rate(props.every ?? Duration.hours(2)),
        target: new StepFunctionsStartExecution(machine, {
          role: starter,
          input: ScheduleTargetInput.fromObject({ feedUrl }),
          deadLetterQueue: notStarted,
          retryAttempts: 3,
          maxEventAge: Duration.hours(1),
        }),
      });
    }
    const period = Duration.minutes(5);
    for (const [id, metric, says] of [
      ['Failed', machine.metricFailed({ period }), 'A run over a feed failed.'],
      ['TimedOut', machine.metricTimedOut({ period }), 'A run over a feed took longer than half an hour.'],
    ] as const) {
      new RoomAlarm(this, id, { stage, room, metric, says, watches: 'errors', threshold: 1, runbook: 'Failed run' });
    }

    new CfnOutput(this, 'MachineArn', { value: machine.stateMachineArn });
    new CfnOutput(this, 'BucketName', { value: BUCKET });
    new CfnOutput(this, 'TokenParameter', { value: tokenParameter });
    new CfnOutput(this, 'WriteToGitHubName', { value: WriteToGitHub.functionName });
    new CfnOutput(this, 'WriteToGitHubRoleName', { value: WriteToGitHub.role?.roleName ?? '' });
    allowWildcards(this, wildcards);
  }
}

/**
 * `owner/name` of `https://github.com/owner/name`.
 * @throws Error
 */
function repoOf(address: string): string {
  const [, repo] = /^https:\/\/[^/]+\/([\w.-]+\/[\w.-]+?)(?:\.git)?\/?$/.exec(address) ?? [];
  if (repo !== undefined) return repo;
  throw new Error(`${address} is no repository: write it as https://github.com/owner/name.`);
}
