import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bucketPolicy,
  credentialSeconds,
  deployedComponents,
  deploymentPolicies,
  handlerComponent,
  iotPolicy,
  monitorComponent,
  rolePermissions,
  roleTrust,
} from '../../cloud/greengrass/definition.ts';
import { arnsOf, defaultNames } from '../../cloud/greengrass/names.ts';
import { plan } from './plan.ts';
import { planTeardown } from './plan-teardown.ts';
import type { Desired, Found, FoundCertificate, PackagedComponent } from './state.ts';
import { type Step, titleOf } from './step.ts';

const place = { account: '123456789012', region: 'eu-west-1' };
const names = { ...defaultNames, bucket: 'artifacts' };
const arns = arnsOf(names, place);
const secretArn = `${arns.partialSecret}-AbCdEf`;
const snowUrl = 'https://dev1.service-now.com/api/now/table/incident';

const packaged = (name: PackagedComponent['name'], version = '1.0.0'): PackagedComponent => ({
  name,
  version,
  recipe: '{}',
  artifacts: [{ file: `${name}.zip`, key: `${name}/${version}/x.zip`, sha256: `digest of ${name} ${version}` }],
  content: `content of ${name} ${version}`,
});

const desired: Desired = {
  names,
  place,
  csr: 'csr',
  keyId: 'key1',
  settings: { snowUrl },
  components: [packaged(monitorComponent), packaged(handlerComponent)],
  updateSecret: false,
  retireOldKeys: false,
};

const nothing: Found = { certificates: [], objects: {}, componentVersions: [], deployments: [], coreDevice: false };

/** What AWS does on a step, as far as it can be seen afterwards. */
function carriedOut(found: Found, step: Step, keyId: string): Found {
  const change = (changed: Partial<Found>): Found => ({ ...found, ...changed });
  const certificate = (changed: Partial<FoundCertificate>) =>
    change({ certificates: found.certificates.map((one) => (one.keyId === keyId ? { ...one, ...changed } : one)) });
  const without = (...keys: (keyof Found)[]): Found => {
    const left = { ...found };
    for (const key of keys) delete left[key];
    return left;
  };
  const made = true;
  const thing = found.thing ?? { made, keyIds: [], inGroup: false };
  const role = found.role ?? { made, trust: undefined };
  const bucket = found.bucket ?? { made: false, adoptable: true, publicBlocked: false };
  const secret = found.secret ?? { made, arn: secretArn, deletionScheduled: false };
  switch (step.kind) {
    case 'create-thing-group':
      return change({ thingGroup: { made, otherThings: [] } });
    case 'create-thing':
    case 'note-keys':
      return change({ thing: { ...thing, keyIds: step.keyIds } });
    case 'add-to-group':
      return change({ thing: { ...thing, inGroup: true } });
    case 'create-policy':
    case 'update-policy':
      return change({ policy: { made, document: iotPolicy(names, place), oldVersions: [] } });
    case 'create-role':
    case 'update-role-trust':
      return change({ role: { ...role, trust: roleTrust(place) } });
    case 'put-role-permissions':
      return change({ role: { ...role, permissions: rolePermissions(names, place) } });
    case 'create-role-alias':
    case 'update-role-alias':
      return change({ roleAlias: { made, roleArn: arns.role, seconds: credentialSeconds } });
    case 'create-certificate': {
      const state = { active: false, revoked: false, attached: false, hasPolicy: false };
      return change({ certificates: [...found.certificates, { arn: `cert/${keyId}`, pem: '', keyId, ...state }] });
    }
    case 'attach-policy':
      return certificate({ hasPolicy: true });
    case 'attach-certificate':
      return certificate({ attached: true });
    case 'activate-certificate':
      return certificate({ active: true });
    case 'create-secret':
    case 'update-secret':
    case 'restore-secret':
      return change({ secret: { ...secret, deletionScheduled: false } });
    case 'create-bucket':
      return change({ bucket });
    case 'mark-bucket':
      return change({ bucket: { ...bucket, made, adoptable: false } });
    case 'block-public-access':
      return change({ bucket: { ...bucket, publicBlocked: true } });
    case 'put-bucket-policy':
      return change({ bucket: { ...bucket, policy: bucketPolicy(names, place) } });
    case 'upload':
      return change({ objects: { ...found.objects, [step.artifact.key]: step.artifact.sha256 } });
    case 'create-component': {
      const { name, version, content } = step.component;
      const arn = arns.componentVersion(name, version);
      const one = { name, version, content, made, arn, state: 'INITIATED', message: '' };
      return change({ componentVersions: [...found.componentVersions, one] });
    }
    case 'await-component':
      return change({
        componentVersions: found.componentVersions.map((one) =>
          one.arn === step.arn ? { ...one, state: 'DEPLOYABLE' } : one,
        ),
      });
    case 'deploy': {
      const cloud = { secretArn: found.secret?.arn ?? '', roleAlias: names.roleAlias };
      const components = deployedComponents(step.versions, step.settings, cloud);
      const earlier = found.deployments.map((one) => ({ ...one, latest: false, status: 'INACTIVE' }));
      const id = `deployment${earlier.length + 1}`;
      const one = { id, made, status: 'ACTIVE', latest: true, components, policies: deploymentPolicies };
      return change({ deployments: [...earlier, one] });
    }
    case 'remove-deployment':
      return change({ deployments: found.deployments.filter(({ id }) => id !== step.id) });
    case 'delete-core-device':
      return change({ coreDevice: false });
    case 'delete-component':
      return change({ componentVersions: found.componentVersions.filter(({ arn }) => arn !== step.arn) });
    case 'delete-objects':
      return change({ objects: {} });
    case 'delete-bucket':
      return without('bucket');
    case 'delete-secret':
      return step.force ? without('secret') : change({ secret: { ...secret, deletionScheduled: true } });
    case 'delete-role-alias':
      return without('roleAlias');
    case 'delete-role':
      return without('role');
    case 'revoke-certificate':
      return change({ certificates: found.certificates.filter(({ arn }) => arn !== step.certificate) });
    case 'remove-from-group':
      return change({ thing: { ...thing, inGroup: false } });
    case 'delete-thing':
      return without('thing');
    case 'delete-policy':
      return without('policy');
    case 'delete-thing-group':
      return without('thingGroup');
  }
}

