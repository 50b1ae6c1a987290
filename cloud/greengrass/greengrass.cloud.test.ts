import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import {
  DescribeProvisioningTemplateCommand,
  DescribeThingCommand,
  GetPolicyCommand,
  IoTClient,
  ListAttachedPoliciesCommand,
  ListThingGroupsForThingCommand,
} from '@aws-sdk/client-iot';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetBucketPolicyCommand, GetPublicAccessBlockCommand, S3Client } from '@aws-sdk/client-s3';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { account, client } from '../testing/clients.ts';
import { describeRights } from '../testing/describe-rights.ts';
import { createDevice, type Device } from '../testing/device.ts';
import { eventually } from '../testing/eventually.ts';
import { output } from '../testing/outputs.ts';
import { statementsOf, withoutStatement } from '../testing/roles.ts';
import type { DeviceKind } from './contract.ts';
import { bucketPolicy } from './definition.ts';
import { deviceKinds, policyNames, policyOf } from './fleet.ts';
import { defaultBucket, defaultNames } from './names.ts';
import { rights } from './rights.ts';
import { claimOver, removeThing } from './test-claims.ts';

const stack = 'GreengrassStack';
const template = output(stack, 'TemplateName');
const TableName = output(stack, 'RegistryName');
const place = { account: account.id, region: account.region };
const names = { ...defaultNames, bucket: defaultBucket(place) };

let batch: Device;
const things = new Set<string>();

beforeAll(async () => {
  batch = await createDevice('greengrass-batch', output(stack, 'ClaimPolicyName'));
});
afterAll(async () => {
  for (const thing of things) await removeThing(thing);
  await batch.remove();
});

async function register(serialNumber: string, kind: DeviceKind | 'toaster', thingName?: string): Promise<void> {
  const Item = {
    serialNumber: { S: serialNumber },
    kind: { S: kind },
    ...(thingName === undefined ? {} : { thingName: { S: thingName } }),
  };
  await client(DynamoDBClient).send(new PutItemCommand({ TableName, Item }));
}

async function rowOf(serialNumber: string) {
  const Key = { serialNumber: { S: serialNumber } };
  return (await client(DynamoDBClient).send(new GetItemCommand({ TableName, Key, ConsistentRead: true }))).Item;
}

/** A claim as a device makes it, with whatever it says of itself. */
async function claim(parameters: Record<string, string>, clientId = `claim-${parameters['SerialNumber'] ?? 'none'}`) {
  const connection = await batch.connect({ clientId });
  const claimed = await claimOver(connection, template, parameters);
  await connection.endAsync(true);
  if (claimed.ok) things.add(claimed.thingName);
  return claimed;
}

