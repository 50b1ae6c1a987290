import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  IAMClient,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defaultNames, type PolicyDocument } from '../../cloud/greengrass/names.ts';
import { workstationPolicy } from '../../cloud/greengrass/workstation-policy.ts';
import { account, client } from '../../cloud/testing/clients.ts';
import { mqttEndpoint } from '../../cloud/testing/device.ts';
import { assumeRole } from '../../cloud/testing/roles.ts';
import { readBundle } from './bundle.ts';
import { snowUrl, writePackages } from './test-installation.ts';
import { startTestServices, type TestServices } from './test-services.ts';

const role = 'provision-cli-test';
const names = { ...defaultNames, thing: 'Pi-cli', thingGroup: 'group-cli', policy: 'policy-cli', role: 'role-cli' };
const rest = { roleAlias: 'alias-cli', secret: 'secret-cli', bucket: 'bucket-cli' };
const place = { account: account.id, region: account.region };
const nameOptions = [
  ...['--thing', names.thing, '--group', names.thingGroup, '--policy', names.policy, '--role', names.role],
  ...['--role-alias', rest.roleAlias, '--secret-name', rest.secret, '--bucket', rest.bucket, '--region', place.region],
];
const documented = workstationPolicy({ ...names, ...rest }, place);

let folder: string;
let services: TestServices;
const iam = client(IAMClient);

beforeAll(async () => {
  folder = mkdtempSync(join(account.folder, 'provision-cli-'));
  writePackages(join(folder, 'dist'));
  writeFileSync(join(folder, 'root.pem'), (await mqttEndpoint()).authority ?? '');
  writeFileSync(join(folder, 'secret.json'), JSON.stringify({ username: 'greengrass', password: 'sesame' }), {
    mode: 0o600,
  });
  const trust = { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${account.id}:root` }, Action: 'sts:AssumeRole' };
  const AssumeRolePolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [trust] });
  await iam.send(new CreateRoleCommand({ RoleName: role, AssumeRolePolicyDocument }));
  services = await startTestServices({ ...place, policy: documented, forwardTo: account.endpoint ?? '' });
});
afterAll(async () => {
  await services.stop();
  await iam.send(new DeleteRolePolicyCommand({ RoleName: role, PolicyName: 'documented' }));
  await iam.send(new DeleteRoleCommand({ RoleName: role }));
  rmSync(folder, { recursive: true, force: true });
});

interface Outcome {
  code: number | null;
  out: string;
}

/** The command as a person runs it, by a role that has these rights. */
async function provision(args: string[], rights: PolicyDocument = documented): Promise<Outcome> {
  const PolicyDocument = JSON.stringify(rights);
  await iam.send(new PutRolePolicyCommand({ RoleName: role, PolicyName: 'documented', PolicyDocument }));
  const keys = await assumeRole(`arn:aws:iam::${account.id}:role/${role}`);
  const main = join(import.meta.dirname, 'main.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', main, ...args], {
    env: {
      ...process.env,
      AWS_ENDPOINT_URL_IOT: services.url,
      AWS_ENDPOINT_URL_GREENGRASSV2: services.url,
      AWS_ACCESS_KEY_ID: keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
      AWS_SESSION_TOKEN: keys.sessionToken ?? '',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 120_000,
  });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (out += text));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out })));
}

const createArgs = () => [
  ...['create', '--csr', join(folder, 'certs', 'iot-ge.csr.pem'), ...nameOptions],
  ...[
    '--dist',
    join(folder, 'dist'),
    '--bundle',
    join(folder, 'pi.bundle.tar.gz'),
    '--root-ca',
    join(folder, 'root.pem'),
  ],
];
const firstArgs = () => [
  ...createArgs(),
  ...['--secret-file', join(folder, 'secret.json'), '--snow-url', snowUrl, '--temp-limit', '27.5'],
];

describe('provision from the command line', { timeout: 360_000 }, () => {
  test('effect: keygen, create and install make a Pi ready, and no key is in the bundle', async () => {
    expect(await provision(['keygen', '--out', join(folder, 'certs'), '--thing', names.thing])).toMatchObject({
      code: 0,
    });
    const dry = await provision([...firstArgs(), '--dry-run']);
    expect(dry).toMatchObject({ code: 0, out: expect.stringMatching(/1\. create the thing group group-cli/) });
    expect(services.left()).toEqual([]);
    const made = await provision(firstArgs());
    expect(made).toMatchObject({
      code: 0,
      out: expect.stringMatching(/deploy to group-cli: tempLimit 27.5, humidLimit 50/),
    });
    expect(`${dry.out}${made.out}`).not.toContain('sesame');
    const { facts, certificate, rootCa } = await readBundle(join(folder, 'pi.bundle.tar.gz'));
    expect(facts).toMatchObject({ thing: names.thing, region: place.region, roleAlias: rest.roleAlias });
    expect(`${certificate}${rootCa}`).not.toContain('PRIVATE');
    const placed = await provision([
      ...['install', join(folder, 'pi.bundle.tar.gz'), '--keys', join(folder, 'certs'), '--target', join(folder, 'v2')],
    ]);
    expect(placed).toMatchObject({ code: 0, out: expect.stringMatching(/--init-config .*config\.yaml/) });
    expect(readFileSync(join(folder, 'v2', 'config.yaml'), 'utf8')).toContain(`thingName: ${names.thing}`);
  });

  test('effect: create again, without a secret or settings, has nothing to do', async () => {
    expect(await provision(createArgs())).toMatchObject({ code: 0, out: expect.stringMatching(/^Nothing to do/) });
  });

  test('effect: create --wait reports what the device says', async () => {
    services.report({
      thing: names.thing,
      status: 'SUCCEEDED',
      components: [
        { componentName: 'com.iotblog.SensorMonitor', componentVersion: '0.1.0', lifecycleState: 'RUNNING' },
      ],
    });
    const waited = await provision([...createArgs(), '--wait']);
    expect(waited).toMatchObject({ code: 0, out: expect.stringMatching(/deployment has succeeded/) });
    expect(waited.out).toMatch(/com\.iotblog\.SensorMonitor +0\.1\.0 +RUNNING/);
  });

  test('effect: teardown leaves nothing, says so the second time, and create restores the secret', async () => {
    expect(await provision(['teardown', ...nameOptions])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/deleted in 30 days/),
    });
    expect(services.left()).toEqual([]);
    expect(await provision(['teardown', ...nameOptions])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^Nothing to/),
    });
    expect(await provision([...createArgs(), '--snow-url', snowUrl])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/restore the secret secret-cli/),
    });
    expect(await provision(['teardown', '--force', ...nameOptions])).toMatchObject({ code: 0 });
    expect(services.left()).toEqual([]);
  });

  test('rights: a missing one is named with the step that wanted it, and what to do', async () => {
    const without = documented.Statement.map((statement) => ({
      ...statement,
      Action: [statement.Action].flat().filter((action) => action !== 'iot:CreateThing'),
    }));
    const refused = await provision(firstArgs(), { ...documented, Statement: without });
    expect(refused.code).toBe(1);
    expect(refused.out).toMatch(/Could not create the thing Pi-cli: these credentials may not do iot:CreateThing/);
    expect(refused.out).toMatch(/npm run provision -- permissions/);
    expect(await provision(['teardown', '--force', ...nameOptions])).toMatchObject({ code: 0 });
  });
});
