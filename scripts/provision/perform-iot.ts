import {
  AddThingToThingGroupCommand,
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateCertificateFromCsrCommand,
  CreatePolicyCommand,
  CreatePolicyVersionCommand,
  CreateRoleAliasCommand,
  CreateThingCommand,
  CreateThingGroupCommand,
  DeleteCertificateCommand,
  DeletePolicyCommand,
  DeletePolicyVersionCommand,
  DeleteRoleAliasCommand,
  DeleteThingCommand,
  DeleteThingGroupCommand,
  DetachPolicyCommand,
  DetachThingPrincipalCommand,
  RemoveThingFromThingGroupCommand,
  UpdateCertificateCommand,
  UpdateRoleAliasCommand,
  UpdateThingCommand,
} from '@aws-sdk/client-iot';
import { credentialSeconds, iotPolicy } from '../../cloud/greengrass/definition.ts';
import { arnsOf } from '../../cloud/greengrass/names.ts';
import { AppError } from '../../device/platform/errors.ts';
import { orAbsent, orExists } from './aws-error.ts';
import { type Context, known, onceLetGo } from './context.ts';
import { markTagList, markValue, mostKeys, thingKeys, thingMark } from './marks.ts';
import type { Step } from './step.ts';

type Of<K extends Step['kind']> = Extract<Step, { kind: K }>;

/** AWS IoT keeps this many versions of a policy. */
const mostPolicyVersions = 5;

export async function createThingGroup({ clients, names }: Context): Promise<void> {
  await clients.iot.send(new CreateThingGroupCommand({ thingGroupName: names.thingGroup, tags: markTagList }));
}

export async function createThing({ clients, names }: Context, keyIds: string[]): Promise<void> {
  const attributes = { [thingMark]: markValue, [thingKeys]: keyIds.join(',') };
  await clients.iot.send(new CreateThingCommand({ thingName: names.thing, attributePayload: { attributes } }));
}

/** @throws AppError `too-many-keys` */
export async function noteKeys({ clients, names }: Context, keyIds: string[]): Promise<void> {
  if (keyIds.length > mostKeys) {
    throw new AppError(
      'too-many-keys',
      `${names.thing} has had ${mostKeys} keys already. Once the Pi runs with its present one, revoke the others: create --retire-old-keys.`,
    );
  }
  const attributePayload = { attributes: { [thingKeys]: keyIds.join(',') }, merge: true };
  await clients.iot.send(new UpdateThingCommand({ thingName: names.thing, attributePayload }));
}

export async function addToGroup({ clients, names }: Context): Promise<void> {
  const { thing: thingName, thingGroup: thingGroupName } = names;
  await clients.iot.send(new AddThingToThingGroupCommand({ thingName, thingGroupName }));
}

export async function removeFromGroup({ clients, names }: Context): Promise<void> {
  const { thing: thingName, thingGroup: thingGroupName } = names;
  await orAbsent(clients.iot.send(new RemoveThingFromThingGroupCommand({ thingName, thingGroupName })));
}

export async function createPolicy({ clients, names, place }: Context): Promise<void> {
  const policyDocument = JSON.stringify(iotPolicy(names, place));
  await clients.iot.send(new CreatePolicyCommand({ policyName: names.policy, policyDocument, tags: markTagList }));
}

export async function updatePolicy(
  { clients, names, place }: Context,
  { oldVersions }: Of<'update-policy'>,
): Promise<void> {
  const policyName = names.policy;
  const [oldest] = [...oldVersions].sort((one, other) => Number(one) - Number(other));
  if (oldVersions.length >= mostPolicyVersions - 1 && oldest !== undefined) {
    await orAbsent(clients.iot.send(new DeletePolicyVersionCommand({ policyName, policyVersionId: oldest })));
  }
  const policyDocument = JSON.stringify(iotPolicy(names, place));
  await clients.iot.send(new CreatePolicyVersionCommand({ policyName, policyDocument, setAsDefault: true }));
}

