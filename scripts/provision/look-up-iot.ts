import {
  DescribeCertificateCommand,
  DescribeRoleAliasCommand,
  DescribeThingCommand,
  DescribeThingGroupCommand,
  GetPolicyCommand,
  type IoTClient,
  ListPolicyVersionsCommand,
  ListTagsForResourceCommand,
  paginateListAttachedPolicies,
  paginateListCertificates,
  paginateListThingGroupsForThing,
  paginateListThingPrincipals,
  paginateListThingsInThingGroup,
} from '@aws-sdk/client-iot';
import type { Names } from '../../cloud/greengrass/names.ts';
import { orAbsent } from './aws-error.ts';
import { keyIdOfCertificate } from './key-id.ts';
import { hasMark, markValue, thingKeys, thingMark } from './marks.ts';
import type { Found, FoundCertificate } from './state.ts';

/** Inactive certificates that are looked through for one that an interrupted run has left; newest first. */
const mostInactive = 500;

export async function findThing(iot: IoTClient, { thing, thingGroup }: Names): Promise<Found['thing']> {
  const found = await orAbsent(iot.send(new DescribeThingCommand({ thingName: thing })));
  if (found === undefined) return undefined;
  const { [thingMark]: mark, [thingKeys]: keys = '' } = found.attributes ?? {};
  let inGroup = false;
  for await (const { thingGroups = [] } of paginateListThingGroupsForThing({ client: iot }, { thingName: thing })) {
    inGroup ||= thingGroups.some(({ groupName }) => groupName === thingGroup);
  }
  return { made: mark === markValue, keyIds: keys.split(',').filter((key) => key !== ''), inGroup };
}

export async function findThingGroup(iot: IoTClient, names: Names): Promise<Found['thingGroup']> {
  const found = await orAbsent(iot.send(new DescribeThingGroupCommand({ thingGroupName: names.thingGroup })));
  if (found === undefined) return undefined;
  const otherThings: string[] = [];
  const pages = paginateListThingsInThingGroup({ client: iot }, { thingGroupName: names.thingGroup, maxResults: 100 });
  for await (const { things = [] } of pages) {
    otherThings.push(...things.filter((name) => name !== names.thing));
    // More are not needed to know that the group is shared.
    if (otherThings.length > 0) break;
  }
  return { made: await isMarked(iot, found.thingGroupArn), otherThings };
}

export async function findPolicy(iot: IoTClient, { policy }: Names, arn: string): Promise<Found['policy']> {
  const found = await orAbsent(iot.send(new GetPolicyCommand({ policyName: policy })));
  if (found === undefined) return undefined;
  const { policyVersions = [] } = await iot.send(new ListPolicyVersionsCommand({ policyName: policy }));
  return {
    made: await isMarked(iot, found.policyArn ?? arn),
    document: JSON.parse(found.policyDocument ?? 'null'),
    oldVersions: policyVersions.flatMap(({ versionId, isDefaultVersion }) =>
      versionId === undefined || isDefaultVersion === true ? [] : [versionId],
    ),
  };
}

export async function findRoleAlias(iot: IoTClient, { roleAlias }: Names): Promise<Found['roleAlias']> {
  const found = await orAbsent(iot.send(new DescribeRoleAliasCommand({ roleAlias })));
  const { roleArn, roleAliasArn, credentialDurationSeconds: seconds = 0 } = found?.roleAliasDescription ?? {};
  if (roleArn === undefined) return undefined;
  return { made: await isMarked(iot, roleAliasArn), roleArn, seconds };
}

/** Those attached to the thing, and those that a run made for one of these keys and could not attach or delete. */
export async function findCertificates(iot: IoTClient, names: Names, keyIds: string[]): Promise<FoundCertificate[]> {
  const attached: FoundCertificate[] = [];
  for await (const { principals = [] } of paginateListThingPrincipals({ client: iot }, { thingName: names.thing })) {
    for (const arn of principals.filter((principal) => principal.includes(':cert/'))) {
      const found = await describe(iot, names, arn, true);
      if (found !== undefined) attached.push(found);
    }
  }
  const missing = keyIds.filter((keyId) => !attached.some((one) => one.keyId === keyId));
  return missing.length === 0 ? attached : [...attached, ...(await findLeftOver(iot, names, missing))];
}

async function findLeftOver(iot: IoTClient, names: Names, keyIds: string[]): Promise<FoundCertificate[]> {
  const leftOver: FoundCertificate[] = [];
  let looked = 0;
  const pages = paginateListCertificates({ client: iot }, { ascendingOrder: false, pageSize: 100 });
  for await (const { certificates = [] } of pages) {
    for (const { certificateArn: arn, status } of certificates) {
      if (status !== 'INACTIVE' || arn === undefined) continue;
      looked += 1;
      const found = await describe(iot, names, arn, false);
      if (found !== undefined && keyIds.includes(found.keyId)) leftOver.push(found);
    }
    if (looked >= mostInactive) break;
  }
  return leftOver;
}

async function describe(
  iot: IoTClient,
  { policy }: Names,
  arn: string,
  attached: boolean,
): Promise<FoundCertificate | undefined> {
  const certificateId = arn.slice(arn.lastIndexOf('/') + 1);
  const found = await orAbsent(iot.send(new DescribeCertificateCommand({ certificateId })));
  const { certificatePem, status } = found?.certificateDescription ?? {};
  if (certificatePem === undefined) return undefined;
  let hasPolicy = false;
  for await (const { policies = [] } of paginateListAttachedPolicies({ client: iot }, { target: arn })) {
    hasPolicy ||= policies.some(({ policyName }) => policyName === policy);
  }
  return {
    arn,
    pem: certificatePem,
    keyId: keyIdOfCertificate(certificatePem),
    active: status === 'ACTIVE',
    revoked: status === 'REVOKED',
    attached,
    hasPolicy,
  };
}

async function isMarked(iot: IoTClient, resourceArn: string | undefined): Promise<boolean> {
  if (resourceArn === undefined) return false;
  const found = await orAbsent(iot.send(new ListTagsForResourceCommand({ resourceArn })));
  return hasMark(found?.tags);
}
