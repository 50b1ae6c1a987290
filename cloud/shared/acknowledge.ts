import { Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/**
 * Says why a finding of cdk-nag is right as it is, at the construct that it is about.
 * @param rule `AwsSolutions-SQS3`, or one finding of it: `AwsSolutions-IAM5[Resource::*]`.
 * @param reason A sentence that convinces a reviewer.
 */
export function acknowledge(construct: IConstruct, rule: string, reason: string): void {
  Validations.of(construct).acknowledge({ id: rule, reason });
}