function stepsOf(wanted: Desired, found: Found): Step[] {
  const planned = plan(wanted, found);
  if (!planned.ok) throw new Error(planned.message);
  return planned.steps;
}

const apply = (found: Found, steps: Step[], wanted = desired) =>
  steps.reduce((state, step) => carriedOut(state, step, wanted.keyId), found);

/** Runs of so many steps each, until there are none left. */
function inRuns(lengths: readonly number[], wanted: Desired, from: Found): Found {
  let found = from;
  for (const length of lengths) found = apply(found, stepsOf(wanted, found).slice(0, length), wanted);
  // A component is deployable some time after it was made: a second look.
  for (let run = 0; run < 2; run += 1) found = apply(found, stepsOf(wanted, found), wanted);
  return found;
}

const complete = inRuns([], desired, nothing);

const kindsOf = (wanted: Desired, found: Found) => stepsOf(wanted, found).map(({ kind }) => kind);

describe('plan', () => {
  test('from nothing makes everything, and then has nothing to do', () => {
    expect(stepsOf(desired, nothing).map((step) => titleOf(step, names))).toMatchSnapshot();
    expect(stepsOf(desired, complete)).toEqual([]);
  });

  test('comes to the same end however often it is interrupted', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(12), { maxLength: 12 }), (lengths) => {
        expect(inRuns(lengths, desired, nothing)).toEqual(complete);
      }),
    );
  });

  test.each([
    ['a limit', { settings: { tempLimit: 27 } }, ['deploy']],
    ['nothing that is given', { settings: {} }, []],
    ['the value of the secret', { updateSecret: true }, ['update-secret']],
  ])('changes only what changes: %s', (_what, changed, kinds) => {
    expect(kindsOf({ ...desired, ...changed }, complete)).toEqual(kinds);
  });

  test('keeps deployed settings that are not given anew', () => {
    const warmer = apply(complete, stepsOf({ ...desired, settings: { tempLimit: 27.5 } }, complete));
    const [step] = stepsOf({ ...desired, settings: { humidLimit: 60 } }, warmer);
    expect(step).toMatchObject({ kind: 'deploy', settings: { tempLimit: 27.5, humidLimit: 60, snowUrl } });
  });

  test('with a new release uploads, makes its versions and deploys them', () => {
    const components = [packaged(monitorComponent, '1.1.0'), packaged(handlerComponent, '1.1.0')];
    const kinds = ['upload', 'upload', 'create-component', 'create-component', 'deploy'];
    expect(kindsOf({ ...desired, components }, complete)).toEqual(kinds);
  });

  test('with a new key makes a second certificate, and retires the first when told', () => {
    const renewed = { ...desired, keyId: 'key2' };
    const both = inRuns([], renewed, complete);
    expect(both.certificates.map(({ keyId }) => keyId)).toEqual(['key1', 'key2']);
    const after = inRuns([], { ...renewed, retireOldKeys: true }, both);
    expect(after.certificates.map(({ keyId }) => keyId)).toEqual(['key2']);
    expect(after.thing?.keyIds).toEqual(['key2']);
  });

  test('gives a thing of somebody else group, certificate and the list of its keys, and takes from it no more', () => {
    const thing = { made: false, keyIds: [], inGroup: false };
    const planned = plan(desired, { ...nothing, thing });
    const kinds = planned.ok ? planned.steps.map(({ kind }) => kind) : [];
    expect(kinds.filter((kind) => kind.includes('thing'))).toEqual(['create-thing-group']);
    expect(kinds.indexOf('note-keys')).toBeLessThan(kinds.indexOf('create-certificate'));
    const given = { ...complete, thing: { made: false, keyIds: ['key1'], inGroup: true } };
    const removed = planTeardown(given, { force: false, ownBucketName: false }).steps;
    expect(removed.map(({ kind }) => kind)).not.toContain('delete-thing');
    expect(removed).toContainEqual({ kind: 'note-keys', keyIds: [] });
  });

  test('gives a secret of somebody else no new value, but uses it', () => {
    const found = { ...complete, secret: { made: false, arn: secretArn, deletionScheduled: false } };
    expect(kindsOf(desired, found)).toEqual([]);
    expect(plan({ ...desired, updateSecret: true }, found)).toMatchObject({
      ok: false,
      reason: 'conflict',
      message: expect.stringMatching(/greengrass-snow-creds.*put-secret-value.*--secret-name/),
    });
  });

  test('restores a secret whose deletion is scheduled', () => {
    const found = { ...complete, secret: { made: true, arn: secretArn, deletionScheduled: true } };
    expect(kindsOf(desired, found)).toEqual(['restore-secret']);
  });

  test('replaces a component version that Greengrass could not use', () => {
    const componentVersions = complete.componentVersions.map((one) => ({ ...one, state: 'FAILED' }));
    expect(kindsOf(desired, { ...complete, componentVersions })).toEqual([
      ...['delete-component', 'create-component', 'delete-component', 'create-component'],
    ]);
  });

  const foreign: [string, Partial<Found>, RegExp][] = [
    ['an IoT policy', { policy: { made: false, document: {}, oldVersions: [] } }, /IoT policy myGGPolicy.*--policy/],
    ['a role', { role: { made: false, trust: {} } }, /role IoTGGRole.*--role/],
    ['a role alias', { roleAlias: { made: false, roleArn: 'x', seconds: 900 } }, /IoTGGRoleAlias.*--role-alias/],
    [
      'a secret that is about to be deleted',
      { secret: { made: false, arn: secretArn, deletionScheduled: true } },
      /greengrass-snow-creds.*restore-secret.*--secret-name/,
    ],
    ['an open bucket', { bucket: { made: false, adoptable: false, publicBlocked: false } }, /artifacts.*--bucket/],
    [
      'a deployment',
      { deployments: complete.deployments.map((one) => ({ ...one, made: false, policies: {} })) },
      /--group/,
    ],
    [
      'a component version of other content',
      { componentVersions: complete.componentVersions.map((one) => ({ ...one, content: 'other' })) },
      /Raise the version/,
    ],
  ];
  test.each(foreign)('refuses to change what others made: %s', (_what, found, sentence) => {
    const planned = plan(desired, { ...complete, ...found });
    expect(planned).toMatchObject({ ok: false, reason: 'conflict', message: expect.stringMatching(sentence) });
  });

  test('asks for the instance where nothing is deployed', () => {
    expect(plan({ ...desired, settings: {} }, nothing)).toMatchObject({ ok: false, reason: 'incomplete' });
  });

  test('does not activate a certificate that a person revoked', () => {
    const certificates = complete.certificates.map((one) => ({ ...one, active: false, revoked: true }));
    expect(plan(desired, { ...complete, certificates })).toMatchObject({ ok: false, reason: 'conflict' });
  });
});

