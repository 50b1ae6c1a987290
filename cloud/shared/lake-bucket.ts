import { Duration, Stack } from 'aws-cdk-lib';
import { Grant, type IGrantable, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { BlockPublicAccess, Bucket, BucketEncryption, CfnBucket } from 'aws-cdk-lib/aws-s3';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { Stage } from '../stages.ts';
import { acknowledge } from './acknowledge.ts';

export interface LakeBucketProps {
  stage: Stage;
  /** Whether its objects stay; else they end after `endsAfterDays`. */
  keepsObjects?: boolean;
  /** By default the stage's days for raw data. */
  endsAfterDays?: number;
  bucketName?: string;
}

/**
 * A bucket of objects that end after the stage's days, `Objects`, and one for the log of who asks for them,
 * `AccessLogs`, whose policy needs a line in the room's wildcards.ts.
 */
export class LakeBucket extends Construct {
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, props: LakeBucketProps) {
    super(scope, id);
    const { stage, keepsObjects = false, endsAfterDays = stage.rawDataDays, bucketName } = props;
    const abortIncompleteMultipartUploadAfter = Duration.days(1);
    const endingAfter = (days: number) => ({ expiration: Duration.days(days), abortIncompleteMultipartUploadAfter });
    const shared = {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      removalPolicy: stage.removalPolicy,
    };
    const accessLogs = new Bucket(this, 'AccessLogs', { ...shared, lifecycleRules: [endingAfter(stage.rawDataDays)] });
    acknowledge(accessLogs, 'AwsSolutions-S1', 'It takes the access log; a log of the log would have no end.');
    this.bucket = new Bucket(this, 'Objects', {
      ...shared,
      lifecycleRules: [keepsObjects ? { abortIncompleteMultipartUploadAfter } : endingAfter(endsAfterDays)],
      ...(bucketName === undefined ? {} : { bucketName }),
    });
    this.resource.loggingConfiguration = { destinationBucketName: accessLogs.bucketName };
    accessLogs.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('logging.s3.amazonaws.com')],
        actions: ['s3:PutObject'],
        resources: [accessLogs.arnForObjects('*')],
        conditions: {
          ArnLike: { 'aws:SourceArn': this.bucket.bucketArn },
          StringEquals: { 'aws:SourceAccount': Stack.of(this).account },
        },
      }),
    );
  }

  /** Has S3 tell a queue of each object that is created below a prefix. */
  notify(queue: Queue, prefix: string): void {
    // The queue's policy cannot name the bucket: S3 tries the queue before the bucket is there.
    queue.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('s3.amazonaws.com')],
        actions: ['sqs:SendMessage'],
        resources: [queue.queueArn],
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    );
    const filter = { s3Key: { rules: [{ name: 'prefix', value: prefix }] } };
    this.resource.notificationConfiguration = {
      queueConfigurations: [{ event: 's3:ObjectCreated:*', queue: queue.queueArn, filter }],
    };
    this.bucket.node.addDependency(queue.node.findChild('Policy'));
  }

  /** Has S3 tell EventBridge of all that happens to its objects; instead of `notify`. */
  tellEventBridge(): void {
    this.resource.notificationConfiguration = { eventBridgeConfiguration: { eventBridgeEnabled: true } };
  }

  /** Lets a function write objects. Reading and listing are another's rights. */
  grantPut(grantee: IGrantable): void {
    Grant.addToPrincipal({ grantee, actions: ['s3:PutObject'], resourceArns: [this.bucket.arnForObjects('*')] });
  }
  /** Lets a function read objects that it knows the names of. */
  grantGet(grantee: IGrantable): void {
    Grant.addToPrincipal({ grantee, actions: ['s3:GetObject'], resourceArns: [this.bucket.arnForObjects('*')] });
  }
  /** Lets a function read them, and learn that one is not there: whoever may not list is told that the access is denied. */
  grantFind(grantee: IGrantable): void {
    this.grantGet(grantee);
    Grant.addToPrincipal({ grantee, actions: ['s3:ListBucket'], resourceArns: [this.bucket.bucketArn] });
  }

  private get resource(): CfnBucket {
    const { defaultChild } = this.bucket.node;
    if (defaultChild instanceof CfnBucket) return defaultChild;
    throw new Error(`${this.bucket.node.path} is not made by this stack.`);
  }
}
