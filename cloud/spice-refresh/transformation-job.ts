import { fileURLToPath } from 'node:url';
import { Aws, Stack } from 'aws-cdk-lib';
import { CfnJob } from 'aws-cdk-lib/aws-glue';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { Construct } from 'constructs';
import { acknowledge } from '../shared/acknowledge.ts';
import type { Stage } from '../stages.ts';
import { prefixes } from './contract.ts';

/** Wheels for the Python of Python-shell jobs. */
const modules = 'duckdb==1.4.4';

/** How the local account, which runs the script without a role and without an endpoint, lets it in; it makes variables of arguments. */
const localAccess = {
  '--AWS_ENDPOINT_URL': 'https://127.0.0.1:4566',
  '--AWS_ACCESS_KEY_ID': 'test',
  '--AWS_SECRET_ACCESS_KEY': 'test',
};

export interface TransformationJobProps {
  stage: Stage;
  jobName: string;
  raw: Bucket;
  processed: Bucket;
}

/** A Python-shell job that runs transform.sql over a raw object; script and SQL lie where the CDK uploads them. */
export class TransformationJob extends Construct {
  readonly arn: string;

  constructor(scope: Construct, id: string, { stage, jobName, raw, processed }: TransformationJobProps) {
    super(scope, id);
    const asset = (name: string) =>
      new Asset(this, name, { path: fileURLToPath(new URL(`./${name}`, import.meta.url)) });
    const script = asset('transform.py');
    const transform = asset('transform.sql');
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('glue.amazonaws.com') });
    const allow = (actions: string[], ...resources: string[]) =>
      role.addToPolicy(new PolicyStatement({ actions, resources }));
    allow(['s3:GetObject'], script.bucket.arnForObjects('*'));
    allow(['s3:GetObject'], raw.arnForObjects(`${prefixes.raw}*`));
    const files = [prefixes.rides, prefixes.rejects].map((prefix) => processed.arnForObjects(`${prefix}*`));
    allow(['s3:DeleteObject', 's3:PutObject'], ...files);
    allow(['s3:GetObject', 's3:PutObject'], processed.arnForObjects(`${prefixes.manifests}*`));
    allow(['s3:ListBucket'], processed.bucketArn);
    allow(
      ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'],
      `arn:${Aws.PARTITION}:logs:${Aws.REGION}:${Aws.ACCOUNT_ID}:log-group:/aws-glue/python-jobs/*`,
    );
    const job = new CfnJob(this, 'Job', {
      name: jobName,
      description: 'Raw CSV to Parquet by day: transform.sql',
      role: role.roleArn,
      command: { name: 'pythonshell', pythonVersion: '3.9', scriptLocation: script.s3ObjectUrl },
      glueVersion: '3.0',
      // One sixteenth of a unit has 1 GB, which DuckDB fills before it writes to disk.
      maxCapacity: 1,
      timeout: 60,
      maxRetries: 0,
      // Runs of the same raw object must not overtake each other.
      executionProperty: { maxConcurrentRuns: 1 },
      defaultArguments: {
        '--additional-python-modules': modules,
        '--raw_bucket': raw.bucketName,
        '--processed_bucket': processed.bucketName,
        '--prefix': prefixes.rides,
        '--transform_bucket': transform.s3BucketName,
        '--transform_key': transform.s3ObjectKey,
        ...(stage.name === 'local' ? localAccess : {}),
      },
    });
    job.node.addDependency(role);
    const why = 'The log has counts and names of objects, no rows; it is encrypted with the key of CloudWatch Logs.';
    acknowledge(job, 'AwsSolutions-GL1', why);
    acknowledge(job, 'AwsSolutions-GL3', 'A Python-shell job has no bookmarks.');
    this.arn = Stack.of(this).formatArn({ service: 'glue', resource: 'job', resourceName: jobName });
  }
}
