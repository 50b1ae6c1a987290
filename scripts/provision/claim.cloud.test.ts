import { createPublicKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  IAMClient,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import {
  AttachPolicyCommand,
  CreateKeysAndCertificateCommand,
  CreatePolicyCommand,
  CreateProvisioningTemplateCommand,
  DeleteCertificateCommand,
  DeletePolicyCommand,
  DeleteProvisioningTemplateCommand,
  DeleteThingCommand,
  DescribeCertificateCommand,
  DetachPolicyCommand,
  DetachThingPrincipalCommand,
  IoTClient,
  ListThingPrincipalsCommand,
  UpdateCertificateCommand,
} from '@aws-sdk/client-iot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { iotPolicy } from '../../cloud/greengrass/definition.ts';
import { account, client } from '../../cloud/testing/clients.ts';
import { mqttEndpoint } from '../../cloud/testing/device.ts';
import { claim } from './claim-command.ts';
import { files, privateKeyIn } from './identity.ts';
import { keyIdOf, keyIdOfCertificate } from './key-id.ts';

const template = 'claim-test';
const claimPolicy = 'claim-test-claim';
const devicePolicy = 'claim-test-device';
const arn = (rest: string) => `arn:aws:iot:${account.region}:${account.id}:${rest}`;
const made = z.object({
  certificateArn: z.string(),
  certificateId: z.string(),
  certificatePem: z.string(),
  keyPair: z.object({ PrivateKey: z.string() }),
});

let folder: string;
let batch: z.infer<typeof made>;
let endpoint: string;
const iot = client(IoTClient);
const iam = client(IAMClient);
const lines: string[] = [];

/** What a claim certificate may do, and no more: connect, ask, and hear the answers. */
const claimRights = {
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Action: 'iot:Connect', Resource: arn('client/claim-*') },
    {
      Effect: 'Allow',
      Action: ['iot:Publish', 'iot:Receive'],
      Resource: [
        arn('topic/$aws/certificates/create/*'),
        arn(`topic/$aws/provisioning-templates/${template}/provision/*`),
      ],
    },
    {
      Effect: 'Allow',
      Action: 'iot:Subscribe',
      Resource: [
        arn('topicfilter/$aws/certificates/create/*'),
        arn(`topicfilter/$aws/provisioning-templates/${template}/provision/*`),
      ],
    },
  ],
};

const templateBody = {
  Parameters: { SerialNumber: { Type: 'String' }, 'AWS::IoT::Certificate::Id': { Type: 'String' } },
  Resources: {
    certificate: {
      Type: 'AWS::IoT::Certificate',
      Properties: { CertificateId: { Ref: 'AWS::IoT::Certificate::Id' }, Status: 'Active' },
    },
    policy: { Type: 'AWS::IoT::Policy', Properties: { PolicyName: devicePolicy } },
    thing: {
      Type: 'AWS::IoT::Thing',
      Properties: { ThingName: { 'Fn::Join': ['', ['pi-', { Ref: 'SerialNumber' }]] } },
    },
  },
};

beforeAll(async () => {
  folder = mkdtempSync(join(account.folder, 'claim-'));
  const { host, port, authority = '' } = await mqttEndpoint();
  endpoint = `${host}:${port}`;
  writeFileSync(join(folder, 'authority.pem'), authority);
  batch = made.parse(await iot.send(new CreateKeysAndCertificateCommand({ setAsActive: true })));
  writeFileSync(join(folder, 'claim.cert.pem'), batch.certificatePem);
  writeFileSync(join(folder, 'claim.private.key'), batch.keyPair.PrivateKey, { mode: 0o600 });
  await iot.send(new CreatePolicyCommand({ policyName: claimPolicy, policyDocument: JSON.stringify(claimRights) }));
  const place = { account: account.id, region: account.region };
  const policyDocument = JSON.stringify(iotPolicy({ roleAlias: 'x' }, place));
  await iot.send(new CreatePolicyCommand({ policyName: devicePolicy, policyDocument }));
  await iot.send(new AttachPolicyCommand({ policyName: claimPolicy, target: batch.certificateArn }));
  await makeProvisioningRole();
  await iot.send(
    new CreateProvisioningTemplateCommand({
      templateName: template,
      templateBody: JSON.stringify(templateBody),
      provisioningRoleArn: `arn:aws:iam::${account.id}:role/${template}`,
      enabled: true,
      type: 'FLEET_PROVISIONING',
    }),
  );
});

