import { Aws } from 'aws-cdk-lib';
import { AnyPrincipal, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { LakeBucket } from '../shared/lake-bucket.ts';
import type { Stage } from '../stages.ts';

export interface DeploymentBucketProps {
  stage: Stage;
  /** `o-…`: only roles of its accounts may read. */
  organizationId: string;
  /** Names of the roles that deploy products, in any account of the organisation. */
  roleNames: readonly string[];
}

/**
 * Code of functions that products deploy. A function's code has to lie in its own region, so that each region in which
 * products deploy functions needs one of these.
 */
export class DeploymentBucket extends Construct {
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, { stage, organizationId, roleNames }: DeploymentBucketProps) {
    super(scope, id);
    this.bucket = new LakeBucket(this, 'Code', { stage, keepsObjects: true }).bucket;
    this.bucket.addToResourcePolicy(
      new PolicyStatement({
        principals: [new AnyPrincipal()],
        actions: ['s3:GetObject'],
        resources: [this.bucket.arnForObjects('*')],
        conditions: {
          StringEquals: { 'aws:PrincipalOrgID': organizationId },
          StringLike: { 'aws:PrincipalArn': roleNames.map((name) => `arn:${Aws.PARTITION}:iam::*:role/${name}`) },
        },
      }),
    );
  }
}
