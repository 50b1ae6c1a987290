import { type DeviceKind, deviceKind, type FleetParameters } from './contract.ts';
import { iotPolicy, topicNames } from './definition.ts';
import { devicePolicy, type IotPolicyDocument } from './iot-policy.ts';
import { arnsOf, type Names, type Place, type PolicyDocument, partitionOf } from './names.ts';

/** What a fleet has beside what `definition.ts` says of one core. Values may be CDK tokens. */

/** AWS IoT allows 36 characters. */
export const templateName = 'IoT-blog-fleet';
export const claimPolicyName = 'IoT-blog-claim';

/** How often one serial number may be claimed: an answer may be lost, or a Pi installed anew. */
export const mostClaims = 3;

export const policyNames = (names: Pick<Names, 'policy'>): Record<DeviceKind, string> => ({
  core: names.policy,
  monitor: `${names.policy}-monitor`,
  handler: `${names.policy}-handler`,
});

/** Only cores are in the group that is deployed to. */
export const groupNames = (names: Pick<Names, 'thingGroup'>): Record<DeviceKind, string> => {
  const devices = `${names.thingGroup}-devices`;
  return { core: names.thingGroup, monitor: devices, handler: devices };
};

export function policyOf(kind: DeviceKind, names: Names, place: Place): IotPolicyDocument {
  if (kind === 'core') return iotPolicy(names, place);
  const { account, region } = place;
  return devicePolicy({ partition: partitionOf(place), region, account }, topicNames, [kind]);
}

export const deviceKinds = deviceKind.options;

/** For the hook, which knows no names of its own. */
export function parametersOf(names: Names): FleetParameters {
  const of = (kind: DeviceKind) => ({ PolicyName: policyNames(names)[kind], ThingGroupName: groupNames(names)[kind] });
  return { core: of('core'), monitor: of('monitor'), handler: of('handler') };
}

const ref = (name: string) => ({ Ref: name });

/**
 * What AWS IoT makes of a device that the hook admits. The certificate is the thing’s alone: only then does the policy’s
 * variable for the thing’s name hold for client ids with a suffix. A thing that there is already keeps its groups.
 * Source: AWS IoT Core Developer Guide, "Provisioning templates".
 */
export const templateBody = {
  Parameters: {
    SerialNumber: { Type: 'String' },
    ThingName: { Type: 'String' },
    PolicyName: { Type: 'String' },
    ThingGroupName: { Type: 'String' },
    'AWS::IoT::Certificate::Id': { Type: 'String' },
  },
  Resources: {
    thing: {
      Type: 'AWS::IoT::Thing',
      Properties: {
        ThingName: ref('ThingName'),
        AttributePayload: { serialNumber: ref('SerialNumber') },
        ThingGroups: [ref('ThingGroupName')],
      },
      OverrideSettings: { AttributePayload: 'MERGE', ThingGroups: 'DO_NOTHING' },
    },
    certificate: {
      Type: 'AWS::IoT::Certificate',
      Properties: {
        CertificateId: ref('AWS::IoT::Certificate::Id'),
        Status: 'Active',
        ThingPrincipalType: 'EXCLUSIVE_THING',
      },
    },
    policy: { Type: 'AWS::IoT::Policy', Properties: { PolicyName: ref('PolicyName') } },
  },
} as const;

/**
 * What a claim certificate may do: have a request signed, be made a device of the template, and hear the answers.
 * @param ways of getting a certificate: `create-from-csr`, whose key stays on the device; `create`, whose key AWS makes
 */
export function claimPolicy(place: Place, ways: readonly ('create-from-csr' | 'create')[]): IotPolicyDocument {
  const { region, account } = place;
  const of = (kind: string, name: string) => `arn:${partitionOf(place)}:iot:${region}:${account}:${kind}/${name}`;
  const topics = [
    ...ways.map((way) => `$aws/certificates/${way}/json`),
    `$aws/provisioning-templates/${templateName}/provision/json`,
  ];
  const answers = topics.flatMap((topic) => [`${topic}/accepted`, `${topic}/rejected`]);
  const allow = (Sid: string, action: string, Resource: string[]) => ({
    ...{ Sid, Effect: 'Allow' as const, Action: [action], Resource },
  });
  return {
    Version: '2012-10-17',
    Statement: [
      allow('Connect', 'iot:Connect', [of('client', 'claim-*')]),
      allow(
        'Ask',
        'iot:Publish',
        topics.map((topic) => of('topic', topic)),
      ),
      allow(
        'Answers',
        'iot:Receive',
        answers.map((topic) => of('topic', topic)),
      ),
      allow(
        'Subscriptions',
        'iot:Subscribe',
        answers.map((topic) => of('topicfilter', topic)),
      ),
    ],
  };
}

/** What AWS IoT may do in the name of the template: make things and activate certificates, with these policies and groups. */
export function registrationRights(names: Names, place: Place): PolicyDocument {
  const { of, anyCertificate } = arnsOf(names, place);
  const each = (kind: string, all: Record<DeviceKind, string>) =>
    [...new Set(Object.values(all))].map((name) => of('iot', `${kind}/${name}`));
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'Certificate',
        Effect: 'Allow',
        Action: ['iot:DescribeCertificate', 'iot:UpdateCertificate', 'iot:AttachPolicy'],
        Resource: [anyCertificate],
      },
      {
        Sid: 'Thing',
        Effect: 'Allow',
        Action: [
          'iot:CreateThing',
          'iot:DescribeThing',
          'iot:UpdateThing',
          'iot:ListThingGroupsForThing',
          'iot:ListThingPrincipals',
          'iot:AddThingToThingGroup',
        ],
        Resource: [of('iot', 'thing/*')],
      },
      {
        Sid: 'Groups',
        Effect: 'Allow',
        Action: ['iot:AddThingToThingGroup', 'iot:DescribeThingGroup'],
        Resource: each('thinggroup', groupNames(names)),
      },
      { Sid: 'Policies', Effect: 'Allow', Action: ['iot:GetPolicy'], Resource: each('policy', policyNames(names)) },
      {
        Sid: 'Attachments',
        Effect: 'Allow',
        Action: [
          'iot:AttachThingPrincipal',
          'iot:ListAttachedPolicies',
          'iot:ListPolicyPrincipals',
          'iot:ListPrincipalPolicies',
          'iot:ListPrincipalThings',
        ],
        Resource: ['*'],
      },
    ],
  };
}

/** AWS IoT, in the name of a template of this account. */
export function registrationTrust({ account }: Pick<Place, 'account'>): PolicyDocument {
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'FleetProvisioning',
        Effect: 'Allow',
        Principal: { Service: 'iot.amazonaws.com' },
        Action: 'sts:AssumeRole',
        Condition: { StringEquals: { 'aws:SourceAccount': account } },
      },
    ],
  };
}
