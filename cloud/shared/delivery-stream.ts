import type { Duration } from 'aws-cdk-lib';
import { Grant, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnDeliveryStream } from 'aws-cdk-lib/aws-kinesisfirehose';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { Stage } from '../stages.ts';

export interface DeliveryStreamProps {
  stage: Stage;
  /** Gets the objects, below `prefix` and the day; what could not be delivered lies below `undelivered/` and why. */
  bucket: Bucket;
  prefix: string;
  /** How long, and to what size, records are collected for one object. */
  bufferTime: Duration;
  bufferMegabytes: number;
  compressed: boolean;
  deliveryStreamName?: string;
  /** Sees each record before it is written, in batches: see `CfnDeliveryStream.ProcessorProperty`. */
  transform?: { by: IFunction; bufferTime: Duration; bufferMegabytes: number; retries: number };
}

/** Firehose into a bucket, encrypted, with a role of its own (`DeliveryRole`) and a log of its failures (`DeliveryLogs`) beside it. */
export class DeliveryStream extends CfnDeliveryStream {
  constructor(scope: Construct, id: string, props: DeliveryStreamProps) {
    const { stage, bucket, prefix, bufferTime, bufferMegabytes, compressed, deliveryStreamName, transform } = props;
    const role = new Role(scope, 'DeliveryRole', { assumedBy: new ServicePrincipal('firehose.amazonaws.com') });
    const grant = (actions: string[], ...resourceArns: string[]) =>
      Grant.addToPrincipal({ grantee: role, actions, resourceArns });
    grant(['s3:AbortMultipartUpload', 's3:GetObject', 's3:PutObject'], bucket.arnForObjects('*'));
    grant(['s3:GetBucketLocation', 's3:ListBucket', 's3:ListBucketMultipartUploads'], bucket.bucketArn);
    const logs = new LogGroup(scope, 'DeliveryLogs', { retention: stage.logDays, removalPolicy: stage.removalPolicy });
    const logStream = logs.addStream('Stream', { logStreamName: 'delivery' });
    grant(['logs:PutLogEvents'], logs.logGroupArn);
    if (transform !== undefined) grant(['lambda:InvokeFunction'], transform.by.functionArn);
    super(scope, id, {
      deliveryStreamType: 'DirectPut',
      deliveryStreamEncryptionConfigurationInput: { keyType: 'AWS_OWNED_CMK' },
      extendedS3DestinationConfiguration: {
        bucketArn: bucket.bucketArn,
        roleArn: role.roleArn,
        prefix: `${prefix}!{timestamp:yyyy/MM/dd/}`,
        errorOutputPrefix: 'undelivered/!{firehose:error-output-type}/',
        bufferingHints: { intervalInSeconds: bufferTime.toSeconds(), sizeInMBs: bufferMegabytes },
        compressionFormat: compressed ? 'GZIP' : 'UNCOMPRESSED',
        cloudWatchLoggingOptions: {
          enabled: true,
          logGroupName: logs.logGroupName,
          logStreamName: logStream.logStreamName,
        },
        ...(transform === undefined ? {} : { processingConfiguration: processing(transform, role) }),
      },
      ...(deliveryStreamName === undefined ? {} : { deliveryStreamName }),
    });
    this.node.addDependency(role);
  }
}

function processing(
  { by, bufferTime, bufferMegabytes, retries }: NonNullable<DeliveryStreamProps['transform']>,
  role: Role,
): CfnDeliveryStream.ProcessingConfigurationProperty {
  const parameters = {
    LambdaArn: by.functionArn,
    NumberOfRetries: String(retries),
    RoleArn: role.roleArn,
    BufferSizeInMBs: String(bufferMegabytes),
    BufferIntervalInSeconds: String(bufferTime.toSeconds()),
  };
  return {
    enabled: true,
    processors: [
      {
        type: 'Lambda',
        parameters: Object.entries(parameters).map(([parameterName, parameterValue]) => ({
          parameterName,
          parameterValue,
        })),
      },
    ],
  };
}
