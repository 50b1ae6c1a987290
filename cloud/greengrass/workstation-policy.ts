import { ownComponents } from './definition.ts';
import { arnsOf, type Names, type Place, type PolicyDocument, type Statement } from './names.ts';

/**
 * What a person's role needs for `provision create` and `teardown` of these names, and no more: `npm run provision --
 * permissions` prints it. The Pi needs no rights in the account but those of its certificate.
 */
export function workstationPolicy(names: Names, place: Place): PolicyDocument {
  const arns = arnsOf(names, place);
  const components = ownComponents.flatMap((component) => [
    arns.component(component),
    arns.componentVersion(component, '*'),
  ]);
  return {
    Version: '2012-10-17',
    Statement: [
      // These know no narrower resource: what they act on has no name before, or is named by its parameters alone.
      allow(
        'Account',
        [
          'iot:DescribeEndpoint',
          'iot:CreateCertificateFromCsr',
          'iot:ListCertificates',
          'iot:AttachThingPrincipal',
          'iot:DetachThingPrincipal',
          'iot:ListThingPrincipals',
          'iot:AttachPolicy',
          'iot:DetachPolicy',
          'iot:ListAttachedPolicies',
          'greengrass:CreateComponentVersion',
          'greengrass:CreateDeployment',
          'greengrass:ListDeployments',
          // Asked by a name that does not exist yet, it has no ARN that a statement could name.
          'secretsmanager:DescribeSecret',
        ],
        '*',
      ),
      allow(
        'Certificate',
        ['iot:DescribeCertificate', 'iot:UpdateCertificate', 'iot:DeleteCertificate'],
        arns.anyCertificate,
      ),
      allow(
        'Thing',
        [
          'iot:DescribeThing',
          'iot:CreateThing',
          'iot:UpdateThing',
          'iot:DeleteThing',
          'iot:AddThingToThingGroup',
          'iot:RemoveThingFromThingGroup',
          'iot:ListThingGroupsForThing',
        ],
        arns.thing,
      ),
      allow(
        'ThingGroup',
        [
          'iot:DescribeThingGroup',
          'iot:CreateThingGroup',
          'iot:DeleteThingGroup',
          'iot:AddThingToThingGroup',
          'iot:RemoveThingFromThingGroup',
          'iot:ListThingsInThingGroup',
          'iot:ListTagsForResource',
          'iot:TagResource',
        ],
        arns.thingGroup,
      ),
      allow(
        'DevicePolicy',
        [
          'iot:GetPolicy',
          'iot:CreatePolicy',
          'iot:CreatePolicyVersion',
          'iot:ListPolicyVersions',
          'iot:DeletePolicyVersion',
          'iot:DeletePolicy',
          'iot:ListTagsForResource',
          'iot:TagResource',
        ],
        arns.policy,
      ),
      allow(
        'RoleAlias',
        [
          'iot:DescribeRoleAlias',
          'iot:CreateRoleAlias',
          'iot:UpdateRoleAlias',
          'iot:DeleteRoleAlias',
          'iot:ListTagsForResource',
          'iot:TagResource',
        ],
        arns.roleAlias,
      ),
      allow(
        'Role',
        [
          'iam:GetRole',
          'iam:CreateRole',
          'iam:TagRole',
          'iam:UpdateAssumeRolePolicy',
          'iam:GetRolePolicy',
          'iam:PutRolePolicy',
          'iam:DeleteRolePolicy',
          'iam:DeleteRole',
        ],
        arns.role,
      ),
      {
        ...allow('PassRole', ['iam:PassRole'], arns.role),
        Condition: { StringEquals: { 'iam:PassedToService': 'credentials.iot.amazonaws.com' } },
      },
      allow(
        'Secret',
        [
          'secretsmanager:CreateSecret',
          'secretsmanager:TagResource',
          'secretsmanager:PutSecretValue',
          'secretsmanager:DeleteSecret',
          'secretsmanager:RestoreSecret',
        ],
        // What is to be created has no suffix yet.
        [arns.anySecretOfName, arns.partialSecret],
      ),
      allow(
        'Bucket',
        [
          's3:ListBucket',
          's3:CreateBucket',
          's3:DeleteBucket',
          's3:GetBucketTagging',
          's3:PutBucketTagging',
          's3:GetBucketPublicAccessBlock',
          's3:PutBucketPublicAccessBlock',
          's3:GetBucketPolicy',
          's3:PutBucketPolicy',
        ],
        arns.bucket,
      ),
      allow('Artifacts', ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'], `${arns.bucket}/*`),
      allow(
        'Components',
        [
          'greengrass:DescribeComponent',
          'greengrass:ListComponentVersions',
          'greengrass:DeleteComponent',
          'greengrass:TagResource',
        ],
        components,
      ),
      allow(
        'Deployments',
        [
          'greengrass:GetDeployment',
          'greengrass:CancelDeployment',
          'greengrass:DeleteDeployment',
          'greengrass:TagResource',
        ],
        arns.anyDeployment,
      ),
      allow(
        'Core',
        [
          'greengrass:GetCoreDevice',
          'greengrass:ListEffectiveDeployments',
          'greengrass:ListInstalledComponents',
          'greengrass:DeleteCoreDevice',
        ],
        arns.coreDevice,
      ),
      // A deployment is a job of AWS IoT, made in the name of who deploys.
      allow(
        'DeploymentJobs',
        ['iot:CreateJob', 'iot:DescribeJob', 'iot:UpdateJob', 'iot:CancelJob', 'iot:DeleteJob'],
        [arns.of('iot', 'job/*'), arns.thingGroup, arns.thing],
      ),
    ],
  };
}

function allow(Sid: string, Action: string[], Resource: string | string[]): Statement {
  return { Sid, Effect: 'Allow', Action, Resource };
}
