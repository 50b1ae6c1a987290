import { GetCoreDeviceCommand } from '@aws-sdk/client-greengrassv2';
import { GetRoleCommand, GetRolePolicyCommand } from '@aws-sdk/client-iam';
import { DescribeSecretCommand } from '@aws-sdk/client-secrets-manager';
import { ownComponents, rolePolicyName } from '../../cloud/greengrass/definition.ts';
import { arnsOf, type Names, type Place } from '../../cloud/greengrass/names.ts';
import { orAbsent } from './aws-error.ts';
import type { Clients } from './clients.ts';
import { findBucket, findObjects, ownedBucket } from './look-up-bucket.ts';
import { findComponentVersions, findDeployments } from './look-up-greengrass.ts';
import { findCertificates, findPolicy, findRoleAlias, findThing, findThingGroup } from './look-up-iot.ts';
import { hasMark } from './marks.ts';
import type { Found } from './state.ts';

/**
 * All that the account holds under these names. `keyId` is that of the signing request, if there is one.
 * @throws AppError of `awsError`
 */
export async function lookUp(clients: Clients, names: Names, place: Place, keyId?: string): Promise<Found> {
  const arns = arnsOf(names, place);
  const owned = ownedBucket(names, place);
  const [thing, thingGroup, policy, roleAlias, role, secret, bucket, core] = await Promise.all([
    findThing(clients.iot, names),
    findThingGroup(clients.iot, names),
    findPolicy(clients.iot, names, arns.policy),
    findRoleAlias(clients.iot, names),
    findRole(clients, names),
    findSecret(clients, names),
    findBucket(clients.s3, owned),
    orAbsent(clients.greengrass.send(new GetCoreDeviceCommand({ coreDeviceThingName: names.thing }))),
  ]);
  const keyIds = [...(thing?.keyIds ?? []), ...(keyId === undefined ? [] : [keyId])];
  const [certificates, objects, componentVersions, deployments] = await Promise.all([
    thing === undefined ? [] : findCertificates(clients.iot, names, keyIds),
    bucket === undefined ? {} : findObjects(clients.s3, owned, bucket.made),
    Promise.all(ownComponents.map((name) => findComponentVersions(clients.greengrass, name, arns.component(name)))),
    thingGroup === undefined ? [] : findDeployments(clients.greengrass, arns.thingGroup),
  ]);
  return {
    ...(thing === undefined ? {} : { thing }),
    ...(thingGroup === undefined ? {} : { thingGroup }),
    ...(policy === undefined ? {} : { policy }),
    ...(role === undefined ? {} : { role }),
    ...(roleAlias === undefined ? {} : { roleAlias }),
    ...(secret === undefined ? {} : { secret }),
    ...(bucket === undefined ? {} : { bucket }),
    certificates,
    objects,
    componentVersions: componentVersions.flat(),
    deployments,
    coreDevice: core !== undefined,
  };
}

async function findRole({ iam }: Clients, { role: RoleName }: Names): Promise<Found['role']> {
  const found = await orAbsent(iam.send(new GetRoleCommand({ RoleName })));
  if (found?.Role === undefined) return undefined;
  const inline = await orAbsent(iam.send(new GetRolePolicyCommand({ RoleName, PolicyName: rolePolicyName })));
  return {
    made: hasMark(found.Role.Tags),
    trust: documentOf(found.Role.AssumeRolePolicyDocument),
    ...(inline === undefined ? {} : { permissions: documentOf(inline.PolicyDocument) }),
  };
}

/** IAM gives documents percent-encoded. */
function documentOf(text: string | undefined): unknown {
  return JSON.parse(decodeURIComponent(text ?? 'null'));
}

async function findSecret({ secrets }: Clients, { secret }: Names): Promise<Found['secret']> {
  const found = await orAbsent(secrets.send(new DescribeSecretCommand({ SecretId: secret })));
  if (found?.ARN === undefined) return undefined;
  return { made: hasMark(found.Tags), arn: found.ARN, deletionScheduled: found.DeletedDate !== undefined };
}