describe('plan of the teardown', () => {
  const down = (found: Found, force = true) => planTeardown(found, { force, ownBucketName: true });

  test('leaves nothing, and then has nothing to do', () => {
    const left = apply({ ...complete, coreDevice: true }, down({ ...complete, coreDevice: true }).steps);
    expect(left).toEqual(nothing);
    expect(down(left).steps).toEqual([]);
  });

  test('comes to the same end from wherever create was interrupted, itself interrupted anywhere', () => {
    const most = stepsOf(desired, nothing).length;
    fc.assert(
      fc.property(fc.nat(most), fc.array(fc.nat(8), { maxLength: 8 }), (made, lengths) => {
        let found = apply(nothing, stepsOf(desired, nothing).slice(0, made));
        for (const length of lengths) found = apply(found, down(found).steps.slice(0, length));
        found = apply(found, down(found).steps);
        expect(found).toEqual(nothing);
      }),
    );
  });

  test('without force schedules the deletion of the secret, once', () => {
    const left = apply(complete, down(complete, false).steps);
    expect(left.secret).toMatchObject({ deletionScheduled: true });
    expect(down(left, false).steps).toEqual([]);
  });

  test('leaves what others made, and says so', () => {
    const found: Found = {
      ...complete,
      secret: { made: false, arn: secretArn, deletionScheduled: false },
      role: { made: false, trust: roleTrust(place), permissions: rolePermissions(names, place) },
    };
    const { steps, kept } = down(found);
    expect(steps.map(({ kind }) => kind)).not.toEqual(expect.arrayContaining(['delete-secret']));
    expect(steps.map(({ kind }) => kind)).not.toEqual(expect.arrayContaining(['delete-role']));
    expect(kept.map(({ what }) => what)).toEqual(['role', 'secret']);
  });

  test('takes only the device away while another thing is in the group', () => {
    const { steps, kept } = down({ ...complete, thingGroup: { made: true, otherThings: ['Pi-2'] } });
    expect(steps.map(({ kind }) => kind)).toEqual(['revoke-certificate', 'remove-from-group', 'delete-thing']);
    expect(kept).toEqual([{ what: expect.stringContaining('secret'), why: expect.stringContaining('Pi-2') }]);
  });
});