export async function createRoleAlias({ clients, names, place }: Context): Promise<void> {
  await clients.iot.send(
    new CreateRoleAliasCommand({
      roleAlias: names.roleAlias,
      roleArn: arnsOf(names, place).role,
      credentialDurationSeconds: credentialSeconds,
      tags: markTagList,
    }),
  );
}

export async function updateRoleAlias({ clients, names, place }: Context): Promise<void> {
  const roleArn = arnsOf(names, place).role;
  const { roleAlias } = names;
  await clients.iot.send(
    new UpdateRoleAliasCommand({ roleAlias, roleArn, credentialDurationSeconds: credentialSeconds }),
  );
}

/** Inactive: nobody can use it before it is bound to the thing and its policy. */
export async function createCertificate(context: Context, { csr }: Of<'create-certificate'>): Promise<void> {
  const command = new CreateCertificateFromCsrCommand({ certificateSigningRequest: csr, setAsActive: false });
  const { certificateArn } = await context.clients.iot.send(command);
  if (certificateArn === undefined) {
    throw new AppError('aws-refused', 'AWS IoT answered a signing request without a certificate. Run this again.');
  }
  context.known.certificate = certificateArn;
}

export async function attachPolicy(context: Context): Promise<void> {
  const { clients, names } = context;
  const target = known(context, 'certificate');
  await orExists(clients.iot.send(new AttachPolicyCommand({ policyName: names.policy, target })));
}

/** Exclusively: only then the policy's variable for the thing's name holds for client ids with a suffix. */
export async function attachCertificate(context: Context): Promise<void> {
  const { clients, names } = context;
  await clients.iot.send(
    new AttachThingPrincipalCommand({
      thingName: names.thing,
      principal: known(context, 'certificate'),
      thingPrincipalType: 'EXCLUSIVE_THING',
    }),
  );
}

export async function activateCertificate(context: Context): Promise<void> {
  const certificateId = idOf(known(context, 'certificate'));
  await context.clients.iot.send(new UpdateCertificateCommand({ certificateId, newStatus: 'ACTIVE' }));
}

/** Closed first, and then taken apart: interrupted anywhere it lets nobody in. */
export async function revokeCertificate(context: Context, step: Of<'revoke-certificate'>): Promise<void> {
  const { clients, names } = context;
  const { certificate } = step;
  const certificateId = idOf(certificate);
  const { iot } = clients;
  if (step.active) await iot.send(new UpdateCertificateCommand({ certificateId, newStatus: 'INACTIVE' }));
  if (step.hasPolicy) {
    await orAbsent(iot.send(new DetachPolicyCommand({ policyName: names.policy, target: certificate })));
  }
  if (step.attached) {
    await orAbsent(iot.send(new DetachThingPrincipalCommand({ thingName: names.thing, principal: certificate })));
  }
  await onceLetGo(context, () => iot.send(new DeleteCertificateCommand({ certificateId })));
}

export async function deleteThing(context: Context): Promise<void> {
  const { clients, names } = context;
  await onceLetGo(context, () => clients.iot.send(new DeleteThingCommand({ thingName: names.thing })));
}

export async function deletePolicy(context: Context, { oldVersions }: Of<'delete-policy'>): Promise<void> {
  const { clients, names } = context;
  const policyName = names.policy;
  for (const policyVersionId of oldVersions) {
    await orAbsent(clients.iot.send(new DeletePolicyVersionCommand({ policyName, policyVersionId })));
  }
  await onceLetGo(context, () => clients.iot.send(new DeletePolicyCommand({ policyName })));
}

export async function deleteRoleAlias(context: Context): Promise<void> {
  const { clients, names } = context;
  await onceLetGo(context, () => clients.iot.send(new DeleteRoleAliasCommand({ roleAlias: names.roleAlias })));
}

export async function deleteThingGroup(context: Context): Promise<void> {
  const { clients, names } = context;
  await onceLetGo(context, () => clients.iot.send(new DeleteThingGroupCommand({ thingGroupName: names.thingGroup })));
}

function idOf(arn: string): string {
  return arn.slice(arn.lastIndexOf('/') + 1);
}