describe('greengrass', () => {
  test('deployed: the template asks the hook, and the policies are those of the definition', async () => {
    const iot = client(IoTClient);
    const found = await iot.send(new DescribeProvisioningTemplateCommand({ templateName: template }));
    expect(found).toMatchObject({
      enabled: true,
      preProvisioningHook: { targetArn: expect.stringContaining(output(stack, 'HookName')) },
    });
    for (const kind of deviceKinds) {
      const { policyDocument } = await iot.send(new GetPolicyCommand({ policyName: policyNames(names)[kind] }));
      expect(JSON.parse(policyDocument ?? '')).toEqual(policyOf(kind, names, place));
    }
  });

  test('deployed: nobody reaches the artifacts without TLS or in public', async () => {
    const s3 = client(S3Client);
    const Bucket = output(stack, 'BucketName');
    const { Policy } = await s3.send(new GetBucketPolicyCommand({ Bucket }));
    expect(JSON.parse(Policy ?? '')).toEqual(bucketPolicy(names, place));
    const { PublicAccessBlockConfiguration } = await s3.send(new GetPublicAccessBlockCommand({ Bucket }));
    expect(Object.values(PublicAccessBlockConfiguration ?? {})).toEqual([true, true, true, true]);
  });

  test('triggered: a claim over MQTT asks the hook, which counts it', async () => {
    await register('1001', 'monitor');
    expect(await claim({ SerialNumber: '1001' })).toMatchObject({ ok: true, thingName: 'IoT-blog-1001' });
    expect(await rowOf('1001')).toMatchObject({ claims: { N: '1' }, lastCertificateId: { S: expect.any(String) } });
  });

  test('triggered: a deployment that failed on a core waits for a person', async () => {
    const source = account.isLocal ? 'local.greengrass' : 'aws.greengrass';
    const told = (coreDeviceExecutionStatus: string) => ({
      Source: source,
      DetailType: 'Greengrass V2 Effective Deployment Status Change',
      Detail: JSON.stringify({ deploymentId: 'd-1', coreDeviceExecutionStatus }),
    });
    const Entries = [told('SUCCEEDED'), told('FAILED')];
    await client(EventBridgeClient).send(new PutEventsCommand({ Entries }));
    await eventually(async () => {
      const QueueUrl = output(stack, 'FailedDeploymentsUrl');
      const { Messages = [] } = await client(SQSClient).send(new ReceiveMessageCommand({ QueueUrl }));
      expect(Messages.map(({ Body }) => JSON.parse(Body ?? '').detail)).toEqual([
        { deploymentId: 'd-1', coreDeviceExecutionStatus: 'FAILED' },
      ]);
    });
  });

  test.each<[DeviceKind, string]>([
    ['core', 'IoT-blog-group'],
    ['monitor', 'IoT-blog-group-devices'],
    ['handler', 'IoT-blog-group-devices'],
  ])('effect: a %s gets its thing, group and policy, whatever it asks for', async (kind, group) => {
    const serialNumber = `20-${kind}`;
    await register(serialNumber, kind, `thing-of-${kind}`);
    const asked = { ThingName: 'somebody-else', PolicyName: 'myGGPolicy', ThingGroupName: 'other' };
    const claimed = await claim({ SerialNumber: serialNumber, ...asked });
    if (!claimed.ok) throw new Error(claimed.errorCode);
    const { thingName, certificateId } = claimed;
    expect(thingName).toBe(`thing-of-${kind}`);
    const iot = client(IoTClient);
    expect((await iot.send(new DescribeThingCommand({ thingName }))).attributes).toMatchObject({ serialNumber });
    const { thingGroups = [] } = await iot.send(new ListThingGroupsForThingCommand({ thingName }));
    expect(thingGroups.map(({ groupName }) => groupName)).toEqual([group]);
    const target = `arn:aws:iot:${account.region}:${account.id}:cert/${certificateId}`;
    const { policies = [] } = await iot.send(new ListAttachedPoliciesCommand({ target }));
    expect(policies.map(({ policyName }) => policyName)).toEqual([policyNames(names)[kind]]);
  });

  test('effect: a claim without a usable serial number is refused (poison)', async () => {
    expect(await claim({})).toEqual({ ok: false, errorCode: 'AccessDenied' });
    expect(await claim({ SerialNumber: 'a/b' }, 'claim-a')).toEqual({ ok: false, errorCode: 'AccessDenied' });
  });

  test('effect: a serial number is good for three claims and makes one thing (duplicate)', async () => {
    await register('3001', 'monitor');
    const answers = [];
    for (let place = 0; place < 4; place += 1) answers.push(await claim({ SerialNumber: '3001' }));
    const made = answers.flatMap((one) => (one.ok ? [one] : []));
    expect(answers.map(({ ok }) => ok)).toEqual([true, true, true, false]);
    expect(new Set(made.map(({ thingName }) => thingName)).size).toBe(1);
    expect(new Set(made.map(({ certificateId }) => certificateId)).size).toBe(3);
  });

  test('effect: a claim that was counted and came to nothing may be made again (partial failure)', async () => {
    await register('3002', 'monitor');
    const event = { certificateId: 'lost', clientId: 'claim-3002', parameters: { SerialNumber: '3002' } };
    const FunctionName = output(stack, 'HookName');
    await client(LambdaClient).send(new InvokeCommand({ FunctionName, Payload: JSON.stringify(event) }));
    expect(await claim({ SerialNumber: '3002' })).toMatchObject({ ok: true });
    expect(await rowOf('3002')).toMatchObject({ claims: { N: '2' } });
  });

  test('effect: of a mixed batch each claim makes a device or is refused, and no thing is made twice', async () => {
    await register('4001', 'monitor');
    await register('4002', 'handler');
    await register('4003', 'toaster');
    const asked = ['4001', '4004', '4002', '4003', '4001', 'a/b'];
    const answers = await Promise.all(
      asked.map((SerialNumber, place) => claim({ SerialNumber }, `claim-mixed-${place}`)),
    );
    expect(answers.map(({ ok }) => ok)).toEqual([true, false, true, false, true, false]);
    const made = answers.flatMap((one) => (one.ok ? [one.thingName] : []));
    expect([...new Set(made)].toSorted()).toEqual(['IoT-blog-4001', 'IoT-blog-4002']);
  });

  test('rights: a claim certificate does nothing but claim', async () => {
    await expect(batch.connect({ clientId: 'IoT-blog-1001' })).rejects.toThrow();
    const connection = await batch.connect({ clientId: 'claim-rights' });
    await expect(connection.publishAsync('IoTBlog/sensorData', '{}', { qos: 1 })).rejects.toThrow(/[Nn]ot authorized/);
    const granted = await connection.subscribeAsync('IoTBlog/#').catch((error: Error) => error.message);
    expect(JSON.stringify(granted)).toMatch(/[Nn]ot authorized|135|128/);
  });

  test('rights: a hook that may not ask the registry admits nobody', async () => {
    await register('5001', 'monitor');
    const role = output(stack, 'HookRoleName');
    const held = (await statementsOf(role)).find(({ actions }) => actions.includes('dynamodb:UpdateItem'));
    if (held === undefined) throw new Error(`${role} may not ask the registry at all`);
    const refused = await withoutStatement(role, held, () => claim({ SerialNumber: '5001' }));
    expect(refused.ok).toBe(false);
    expect((await rowOf('5001'))?.['claims']).toBeUndefined();
    expect(await claim({ SerialNumber: '5001' })).toMatchObject({ ok: true });
  });
});

describeRights('greengrass', { stack, rights });
