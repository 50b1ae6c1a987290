import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import {
  bucketPolicy,
  type ComponentDeployment,
  credentialSeconds,
  defaultLimits,
  deployedComponents,
  deploymentPolicies,
  handlerComponent,
  iotPolicy,
  monitorComponent,
  type OwnComponent,
  rolePermissions,
  roleTrust,
  type Settings,
} from '../../cloud/greengrass/definition.ts';
import { arnsOf } from '../../cloud/greengrass/names.ts';
import { sameDocument } from './same-document.ts';
import type { Desired, Found, FoundCertificate, FoundDeployment, PackagedComponent } from './state.ts';
import type { Step } from './step.ts';

/** Steps in the order in which they are possible, or the sentence that says why nothing may be changed. */
export type Plan = { ok: true; steps: Step[] } | { ok: false; reason: 'conflict' | 'incomplete'; message: string };

class Refusal extends Error {
  readonly reason: 'conflict' | 'incomplete';

  constructor(reason: 'conflict' | 'incomplete', message: string) {
    super(message);
    this.reason = reason;
  }
}

/**
 * What leads from what is found to what is desired. Pure: an interrupted run is resumed by looking up and planning again,
 * and where all is as desired there are no steps. What `create` did not make is used as it is, or refused, never changed; but a thing
 * lists the keys of the certificates that it is given, for those have no mark of their own.
 */
export function plan(desired: Desired, found: Found): Plan {
  try {
    const steps = [
      ...deviceSteps(desired, found),
      ...rightsSteps(desired, found),
      ...certificateSteps(desired, found),
      ...secretSteps(desired, found),
      ...artifactSteps(desired, found),
      ...desired.components.flatMap((component) => componentSteps(component, found)),
      ...deploymentSteps(desired, found),
      ...retirementSteps(desired, found),
    ];
    return { ok: true, steps };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { ok: false, reason: error.reason, message: error.message };
  }
}

function deviceSteps({ keyId }: Desired, { thingGroup, thing }: Found): Step[] {
  const steps: Step[] = thingGroup === undefined ? [{ kind: 'create-thing-group' }] : [];
  if (thing === undefined) steps.push({ kind: 'create-thing', keyIds: [keyId] });
  // Before the certificate is made: by its key an interrupted run finds it again.
  else if (!thing.keyIds.includes(keyId)) steps.push({ kind: 'note-keys', keyIds: [...thing.keyIds, keyId] });
  if (thing?.inGroup !== true) steps.push({ kind: 'add-to-group' });
  return steps;
}

function rightsSteps({ names, place }: Desired, { policy, role, roleAlias }: Found): Step[] {
  const steps: Step[] = [];
  const foreign = (what: string, name: string, option: string) =>
    new Refusal(
      'conflict',
      `The ${what} ${name} exists, says something else, and was not made by provision: it is left alone. Give another name with ${option}, or change it by hand.`,
    );
  if (policy === undefined) steps.push({ kind: 'create-policy' });
  else if (!sameDocument(policy.document, iotPolicy(names, place))) {
    if (!policy.made) throw foreign('IoT policy', names.policy, '--policy');
    steps.push({ kind: 'update-policy', oldVersions: policy.oldVersions });
  }
  if (role === undefined) steps.push({ kind: 'create-role' }, { kind: 'put-role-permissions' });
  else {
    const trusts = sameDocument(role.trust, roleTrust(place));
    const permits = sameDocument(role.permissions, rolePermissions(names, place));
    if (!role.made && !(trusts && permits)) throw foreign('role', names.role, '--role');
    if (!trusts) steps.push({ kind: 'update-role-trust' });
    if (!permits) steps.push({ kind: 'put-role-permissions' });
  }
  const roleArn = arnsOf(names, place).role;
  if (roleAlias === undefined) steps.push({ kind: 'create-role-alias' });
  else if (roleAlias.roleArn !== roleArn || roleAlias.seconds !== credentialSeconds) {
    if (!roleAlias.made) throw foreign('role alias', names.roleAlias, '--role-alias');
    steps.push({ kind: 'update-role-alias' });
  }
  return steps;
}

function certificateSteps({ csr, keyId }: Desired, found: Found): Step[] {
  const current = certificateOf(keyId, found);
  if (current?.revoked === true) {
    throw new Refusal(
      'conflict',
      'The certificate of this key is revoked. Make a new key on the Pi (npm run provision -- keygen --force) and bring its signing request here.',
    );
  }
  const steps: Step[] = current === undefined ? [{ kind: 'create-certificate', csr }] : [];
  if (current?.hasPolicy !== true) steps.push({ kind: 'attach-policy' });
  if (current?.attached !== true) steps.push({ kind: 'attach-certificate' });
  if (current?.active !== true) steps.push({ kind: 'activate-certificate' });
  return steps;
}

/** The certificate of a key; the attached one, should an interrupted run have left several. */
export function certificateOf(keyId: string, { certificates }: Found): FoundCertificate | undefined {
  const ours = certificates.filter((one) => one.keyId === keyId);
  return ours.find(({ attached }) => attached) ?? ours[0];
}

function secretSteps({ names, updateSecret }: Desired, { secret }: Found): Step[] {
  if (secret === undefined) return [{ kind: 'create-secret' }];
  if (!secret.made && (secret.deletionScheduled || updateSecret)) {
    const call = secret.deletionScheduled ? 'restore-secret' : 'put-secret-value --secret-string file://FILE';
    throw new Refusal(
      'conflict',
      `The secret ${names.secret} exists${secret.deletionScheduled ? ', is about to be deleted,' : ''} and was not made by provision: it is left alone. Do it by hand (aws secretsmanager ${call} --secret-id ${names.secret}), or give another name with --secret-name.`,
    );
  }
  const steps: Step[] = secret.deletionScheduled ? [{ kind: 'restore-secret' }] : [];
  return updateSecret ? [...steps, { kind: 'update-secret' }] : steps;
}

