import { Duration, Stack } from 'aws-cdk-lib';
import { Grant, type IGrantable, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { BlockPublicAccess, Bucket, BucketEncryption, CfnBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { Stage } from '../stages.ts';
import { acknowledge } from './acknowledge.ts';

/**
 * A bucket of raw objects that end after the stage's days, `Objects`, and one for the log of who asks for them,
 * `AccessLogs`, whose policy needs a line in the room's wildcards.ts.
 */
export class LakeBucket extends Construct {
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, { stage }: { stage: Stage }) {
    super(scope, id);
    const lifecycleRules = [
      { expiration: Duration.days(stage.rawDataDays), abortIncompleteMultipartUploadAfter: Duration.days(1) },
    ];
    const shared = {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      lifecycleRules,
      removalPolicy: stage.removalPolicy,
    };
    const accessLogs = new Bucket(this, 'AccessLogs', shared);
    acknowledge(accessLogs, 'AwsSolutions-S1', 'It takes the access log; a log of the log would have no end.');
    this.bucket = new Bucket(this, 'Objects', shared);
    const resource = this.bucket.node.defaultChild;
    if (resource instanceof CfnBucket) {
      resource.loggingConfiguration = { destinationBucketName: accessLogs.bucketName };
    }
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

  /** Lets a function write objects. Reading and listing are another's rights. */
  grantPut(grantee: IGrantable): void {
    Grant.addToPrincipal({ grantee, actions: ['s3:PutObject'], resourceArns: [this.bucket.arnForObjects('*')] });
  }
}
