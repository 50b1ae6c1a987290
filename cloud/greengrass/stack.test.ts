import { beforeAll, describe, expect, test } from 'vitest';
import { describeRoom, type SynthesisedRoom, synthesiseRoom } from '../testing/describe-room.ts';
import { rights } from './rights.ts';
import { wildcards } from './wildcards.ts';

const room = 'greengrass';
describeRoom(room, { rights, wildcards });

describe(room, () => {
  const built = new Map<'local' | 'prod', SynthesisedRoom>();

  beforeAll(async () => {
    for (const stage of ['local', 'prod'] as const) built.set(stage, await synthesiseRoom(room, stage));
  }, 120_000);

  const resources = (stage: 'local' | 'prod') => [...(built.get(stage)?.stacks.values() ?? [])].flat();
  function resource(path: string, stage: 'local' | 'prod' = 'prod') {
    const found = resources(stage).find((one) => one.path === path);
    if (found === undefined) throw new Error(`no resource is ${path}`);
    return found;
  }

  test('synth: components and deployment are made only once a ServiceNow is named', () => {
    const conditions = resources('prod').flatMap(({ path, Condition }) => (Condition === undefined ? [] : [path]));
    expect(conditions).toEqual(['Components/SensorMonitor', 'Components/AnomalyHandler', 'Components/Deployment']);
  });

  test('synth: what the local account lacks has its place there too', () => {
    const lacking = resources('local').filter(({ Condition }) => Condition === 'ExistsInThisAccount');
    expect(lacking.map(({ path }) => path).toSorted()).toEqual([
      ...['Components/AnomalyHandler', 'Components/Deployment', 'Components/SensorMonitor', 'RoleAlias'],
    ]);
  });

  test('synth: the secret is made without a value', () => {
    const [secret, ...others] = resources('prod').filter(({ Type }) => Type === 'AWS::SecretsManager::Secret');
    expect(others).toEqual([]);
    expect(Object.keys(secret?.Properties ?? {}).toSorted()).toEqual(['Description', 'Name', 'Tags']);
  });

  test('synth: in stage prod the component versions of before stay', () => {
    for (const path of ['Components/SensorMonitor', 'Components/AnomalyHandler']) {
      expect(resource(path)).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
    }
  });

  test('synth: no device is made without the hook, which only this template of this account calls', () => {
    expect(resource('Fleet/Template').Properties).toMatchObject({
      Enabled: true,
      PreProvisioningHook: { PayloadVersion: '2020-04-01', TargetArn: { 'Fn::GetAtt': expect.anything() } },
    });
    expect(resource('Fleet/HookPermission').Properties).toMatchObject({
      Principal: 'iot.amazonaws.com',
      SourceAccount: { Ref: 'AWS::AccountId' },
      SourceArn: { 'Fn::Join': ['', expect.arrayContaining([':provisioningtemplate/IoT-blog-fleet'])] },
    });
  });

  test('synth: on AWS a claim certificate gets no key from AWS', () => {
    const policy = JSON.stringify(resource('Fleet/ClaimPolicy').Properties);
    expect(policy).toContain('$aws/certificates/create-from-csr/json');
    expect(policy).not.toContain('$aws/certificates/create/json');
  });

  test('synth: deployments that failed or were rejected are told by Greengrass itself', () => {
    expect(resource('DeploymentFailed').Properties).toMatchObject({
      EventPattern: {
        source: ['aws.greengrass'],
        'detail-type': ['Greengrass V2 Effective Deployment Status Change'],
        detail: { coreDeviceExecutionStatus: ['FAILED', 'REJECTED'] },
      },
    });
  });
});
