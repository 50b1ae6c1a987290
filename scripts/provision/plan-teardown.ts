import { revocations } from './plan.ts';
import type { Found } from './state.ts';
import type { Step } from './step.ts';

/** What is not removed, and why, for people. */
export interface Kept {
  what: string;
  why: string;
}

export interface TeardownWishes {
  /** Delete the secret at once. */
  force: boolean;
  /** The bucket's name is the default one, with account and region in it: bare and empty it is ours, left by a run that was
   * interrupted before it could mark it. */
  ownBucketName: boolean;
}

/**
 * Removes exactly what `create` made, in the order in which it lets go of each other. What several things share stays
 * while another thing is in the group. Pure, and empty where nothing is left.
 */
export function planTeardown(found: Found, { force, ownBucketName }: TeardownWishes): { steps: Step[]; kept: Kept[] } {
  const { thing, thingGroup, certificates } = found;
  const shared = (thingGroup?.otherThings.length ?? 0) > 0;
  const steps: Step[] = [];
  if (!shared) steps.push(...deploymentRemoval(found));
  if (thing?.made === true && found.coreDevice) steps.push({ kind: 'delete-core-device' });
  if (!shared) steps.push(...sharedRemoval(found, { force, ownBucketName }));
  steps.push(...revocations(certificates, thing?.keyIds ?? []));
  if (thing?.inGroup === true && (thing.made || thingGroup?.made === true)) steps.push({ kind: 'remove-from-group' });
  if (thing?.made === true) steps.push({ kind: 'delete-thing' });
  else if (thing !== undefined && thing.keyIds.length > 0) steps.push({ kind: 'note-keys', keyIds: [] });
  if (!shared) {
    if (found.policy?.made === true) steps.push({ kind: 'delete-policy', oldVersions: found.policy.oldVersions });
    if (thingGroup?.made === true) steps.push({ kind: 'delete-thing-group' });
  }
  return { steps, kept: shared ? sharedKept(found) : foreignKept(found) };
}

function deploymentRemoval({ deployments }: Found): Step[] {
  return deployments
    .filter(({ made }) => made)
    .map(({ id, status }) => ({ kind: 'remove-deployment', id, active: status === 'ACTIVE' }));
}

function sharedRemoval(found: Found, { force, ownBucketName }: TeardownWishes): Step[] {
  const { componentVersions, bucket, objects, secret, roleAlias, role } = found;
  const steps: Step[] = componentVersions
    .filter(({ made }) => made)
    .map(({ arn, name, version }) => ({ kind: 'delete-component', arn, name, version }));
  const keys = Object.keys(objects);
  if (keys.length > 0) steps.push({ kind: 'delete-objects', keys });
  if (bucket?.made === true || (bucket?.adoptable === true && ownBucketName)) steps.push({ kind: 'delete-bucket' });
  if (secret?.made === true && (force || !secret.deletionScheduled)) {
    steps.push({ kind: 'delete-secret', force, scheduled: secret.deletionScheduled });
  }
  if (roleAlias?.made === true) steps.push({ kind: 'delete-role-alias' });
  if (role?.made === true) steps.push({ kind: 'delete-role', permissions: role.permissions !== undefined });
  return steps;
}

function sharedKept({ thingGroup }: Found): Kept[] {
  const others = thingGroup?.otherThings ?? [];
  const why = `${others.length} other ${others.length === 1 ? 'thing is' : 'things are'} in the group (${others.slice(0, 3).join(', ')}${others.length > 3 ? ', …' : ''})`;
  return [{ what: 'group, policy, role, role alias, secret, artifacts, components and deployment', why }];
}

function foreignKept(found: Found): Kept[] {
  const why = 'it was not made by provision';
  const things = { thing: found.thing, 'thing group': found.thingGroup, 'IoT policy': found.policy, role: found.role };
  const rest = { 'role alias': found.roleAlias, secret: found.secret, bucket: found.bucket };
  return Object.entries({ ...things, ...rest })
    .filter(([, item]) => item?.made === false)
    .map(([what]) => ({ what, why }));
}
