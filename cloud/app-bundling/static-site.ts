import { fileURLToPath } from 'node:url';
import { AssetHashType, DockerImage, Duration, Stack } from 'aws-cdk-lib';
import {
  AllowedMethods,
  Distribution,
  HeadersFrameOption,
  HeadersReferrerPolicy,
  type IDistribution,
  PriceClass,
  ResponseHeadersPolicy,
  ViewerProtocolPolicy,
} from 'aws-cdk-lib/aws-cloudfront';
import { S3BucketOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { BucketDeployment, CacheControl, Source } from 'aws-cdk-lib/aws-s3-deployment';
import { Construct } from 'constructs';
import { acknowledge } from '../shared/acknowledge.ts';
import { LakeBucket } from '../shared/lake-bucket.ts';
import { localBundling } from '../shared/local-bundling.ts';
import { sharedWildcards } from '../shared/wildcards.ts';
import type { Stage } from '../stages.ts';
import { contentPolicy } from './site/render-site.ts';

export interface StaticSiteProps {
  stage: Stage;
}

/** How long a browser may show a page without asking again. */
export const cacheSeconds = 300;

/** The documentation of this checkout: a private bucket that nobody but CloudFront reads, and what publishes to it. */
export class StaticSite extends Construct {
  readonly bucket: IBucket;
  readonly distribution: IDistribution;
  readonly distributionArn: string;

  constructor(scope: Construct, id: string, { stage }: StaticSiteProps) {
    super(scope, id);
    this.bucket = asBucket(new LakeBucket(this, 'Pages', { stage, keepsObjects: true }).bucket);
    const distribution = this.distribute(stage);
    this.distribution = distribution;
    this.distributionArn = distributionArn(this, distribution);
    // The function of the CDK that unpacks an asset into a bucket needs a layer that the local account does not mount.
    if (stage.name !== 'local') this.publish(stage, distribution);
  }

  private distribute(stage: Stage): Distribution {
    const logs = new Bucket(this, 'RequestLogs', {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      // CloudFront writes its log with an access control list.
      objectOwnership: ObjectOwnership.BUCKET_OWNER_PREFERRED,
      lifecycleRules: [
        {
          expiration: Duration.days(stage.rawDataDays),
          abortIncompleteMultipartUploadAfter: Duration.days(1),
        },
      ],
      removalPolicy: stage.removalPolicy,
    });
    acknowledge(logs, 'AwsSolutions-S1', 'It takes the log of requests; a log of the log would have no end.');
    const distribution = new Distribution(this, 'Distribution', {
      comment: 'Documentation of greengrass-itsm',
      defaultRootObject: 'index.html',
      priceClass: PriceClass.PRICE_CLASS_100,
      logBucket: asBucket(logs),
      defaultBehavior: {
        origin: S3BucketOrigin.withOriginAccessControl(this.bucket),
        viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
        allowedMethods: AllowedMethods.ALLOW_GET_HEAD,
        compress: true,
        responseHeadersPolicy: new ResponseHeadersPolicy(this, 'Headers', {
          securityHeadersBehavior: {
            contentSecurityPolicy: {
              contentSecurityPolicy: `${contentPolicy}; frame-ancestors 'none'`,
              override: true,
            },
            contentTypeOptions: { override: true },
            frameOptions: { frameOption: HeadersFrameOption.DENY, override: true },
            referrerPolicy: { referrerPolicy: HeadersReferrerPolicy.NO_REFERRER, override: true },
            strictTransportSecurity: {
              accessControlMaxAge: Duration.days(365),
              includeSubdomains: true,
              override: true,
            },
          },
        }),
      },
      // Who may not list a bucket is told 403 of what is not there.
      errorResponses: [403, 404].map((httpStatus) => ({
        ...{ httpStatus, responseHttpStatus: 404, responsePagePath: '/404.html' },
        ttl: Duration.minutes(1),
      })),
    });
    acknowledge(distribution, 'AwsSolutions-CFR1', 'Documentation is for readers anywhere.');
    acknowledge(
      distribution,
      'AwsSolutions-CFR2',
      'Static pages: there is no request that a firewall could keep from doing harm.',
    );
    acknowledge(
      distribution,
      'AwsSolutions-CFR4',
      'Without a domain and certificate of its own CloudFront decides which protocols it speaks.',
    );
    return distribution;
  }

  /** Puts what the checkout holds into the bucket whenever it is deployed. */
  private publish(stage: Stage, distribution: Distribution): void {
    const site = new Asset(this, 'Site', {
      path: fileURLToPath(new URL('./site/', import.meta.url)),
      assetHashType: AssetHashType.OUTPUT,
      bundling: { image: DockerImage.fromRegistry('none'), local: siteBundling() },
    });
    const logGroup = new LogGroup(this, 'PublishLogs', {
      retention: stage.logDays,
      removalPolicy: stage.removalPolicy,
    });
    const role = new Role(this, 'PublishRole', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    const statements: [string[], string[]][] = [
      [['logs:CreateLogStream', 'logs:PutLogEvents'], [logGroup.logGroupArn]],
      [['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], ['*']],
      [['s3:GetObject'], [site.bucket.arnForObjects(site.s3ObjectKey)]],
      [['s3:ListBucket'], [this.bucket.bucketArn]],
      [['s3:DeleteObject', 's3:PutObject'], [this.bucket.arnForObjects('*')]],
      [['cloudfront:CreateInvalidation', 'cloudfront:GetInvalidation'], [this.distributionArn]],
    ];
    for (const [actions, resources] of statements) role.addToPolicy(new PolicyStatement({ actions, resources }));
    for (const { reason } of sharedWildcards) acknowledge(role, 'AwsSolutions-IAM5[Resource::*]', reason);
    const deployment = new BucketDeployment(this, 'Publish', {
      sources: [Source.bucket(site.bucket, site.s3ObjectKey)],
      destinationBucket: this.bucket,
      distribution,
      memoryLimit: 256,
      // What it grants by itself is every action of reading and writing, on every key and distribution.
      role: role.withoutPolicyUpdates(),
      logGroup,
      cacheControl: [CacheControl.fromString(`public, max-age=${cacheSeconds}`)],
    });
    deployment.node.addDependency(role);
    for (const node of Stack.of(this).node.findAll()) {
      if (!(node instanceof CfnFunction) || !node.node.path.includes('Custom::CDKBucketDeployment')) continue;
      node.tracingConfig = { mode: 'Active' };
      acknowledge(node, 'AwsSolutions-L1', 'The runtime of this function is the choice of the CDK, whose code it is.');
    }
  }
}

/** Renders the site with this checkout's own Node, which is there, as the synthesis runs on it. */
function siteBundling() {
  return localBundling({
    name: 'the static site',
    probe: { tool: process.execPath, args: ['--version'], minimum: '20.19' },
    commands: [[process.execPath, '--import', 'tsx', 'scripts/site/main.ts', '--output', '{asset}']],
    cwd: fileURLToPath(new URL('../../', import.meta.url)),
  });
}

/** The class says of an optional property that it may be undefined, where its own interface says that it may be absent. */
function asBucket(bucket: Bucket): IBucket {
  if (isBucket(bucket)) return bucket;
  throw new Error(`${bucket.node.path} is no bucket.`);
}

function isBucket(construct: unknown): construct is IBucket {
  return construct instanceof Bucket;
}

function distributionArn(scope: Construct, { distributionId }: Distribution): string {
  return Stack.of(scope).formatArn({
    ...{ service: 'cloudfront', region: '', resource: 'distribution', resourceName: distributionId },
  });
}
