import { CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { AttributeType, Billing, ProjectionType, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { RoomAlarm } from '../shared/alarm.ts';
import { DeliveryStream } from '../shared/delivery-stream.ts';
import { LakeBucket } from '../shared/lake-bucket.ts';
import { metricsNamespace, NodeFunction } from '../shared/node-function.ts';
import { allowWildcards } from '../shared/wildcards.ts';
import type { Stage } from '../stages.ts';
import { withinRanges } from './address.ts';
import { newestIndex } from './contract.ts';
import { type CrawlerName, crawlersCalled } from './crawlers.ts';
import { FakeBotAcl, type Scope } from './fake-bot-acl.ts';
import { wildcards } from './wildcards.ts';

const room = 'fake-bot-blocker';

export interface FakeBotBlockerProps {
  stage: Stage;
  /** What the web ACL can stand before: distributions of CloudFront, or APIs and load balancers of the stack's region. */
  scope?: Scope;
  /** Whose fakes are blocked: rows of `crawlers.ts`. */
  crawlers?: readonly CrawlerName[];
  ipSetName?: string;
  /** How long, and to what size, the log is collected for one object. At most 15 minutes and 128 MB. */
  bufferTime?: Duration;
  bufferMegabytes?: number;
  /** Bound of one question to DNS. */
  dnsTimeoutMs?: number;
  /** Who is asked; the resolver of the function's network where there are none. */
  dnsServers?: readonly string[];
  /** Ranges that are never blocked: one's own, those of a proxy that requests come through. */
  allowCidrs?: readonly string[];
  /** Days that an address stays blocked after it was last caught. */
  ttlDays?: number;
  /** ARNs of what the web ACL stands before, in scope REGIONAL. A distribution names the web ACL itself. */
  resourceArns?: readonly string[];
}

/** Who only says that it is a search engine: web ACL → log → Firehose → function → IP sets of the web ACL. */
export class FakeBotBlockerStack extends Stack {
  constructor(parent: Construct, props: FakeBotBlockerProps) {
    const { stage, scope = 'CLOUDFRONT', ipSetName = 'BlockFakeBotIPSet', resourceArns = [] } = props;
    const { crawlers = ['google', 'bing'], allowCidrs = [] } = props;
    super(parent, 'FakeBotBlockerStack', {
      description: 'Fake crawlers: WAF, Firehose, IP sets',
      // Where WAF keeps all that is CloudFront's.
      ...(scope === 'CLOUDFRONT' ? { env: { region: 'us-east-1' } } : {}),
    });
    if (scope === 'CLOUDFRONT' && resourceArns.length > 0) {
      throw new Error(
        'A distribution is not associated with its web ACL: give it the output WebAclArn as webAclId, or say scope REGIONAL.',
      );
    }
    // Says what is no range now, and not once the function is loaded.
    withinRanges(allowCidrs);

    const table = new TableV2(this, 'Caught', {
      partitionKey: { name: 'family', type: AttributeType.STRING },
      sortKey: { name: 'address', type: AttributeType.STRING },
      localSecondaryIndexes: [
        {
          indexName: newestIndex,
          sortKey: { name: 'caughtAtMs', type: AttributeType.NUMBER },
          projectionType: ProjectionType.KEYS_ONLY,
        },
      ],
      timeToLiveAttribute: 'expiresAt',
      billing: Billing.onDemand(),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: stage.deletionProtection,
      removalPolicy: stage.removalPolicy,
    });
    const logs = new LakeBucket(this, 'Logs', { stage });

    const timeout = Duration.minutes(1);
    const transform = new NodeFunction(this, 'Transform', {
      ...{ stage, room, timeout, invoked: 'sync', memorySize: 512 },
      entry: new URL('./transform.lambda.ts', import.meta.url),
    });
    const refresh = new NodeFunction(this, 'Refresh', {
      ...{ stage, room, timeout, invoked: 'async' },
      entry: new URL('./refresh.lambda.ts', import.meta.url),
    });
    const stream = new DeliveryStream(this, 'Stream', {
      ...{ stage, bucket: logs.bucket, prefix: 'waf-firehose/', compressed: false },
      bufferTime: props.bufferTime ?? Duration.minutes(15),
      bufferMegabytes: props.bufferMegabytes ?? 3,
      // WAF logs to no stream of another name.
      deliveryStreamName: `aws-waf-logs-${this.stackName}`,
      transform: { by: transform, bufferTime: Duration.minutes(1), bufferMegabytes: 1, retries: 3 },
    });
    const acl = new FakeBotAcl(this, 'WebAcl', {
      ...{ stage, scope, crawlers: crawlersCalled(crawlers), ipSetName, logStreamArn: stream.attrArn, resourceArns },
    });

    const { ipv4, ipv6 } = acl.sets;
    const shared = {
      TABLE_NAME: table.tableName,
      SCOPE: scope,
      IP_SETS: this.toJsonString({
        ipv4: { name: ipv4.name, id: ipv4.id },
        ipv6: { name: ipv6.name, id: ipv6.id },
      }),
      ALLOW_CIDRS: allowCidrs.join(),
      TTL_DAYS: String(props.ttlDays ?? 14),
    };
    const own = {
      CRAWLERS: crawlers.join(),
      DNS_SERVERS: (props.dnsServers ?? []).join(),
      DNS_TIMEOUT_MS: String(props.dnsTimeoutMs ?? 1_500),
    };
    for (const [name, value] of Object.entries({ ...shared, ...own })) transform.addEnvironment(name, value);
    for (const [name, value] of Object.entries(shared)) refresh.addEnvironment(name, value);

    const grant = (grantee: IGrantable, actions: string[], ...resourceArns: string[]) =>
      Grant.addToPrincipal({ grantee, actions, resourceArns });
    grant(transform, ['dynamodb:BatchWriteItem', 'dynamodb:UpdateItem'], table.tableArn);
    for (const fn of [transform, refresh]) {
      grant(fn, ['dynamodb:Query'], `${table.tableArn}/index/${newestIndex}`);
      grant(fn, ['wafv2:GetIPSet', 'wafv2:UpdateIPSet'], ipv4.arn, ipv6.arn);
    }
    new Rule(this, 'Hourly', {
      schedule: Schedule.rate(Duration.hours(1)),
      targets: [new LambdaFunction(refresh, { retryAttempts: 2 })],
    });
    this.alarms(stage);

    const outputs: Record<string, string> = {
      WebAclArn: acl.acl.attrArn,
      DeliveryStreamName: stream.ref,
      LogBucketName: logs.bucket.bucketName,
      TableName: table.tableName,
      TransformName: transform.functionName,
      TransformRoleName: transform.role?.roleName ?? '',
      RefreshName: refresh.functionName,
      IpSetName: ipv4.name,
      IpSetId: ipv4.id,
      IpSetV6Name: ipv6.name,
      IpSetV6Id: ipv6.id,
    };
    for (const [id, value] of Object.entries(outputs)) new CfnOutput(this, id, { value });
    allowWildcards(this, wildcards);
  }

  private alarms(stage: Stage): void {
    const counted = (metricName: string, minutes: number, statistic: 'Sum' | 'Average' = 'Sum') =>
      new Metric({
        ...{ namespace: metricsNamespace, metricName, dimensionsMap: { service: room } },
        ...{ statistic, period: Duration.minutes(minutes) },
      });
    const shared = { stage, room, watches: 'errors', threshold: 1 } as const;
    new RoomAlarm(this, 'Unreadable', {
      ...{ ...shared, metric: counted('RecordsFailed', 5), runbook: 'Unreadable records' },
      says: 'The log of the web ACL holds records that are none.',
    });
    new RoomAlarm(this, 'NotBlocked', {
      ...{ ...shared, metric: counted('BlockingFailed', 5), evaluationPeriods: 3, runbook: 'Not blocked' },
      says: 'For fifteen minutes fake crawlers were found and could not be blocked.',
    });
    new RoomAlarm(this, 'NothingDecided', {
      ...{ ...shared, threshold: 0.9, evaluationPeriods: 3, runbook: 'Nothing decided' },
      // The share in all batches together: one that has a single suspect counts, and an early answer does not hide the silence after it.
      metric: counted('LookUpsFailed', 15, 'Average'),
      says: 'For 45 minutes DNS has left nine of ten questions about crawlers unanswered, so hardly one is blocked.',
    });
  }
}