function artifactSteps({ names, place, components }: Desired, { bucket, objects }: Found): Step[] {
  const steps: Step[] = [];
  const secured = sameDocument(bucket?.policy, bucketPolicy(names, place));
  if (bucket === undefined) steps.push({ kind: 'create-bucket' }, { kind: 'mark-bucket' });
  else if (!bucket.made && bucket.adoptable) steps.push({ kind: 'mark-bucket' });
  if (bucket === undefined || bucket.made || bucket.adoptable) {
    if (bucket?.publicBlocked !== true) steps.push({ kind: 'block-public-access' });
    if (!secured) steps.push({ kind: 'put-bucket-policy' });
  } else if (!bucket.publicBlocked) {
    throw new Refusal(
      'conflict',
      `The bucket ${names.bucket} was not made by provision and does not block public access. Block it, or give another one with --bucket.`,
    );
  }
  for (const artifact of components.flatMap(({ artifacts }) => artifacts)) {
    if (objects[artifact.key] !== artifact.sha256) steps.push({ kind: 'upload', artifact });
  }
  return steps;
}

function componentSteps(component: PackagedComponent, { componentVersions }: Found): Step[] {
  const { name, version } = component;
  const found = componentVersions.find((one) => one.name === name && one.version === version);
  if (found === undefined) return [{ kind: 'create-component', component }];
  if (found.content !== component.content) {
    throw new Refusal(
      'conflict',
      `${name} ${version} exists and was made of something else, and a component version cannot be changed. Raise the version in package.json and run npm run package, or remove it: npm run provision -- teardown.`,
    );
  }
  const { arn } = found;
  switch (found.state) {
    case 'DEPLOYABLE':
      return [];
    case 'REQUESTED':
    case 'INITIATED':
      return [{ kind: 'await-component', arn, name, version }];
    default:
      return [
        { kind: 'delete-component', arn, name, version },
        { kind: 'create-component', component },
      ];
  }
}

function deploymentSteps(desired: Desired, { deployments, secret }: Found): Step[] {
  const { names } = desired;
  const latest = deployments.find((one) => one.latest && ['ACTIVE', 'COMPLETED'].includes(one.status));
  const settings = settingsFor(desired, latest);
  const versions = versionsOf(desired);
  const same =
    latest !== undefined &&
    secret !== undefined &&
    isDeepStrictEqual(
      parsedMerges(latest.components),
      parsedMerges(deployedComponents(versions, settings, { secretArn: secret.arn, roleAlias: names.roleAlias })),
    ) &&
    isDeepStrictEqual(latest.policies, deploymentPolicies);
  if (same) return [];
  if (latest !== undefined && !latest.made) {
    throw new Refusal(
      'conflict',
      `The thing group ${names.thingGroup} has a deployment (${latest.id}) that provision did not make and would replace. Give another group with --group.`,
    );
  }
  return [{ kind: 'deploy', settings, versions }];
}

function versionsOf({ components }: Desired): Record<OwnComponent, string> {
  const of = (name: string) => components.find((one) => one.name === name)?.version ?? '';
  return { [monitorComponent]: of(monitorComponent), [handlerComponent]: of(handlerComponent) };
}

const toldSettings = z.object({
  tempLimit: z.coerce.number().optional(),
  humidLimit: z.coerce.number().optional(),
  snowUrl: z.string().optional(),
});

/** What is given now, else what is deployed, else the limits of the post. */
function settingsFor({ settings }: Desired, latest: FoundDeployment | undefined): Settings {
  const parsed = toldSettings.safeParse({
    ...mergeOf(latest?.components[monitorComponent]),
    ...mergeOf(latest?.components[handlerComponent]),
  });
  const told = parsed.success ? parsed.data : {};
  const snowUrl = settings.snowUrl ?? told.snowUrl;
  if (snowUrl === undefined) {
    throw new Refusal(
      'incomplete',
      'Nothing is deployed yet that would say which ServiceNow to use. Give --snow-url https://devXXXXX.service-now.com/api/now/table/incident.',
    );
  }
  return {
    tempLimit: settings.tempLimit ?? told.tempLimit ?? defaultLimits.tempLimit,
    humidLimit: settings.humidLimit ?? told.humidLimit ?? defaultLimits.humidLimit,
    snowUrl,
  };
}

function mergeOf(component: ComponentDeployment | undefined): object {
  const merge: unknown = parsedMerge(component?.configurationUpdate?.merge);
  return typeof merge === 'object' && merge !== null ? merge : {};
}

function parsedMerges(components: Record<string, ComponentDeployment>): unknown {
  return Object.fromEntries(
    Object.entries(components).map(([name, { componentVersion, configurationUpdate }]) => [
      name,
      { componentVersion, merge: parsedMerge(configurationUpdate?.merge) },
    ]),
  );
}

function parsedMerge(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Last, once the new certificate is attached; the device must have installed it by now. */
function retirementSteps({ retireOldKeys, keyId }: Desired, { thing, certificates }: Found): Step[] {
  const old = thing?.keyIds.filter((one) => one !== keyId) ?? [];
  if (!retireOldKeys || old.length === 0) return [];
  return [...revocations(certificates, old), { kind: 'note-keys', keyIds: [keyId] }];
}

export function revocations(certificates: Found['certificates'], keyIds: readonly string[]): Step[] {
  return certificates
    .filter((one) => keyIds.includes(one.keyId))
    .map(({ arn, attached, hasPolicy, active }) => ({
      kind: 'revoke-certificate',
      certificate: arn,
      attached,
      hasPolicy,
      active,
    }));
}
