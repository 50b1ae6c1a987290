import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  IAMClient,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { DescribeCertificateCommand, paginateListCertificates } from '@aws-sdk/client-iot';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { workstationPolicy } from '../../cloud/greengrass/workstation-policy.ts';
import { account, client } from '../../cloud/testing/clients.ts';
import { assumeRole } from '../../cloud/testing/roles.ts';
import { AppError } from '../../device/platform/errors.ts';
import { orAbsent } from './aws-error.ts';
import { type Clients, createClients, type Stacked } from './clients.ts';
import type { Context } from './context.ts';
import { keyIdOfCertificate } from './key-id.ts';
import { lookUp } from './look-up.ts';
import { perform } from './perform.ts';
import { certificateOf, plan } from './plan.ts';
import { planTeardown } from './plan-teardown.ts';
import type { Desired, Found } from './state.ts';
import type { Step } from './step.ts';
import { desiredFor } from './test-installation.ts';
import { startTestServices, type TestServices } from './test-services.ts';

const workstationRole = 'provision-test';
const secretValue = JSON.stringify({ username: 'greengrass', password: 'not a real one' });
const place = { account: account.id, region: account.region };

let folder: string;
let services: TestServices;
let desired: Desired;

beforeAll(async () => {
  folder = mkdtempSync(join(account.folder, 'provision-'));
  // Other names than the stack's, which may be deployed in the same account.
  desired = await desiredFor(folder, place, {
    thing: 'Pi-provision',
    thingGroup: 'group-provision',
    policy: 'policy-provision',
    role: 'role-provision',
    roleAlias: 'alias-provision',
    secret: 'secret-provision',
    bucket: 'bucket-provision',
  });
  const policy = workstationPolicy(desired.names, place);
  const iam = client(IAMClient);
  const trust = { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${account.id}:root` }, Action: 'sts:AssumeRole' };
  const { Role } = await iam.send(
    new CreateRoleCommand({
      RoleName: workstationRole,
      AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [trust] }),
    }),
  );
  await iam.send(
    new PutRolePolicyCommand({
      RoleName: workstationRole,
      PolicyName: 'documented',
      PolicyDocument: JSON.stringify(policy),
    }),
  );
  const keys = await assumeRole(Role?.Arn ?? '');
  services = await startTestServices({ ...place, policy, forwardTo: account.endpoint ?? '' });
  vi.stubEnv('AWS_ENDPOINT_URL_IOT', services.url);
  vi.stubEnv('AWS_ENDPOINT_URL_GREENGRASSV2', services.url);
  vi.stubEnv('AWS_ACCESS_KEY_ID', keys.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', keys.secretAccessKey);
  vi.stubEnv('AWS_SESSION_TOKEN', keys.sessionToken ?? '');
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await services?.stop();
  const iam = client(IAMClient);
  await iam.send(new DeleteRolePolicyCommand({ RoleName: workstationRole, PolicyName: 'documented' }));
  await iam.send(new DeleteRoleCommand({ RoleName: workstationRole }));
  rmSync(folder, { recursive: true, force: true });
});

/** Calls that only look. */
const looks = /^(Get|List|Describe|Head)/;

/** Clients whose process is killed after so many changes: the last one is made, and its answer lost. */
function dyingClients(changes: number): Clients {
  const clients = createClients(place.region, process.env);
  let left = changes;
  const all: Stacked[] = [clients.iot, clients.greengrass, clients.iam, clients.secrets, clients.s3];
  for (const { middlewareStack } of all) {
    middlewareStack.add(
      (next, { commandName = '' }) =>
        async (args) => {
          const answer = await next(args);
          if (looks.test(commandName)) return answer;
          left -= 1;
          if (left === 0) throw new AppError('killed', `killed after ${commandName}`);
          return answer;
        },
      { step: 'initialize', name: 'dies', priority: 'high' },
    );
  }
  return clients;
}

type Planner = (found: Found) => Step[];

const toCreate: Planner = (found) => {
  const planned = plan(desired, found);
  if (!planned.ok) throw new Error(planned.message);
  return planned.steps;
};
const toTearDown =
  (force: boolean): Planner =>
  (found) =>
    planTeardown(found, { force, ownBucketName: true }).steps;

/** One run; how many steps it had, or that it was killed. */
async function run(planner: Planner, changes = Number.POSITIVE_INFINITY): Promise<number | 'killed'> {
  const clients = dyingClients(changes);
  try {
    const found = await lookUp(clients, desired.names, place, desired.keyId);
    const certificate = certificateOf(desired.keyId, found)?.arn;
    const context: Context = {
      clients,
      names: desired.names,
      place,
      known: {
        ...(certificate === undefined ? {} : { certificate }),
        ...(found.secret === undefined ? {} : { secret: found.secret.arn }),
      },
      secretValue: async () => secretValue,
      pause: async () => {},
    };
    const steps = planner(found);
    for (const step of steps) await perform(step, context);
    return steps.length;
  } catch (error) {
    if (error instanceof AppError && error.reason === 'killed') return 'killed';
    throw error;
  } finally {
    clients.close();
  }
}

/** Killed after every single change until nothing is left to do; how often. */
async function runToTheEnd(planner: Planner): Promise<number> {
  for (let runs = 0; runs < 200; runs += 1) {
    if ((await run(planner, 1)) === 0) return runs;
  }
  throw new Error('It does not come to an end.');
}

async function look(): Promise<Found> {
  const clients = createClients(place.region, process.env);
  try {
    return await lookUp(clients, desired.names, place, desired.keyId);
  } finally {
    clients.close();
  }
}

/** All certificates of the account for the device's key, attached or not. */
async function certificatesOfKey(): Promise<string[]> {
  const clients = createClients(place.region, process.env);
  const arns: string[] = [];
  for await (const { certificates = [] } of paginateListCertificates({ client: clients.iot }, { pageSize: 100 })) {
    for (const { certificateId } of certificates) {
      const found = await orAbsent(clients.iot.send(new DescribeCertificateCommand({ certificateId })));
      const { certificatePem, certificateArn = '' } = found?.certificateDescription ?? {};
      if (certificatePem !== undefined && keyIdOfCertificate(certificatePem) === desired.keyId)
        arns.push(certificateArn);
    }
  }
  clients.close();
  return arns;
}

const nothing = { certificates: [], objects: {}, componentVersions: [], deployments: [], coreDevice: false };

describe('provision', { timeout: 240_000 }, () => {
  test('effect: create makes all, again it has nothing to do, and teardown leaves nothing, twice', async () => {
    expect(await look()).toEqual(nothing);
    expect(await run(toCreate)).toBeGreaterThan(20);
    expect(await run(toCreate)).toBe(0);
    const found = await look();
    expect(found.certificates).toEqual([
      expect.objectContaining({ keyId: desired.keyId, active: true, attached: true, hasPolicy: true }),
    ]);
    expect(found.deployments).toEqual([expect.objectContaining({ status: 'ACTIVE', latest: true, made: true })]);
    expect(Object.keys(found.objects)).toHaveLength(4);
    await run(toTearDown(true));
    expect(await run(toTearDown(true))).toBe(0);
    expect(await look()).toEqual(nothing);
    expect(services.left()).toEqual([]);
  });

  test('effect: killed after every single change, create and teardown come to the same end', async () => {
    expect(await runToTheEnd(toCreate)).toBeGreaterThan(20);
    const found = await look();
    expect(await certificatesOfKey()).toEqual(found.certificates.map(({ arn }) => arn));
    expect(found.certificates).toHaveLength(1);
    expect(toCreate(found)).toEqual([]);
    await runToTheEnd(toTearDown(true));
    expect(await certificatesOfKey()).toEqual([]);
    expect(await look()).toEqual(nothing);
    expect(services.left()).toEqual([]);
  });

  test('effect: a secret whose deletion is scheduled is restored, as the same one', async () => {
    await run(toCreate);
    const before = (await look()).secret;
    await run(toTearDown(false));
    expect((await look()).secret).toMatchObject({ deletionScheduled: true, arn: before?.arn });
    expect(await run(toTearDown(false))).toBe(0);
    await run(toCreate);
    expect((await look()).secret).toEqual(before);
    await run(toTearDown(false));
    await run(toTearDown(true));
    expect(await look()).toEqual(nothing);
  });
});
