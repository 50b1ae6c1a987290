import { CfnCondition, CfnOutput, CfnParameter, Fn, Stack } from 'aws-cdk-lib';
import { Rule } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { CfnRole } from 'aws-cdk-lib/aws-iam';
import { CfnPolicy, CfnRoleAlias, CfnThingGroup } from 'aws-cdk-lib/aws-iot';
import { BlockPublicAccess, Bucket, BucketEncryption, CfnBucketPolicy } from 'aws-cdk-lib/aws-s3';
import { CfnSecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { acknowledge } from '../shared/acknowledge.ts';
import { DeadLetterQueue } from '../shared/resting-queue.ts';
import { allowWildcards } from '../shared/wildcards.ts';
import type { Stage } from '../stages.ts';
import {
  bucketPolicy,
  credentialSeconds,
  defaultLimits,
  rolePermissions,
  rolePolicyName,
  roleTrust,
  type Settings,
} from './definition.ts';
import { deviceKinds, groupNames, policyNames, policyOf } from './fleet.ts';
import { FleetDeployment } from './fleet-deployment.ts';
import { FleetProvisioning } from './fleet-provisioning.ts';
import { defaultBucket, defaultNames, type Names, type Place } from './names.ts';
import { wildcards } from './wildcards.ts';

const room = 'greengrass';

export interface GreengrassProps {
  stage: Stage;
  /** Others than the defaults, which are those of `npm run provision` too: both in one account need two sets. */
  names?: Partial<Omit<Names, 'thing'>>;
  /** °C and %RH; the post's. */
  limits?: Pick<Settings, 'tempLimit' | 'humidLimit'>;
}

/** What a fleet of devices needs in the account, after `definition.ts` and `fleet.ts`. */
export class GreengrassStack extends Stack {
  constructor(scope: Construct, props: GreengrassProps) {
    super(scope, 'GreengrassStack', { description: 'Greengrass cores and other devices: rights, claims, components' });
    const { stage, limits = defaultLimits } = props;
    const place: Place = { account: this.account, region: this.region, partition: this.partition };
    const names: Names = { ...defaultNames, bucket: defaultBucket(place), ...props.names };
    const snowUrl = new CfnParameter(this, 'SnowUrl', {
      default: '',
      allowedPattern: '^$|^https://[A-Za-z0-9./_-]+$',
      description: 'Table API of ServiceNow. While it is empty nothing is deployed: the zips have to be in the bucket.',
    });

    const groups = groupNames(names);
    const cores = new CfnThingGroup(this, 'ThingGroup', { thingGroupName: groups.core });
    // Of monitors and handlers alike.
    new CfnThingGroup(this, 'DeviceGroup', { thingGroupName: groups.monitor });
    for (const kind of deviceKinds) {
      const id = `${kind.charAt(0).toUpperCase()}${kind.slice(1)}Policy`;
      new CfnPolicy(this, id, {
        policyName: policyNames(names)[kind],
        policyDocument: policyOf(kind, names, place),
      });
    }
    const tokenExchangeRole = new CfnRole(this, 'TokenExchangeRole', {
      roleName: names.role,
      assumeRolePolicyDocument: roleTrust(place),
      policies: [{ policyName: rolePolicyName, policyDocument: rolePermissions(names, place) }],
    });
    new CfnRoleAlias(this, 'RoleAlias', {
      roleAlias: names.roleAlias,
      roleArn: tokenExchangeRole.attrArn,
      credentialDurationSeconds: credentialSeconds,
    });
    const secret = this.secret(stage, names);
    this.bucket(stage, names, place);
    const provisioning = new FleetProvisioning(this, 'Fleet', { stage, room, names, place });
    new FleetDeployment(this, 'Components', {
      ...{ stage, names, place, group: cores, settings: limits, snowUrl, secretArn: secret.ref },
      condition: new CfnCondition(this, 'Deploys', { expression: Fn.conditionNot(Fn.conditionEquals(snowUrl, '')) }),
    });
    const failed = this.failedDeployments(stage);

    new CfnOutput(this, 'BucketName', { value: names.bucket });
    new CfnOutput(this, 'SecretName', { value: names.secret });
    new CfnOutput(this, 'RegistryName', { value: provisioning.registry.tableName });
    new CfnOutput(this, 'TemplateName', { value: provisioning.template.ref });
    new CfnOutput(this, 'ClaimPolicyName', { value: provisioning.claimPolicy.ref });
    new CfnOutput(this, 'HookName', { value: provisioning.hook.functionName });
    new CfnOutput(this, 'HookRoleName', { value: provisioning.hook.role?.roleName ?? '' });
    new CfnOutput(this, 'FailedDeploymentsUrl', { value: failed.queueUrl });
    allowWildcards(this, wildcards);
  }

  /** Made without a value: that is put by a person, and so stands in no template. */
  private secret(stage: Stage, names: Names): CfnSecret {
    const secret = new CfnSecret(this, 'Secret', { name: names.secret, description: 'Credentials of ServiceNow' });
    secret.applyRemovalPolicy(stage.removalPolicy);
    acknowledge(secret, 'AwsSolutions-SMG4', 'The password is ServiceNow’s, which alone can change it.');
    return secret;
  }

  private bucket(stage: Stage, names: Names, place: Place): void {
    const bucket = new Bucket(this, 'Artifacts', {
      bucketName: names.bucket,
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      versioned: true,
      removalPolicy: stage.removalPolicy,
    });
    const policy = new CfnBucketPolicy(this, 'ArtifactsPolicy', {
      bucket: bucket.bucketName,
      policyDocument: bucketPolicy(names, place),
    });
    for (const construct of [bucket, policy]) {
      acknowledge(
        construct,
        'AwsSolutions-S10',
        'The policy denies all that is not TLS; this rule understands only policies that refer to the bucket’s resource.',
      );
    }
    acknowledge(
      bucket,
      'AwsSolutions-S1',
      'It holds released zips, which Greengrass compares with the digests of their component version; who fetched one is of no use.',
    );
  }

  /** Deployments that a core could not carry out wait for a person, each as the event that tells of it. */
  private failedDeployments(stage: Stage): DeadLetterQueue {
    const queue = new DeadLetterQueue(this, 'FailedDeployments', { stage, room, runbook: 'Failed deployments' });
    new Rule(this, 'DeploymentFailed', {
      description: 'Deployments that a core could not carry out',
      eventPattern: {
        // The local account, as AWS, takes no events from outside whose source is AWS.
        source: [stage.name === 'local' ? 'local.greengrass' : 'aws.greengrass'],
        detailType: ['Greengrass V2 Effective Deployment Status Change'],
        detail: { coreDeviceExecutionStatus: ['FAILED', 'REJECTED'] },
      },
      targets: [new SqsQueue(queue)],
    });
    return queue;
  }
}