/** What AWS IoT makes things with, in the name of the template. */
async function makeProvisioningRole(): Promise<void> {
  const trust = { Effect: 'Allow', Principal: { Service: 'iot.amazonaws.com' }, Action: 'sts:AssumeRole' };
  const registration = [
    ...['iot:CreateThing', 'iot:DescribeThing', 'iot:UpdateThing', 'iot:AttachThingPrincipal', 'iot:AttachPolicy'],
    ...['iot:DescribeCertificate', 'iot:UpdateCertificate', 'iot:GetPolicy', 'iot:ListThingGroupsForThing'],
    ...['iot:ListPolicyPrincipals', 'iot:ListPrincipalPolicies', 'iot:ListThingPrincipals', 'iot:ListAttachedPolicies'],
  ];
  const rights = { Effect: 'Allow', Action: registration, Resource: '*' };
  const document = (statement: object) => JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
  await iam.send(new CreateRoleCommand({ RoleName: template, AssumeRolePolicyDocument: document(trust) }));
  await iam.send(
    new PutRolePolicyCommand({ RoleName: template, PolicyName: 'registration', PolicyDocument: document(rights) }),
  );
}

async function removeThing(thingName: string): Promise<void> {
  const { principals = [] } = await iot.send(new ListThingPrincipalsCommand({ thingName }));
  for (const principal of principals) {
    const certificateId = principal.slice(principal.lastIndexOf('/') + 1);
    await iot.send(new DetachThingPrincipalCommand({ thingName, principal }));
    await iot.send(new DetachPolicyCommand({ policyName: devicePolicy, target: principal }));
    await iot.send(new UpdateCertificateCommand({ certificateId, newStatus: 'INACTIVE' }));
    await iot.send(new DeleteCertificateCommand({ certificateId }));
  }
  await iot.send(new DeleteThingCommand({ thingName }));
}

afterAll(async () => {
  const certificateId = batch.certificateId;
  await iam.send(new DeleteRolePolicyCommand({ RoleName: template, PolicyName: 'registration' }));
  await iam.send(new DeleteRoleCommand({ RoleName: template }));
  await iot.send(new DeleteProvisioningTemplateCommand({ templateName: template }));
  await iot.send(new DetachPolicyCommand({ policyName: claimPolicy, target: batch.certificateArn }));
  await iot.send(new UpdateCertificateCommand({ certificateId, newStatus: 'INACTIVE' }));
  await iot.send(new DeleteCertificateCommand({ certificateId }));
  await iot.send(new DeletePolicyCommand({ policyName: claimPolicy }));
  await removeThing('pi-0001');
  await iot.send(new DeletePolicyCommand({ policyName: devicePolicy }));
  rmSync(folder, { recursive: true, force: true });
});

const options = (device: string, parameter: Record<string, string>, templateName = template) => ({
  claim: join(folder, 'claim.cert.pem'),
  claimKey: join(folder, 'claim.private.key'),
  endpoint,
  credentialsEndpoint: 'credentials.example.com',
  template: templateName,
  parameter,
  rootCa: join(folder, 'authority.pem'),
  // The local account knows no other way; claim.integration.test.ts has the one by signing request.
  keyFromAws: true,
  keys: join(folder, device, 'certs'),
  target: join(folder, device, 'greengrass'),
});

describe('provision by claim', () => {
  test('effect: a device with nothing but a claim gets a thing, a key and its certificate', async () => {
    await claim(options('one', { SerialNumber: '0001' }), { nowMs: Date.now(), print: (line) => lines.push(line) });
    const certs = join(folder, 'one', 'greengrass', 'certs');
    const key = keyIdOf(createPublicKey(privateKeyIn(join(certs, files.key))));
    expect(statSync(join(certs, files.key)).mode & 0o777).toBe(0o600);
    expect(keyIdOfCertificate(readFileSync(join(certs, files.certificate), 'utf8'))).toBe(key);
    expect(readFileSync(join(folder, 'one', 'greengrass', 'config.yaml'), 'utf8')).toContain('thingName: pi-0001');
    const { principals = [] } = await iot.send(new ListThingPrincipalsCommand({ thingName: 'pi-0001' }));
    const [certificateArn = ''] = principals;
    const certificateId = certificateArn.slice(certificateArn.lastIndexOf('/') + 1);
    const { certificateDescription } = await iot.send(new DescribeCertificateCommand({ certificateId }));
    expect(certificateDescription?.status).toBe('ACTIVE');
    expect(keyIdOfCertificate(certificateDescription?.certificatePem ?? '')).toBe(key);
  });

  test('effect: the private key is in nothing that is printed', () => {
    const key = readFileSync(join(folder, 'one', 'certs', files.key), 'utf8');
    for (const part of key.split('\n').slice(1, 3)) expect(lines.join('\n')).not.toContain(part);
  });

  test('rights: another template than the claim’s is refused in a sentence', async () => {
    const refused = claim(options('two', { SerialNumber: '0002' }, 'another'), { nowMs: Date.now(), print: () => {} });
    await expect(refused).rejects.toMatchObject({ reason: 'claim-refused' });
  });
});
