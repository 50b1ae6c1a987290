import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import {
  AttachPolicyCommand,
  CreatePolicyCommand,
  DeletePolicyCommand,
  IoTClient,
  ListThingPrincipalsCommand,
} from '@aws-sdk/client-iot';
import { connectAsync } from 'mqtt';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { topicNames } from '../../cloud/greengrass/definition.ts';
import { devicePolicy } from '../../cloud/greengrass/iot-policy.ts';
import { type ComponentName, components } from '../../cloud/greengrass/recipe.ts';
import { removeThing } from '../../cloud/greengrass/test-claims.ts';
import { account, client } from '../../cloud/testing/clients.ts';
import { createDevice, type Device, mqttEndpoint } from '../../cloud/testing/device.ts';
import { output } from '../../cloud/testing/outputs.ts';
import { startTestServiceNow } from '../../cloud/testing/servicenow.ts';
import { anomalyMessage } from '../../device/anomaly/anomaly.ts';
import { readingMessage } from '../../device/reading/reading.ts';
import type { ServiceNow } from '../../device/simulation/servicenow/start-servicenow.ts';
import { createPackaging } from '../package/build-packages.ts';
import { type Target, targets } from '../package/target.ts';
import { startProgram, type TestProgram } from '../package/test-program.ts';
import { unpack } from '../package/unpack.ts';
import { claim } from './claim-command.ts';
import { files } from './identity.ts';

/**
 * From a machine with a claim certificate to an incident. The components have no local broker here, so the handler is a
 * device of its own, which hears the monitor through AWS IoT Core and works where it stands.
 */
const stack = 'GreengrassStack';
const monitor = 'com.iotblog.SensorMonitor';
const handler = 'com.iotblog.AnomalyHandler';
const [pi, desk] = ['IoT-blog-7001', 'IoT-blog-7002'];
const patienceMs = 40_000;

let folder: string;
let target: Target;
let batch: Device;
let cloud: Device;
let serviceNow: ServiceNow;
const running: TestProgram[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(account.folder, 'from-nothing-'));
  const found = targets.find(({ nodeArch }) => nodeArch === process.arch);
  if (found === undefined) throw new Error(`there is no package for ${process.arch}`);
  target = found;
  const names = components.map(({ name }) => name);
  const root = join(import.meta.dirname, '../..');
  const packaging = createPackaging({ root, out: join(folder, 'dist'), components: names, targets: [target] });
  // Its parts were fetched before the run, which has no network.
  await packaging.prepare();
  for (const name of names) await unpack((await packaging.build(name, target)).file, join(folder, name));
  batch = await createDevice('from-nothing-batch', output(stack, 'ClaimPolicyName'));
  cloud = await createDevice('from-nothing-cloud', listening('from-nothing-cloud'));
  serviceNow = await startTestServiceNow();
  serviceNow.addUser({ userName: 'greengrass', password: 'greengrass-password', roles: ['itil'] });
});

afterAll(async () => {
  for (const program of running) program.kill();
  for (const thing of [pi, desk]) await removeThing(thing);
  await batch.remove();
  await cloud.remove();
  await serviceNow.stop();
  await client(IoTClient).send(new DeletePolicyCommand({ policyName: 'from-nothing-handler' }));
  rmSync(folder, { recursive: true, force: true });
});

const arn = (rest: string) => `arn:aws:iot:${account.region}:${account.id}:${rest}`;

/** For whoever takes the messages in the cloud. */
function listening(thing: string) {
  const allow = (Action: string, Resource: string) => ({ Effect: 'Allow', Action, Resource });
  const statements = [
    allow('iot:Connect', arn(`client/${thing}`)),
    allow('iot:Subscribe', arn('topicfilter/IoTBlog/#')),
    allow('iot:Receive', arn('topic/IoTBlog/*')),
  ];
  return { Version: '2012-10-17', Statement: statements };
}

async function register(serialNumber: string, kind: string): Promise<void> {
  const Item = { serialNumber: { S: serialNumber }, kind: { S: kind } };
  await client(DynamoDBClient).send(new PutItemCommand({ TableName: output(stack, 'RegistryName'), Item }));
}

const keysOf = (serialNumber: string) => join(folder, serialNumber, 'certs');

/** `npm run provision -- --claim …` on a machine without Greengrass; answers the settings that it prints. */
async function claimOn(serialNumber: string): Promise<Record<string, string>> {
  const { host, port } = await mqttEndpoint();
  const { next } = await claim(
    {
      claim: batch.files.certificate,
      claimKey: batch.files.key,
      endpoint: `${host}:${port}`,
      credentialsEndpoint: 'credentials.example.com',
      template: output(stack, 'TemplateName'),
      parameter: { SerialNumber: serialNumber },
      rootCa: batch.files.authority,
      // The local account signs no requests.
      keyFromAws: true,
      keys: keysOf(serialNumber),
      nucleus: 'none',
    },
    { nowMs: Date.now(), print: () => {} },
  );
  return Object.fromEntries(
    [...next.join(' ').matchAll(/--set transport\.(\S+)=(\S+)/g)].map(([, field = '', value = '']) => [field, value]),
  );
}

/**
 * The handler's client id has a suffix. AWS takes the policy's variable for its thing, as the certificate is the thing's
 * alone; the local account does not, so the same policy is attached with the name in it.
 */
async function nameThing(thingName: string): Promise<void> {
  const iot = client(IoTClient);
  const scope = { partition: 'aws', region: account.region, account: account.id };
  const policyName = 'from-nothing-handler';
  const policyDocument = JSON.stringify(devicePolicy(scope, topicNames, ['handler'], thingName));
  await iot.send(new CreatePolicyCommand({ policyName, policyDocument }));
  const { principals: [principal] = [] } = await iot.send(new ListThingPrincipalsCommand({ thingName }));
  await iot.send(new AttachPolicyCommand({ policyName, target: principal }));
}

/** Starts a package with the settings that its claim printed, and with no credentials but its certificate. */
async function start(name: ComponentName, transport: Record<string, string>, groups: object): Promise<TestProgram> {
  const { kind, ...rest } = transport;
  const iotCore = Object.fromEntries(
    Object.entries(rest).map(([field, value]) => [field.replace('iotCore.', ''), value]),
  );
  const secret = join(folder, 'secret.json');
  writeFileSync(secret, JSON.stringify({ username: 'greengrass', password: 'greengrass-password' }), { mode: 0o600 });
  const program = await startProgram(name, {
    ...{ target, decompressedPath: join(folder, name), workPath: join(folder, 'work', name) },
    thingName: iotCore['thingName'] ?? '',
    configuration: {
      TRANSPORT: { kind, iotCore },
      SENSOR: { kind: 'mock', intervalMs: 200, timeoutMs: 150, warmUpReadings: 0 },
      THRESHOLDS: { temperature: { upper: 10, onDelayMs: 1_000 } },
      MONITOR: { heartbeatMs: 300 },
      HANDLER: { claimMs: 0 },
      DELIVERY: { settleMs: 100, backoffBaseMs: 50 },
      SECRETS: { kind: 'file', file: secret },
      STORE: { reserveBytes: 0 },
      HTTP: { monitorPort: 0, handlerPort: 0 },
      ...groups,
    },
  });
  running.push(program);
  return program;
}

/** A client with the certificate that a machine got. */
async function connectAs(serialNumber: string, clientId: string) {
  const { host, port } = await mqttEndpoint();
  const read = (file: string) => readFileSync(join(keysOf(serialNumber), file), 'utf8');
  const identity = { cert: read(files.certificate), key: read(files.key), ca: read(files.rootCa) };
  const options = { clientId, protocolVersion: 5 as const, ...identity, reconnectPeriod: 0, connectTimeout: 10_000 };
  return connectAsync(`mqtts://${host}:${port}`, options, false);
}

describe('greengrass', () => {
  test('effect: a serial number that is not registered gets nothing, whoever has the claim certificate', async () => {
    await expect(claimOn('7003')).rejects.toMatchObject({ reason: 'claim-refused' });
  });

  test('effect: from nothing but a claim certificate to readings and an anomaly in the cloud, and an incident', async () => {
    await register('7001', 'monitor');
    await register('7002', 'handler');
    const [ofPi, ofDesk] = [await claimOn('7001'), await claimOn('7002')];
    expect([ofPi['iotCore.thingName'], ofDesk['iotCore.thingName']]).toEqual([pi, desk]);
    if (account.isLocal) await nameThing(desk);

    const heard: { topic: string; body: string }[] = [];
    const ears = await cloud.connect();
    ears.on('message', (topic, body) => heard.push({ topic, body: body.toString() }));
    await ears.subscribeAsync('IoTBlog/#', { qos: 1 });
    const bodies = (topic: string) => heard.flatMap((one) => (one.topic === topic ? [JSON.parse(one.body)] : []));

    const handling = await start(handler, ofDesk, { SERVICE_NOW: { url: serviceNow.url } });
    const monitoring = await start(monitor, ofPi, {});
    const incidents = () => serviceNow.rows('incident').map((row) => row['correlation_id']);
    await expect
      .poll(incidents, { timeout: patienceMs, message: 'incidents' })
      .toEqual([`home/${pi}/temperature/upper`])
      .catch((error: Error) => {
        throw new Error(`${error.message}\nhandler: ${handling.log()}\nmonitor: ${monitoring.log()}`);
      });
    await expect.poll(() => bodies('IoTBlog/anomaly/ack').length, { timeout: patienceMs }).toBeGreaterThan(0);

    const [reading] = bodies('IoTBlog/sensorData');
    expect(readingMessage.parse(reading)).toMatchObject({ deviceId: pi });
    const anomalies = bodies('IoTBlog/anomaly').map((body) => anomalyMessage.parse(body));
    expect(anomalies[0]).toMatchObject({ deviceId: pi });

    // The chart is the last that is sent of an incident.
    await expect.poll(() => serviceNow.rows('sys_attachment').length, { timeout: patienceMs }).toBe(1);
    await Promise.all([monitoring.stop(), handling.stop()]);
    expect(incidents()).toHaveLength(1);
    await ears.endAsync(true);
  });

  test('rights: the device that it became publishes what a monitor does, and nowhere else', async () => {
    const own = ['IoTBlog/sensorData', 'IoTBlog/anomaly', `IoTBlog/status/${pi}`];
    // With the certificate that it got above.
    const connection = await connectAs('7001', pi);
    for (const topic of own) await connection.publishAsync(topic, '{}', { qos: 1 });
    const others = [
      ...['IoTBlog/anomaly/ack', 'IoTBlog/status/handler', `IoTBlog/status/${desk}`, 'IoTBlog/other', 'other'],
      ...['IoTBlog/sensorData/x', 'IoTBlog/anomaly/x', `$aws/things/${pi}/shadow/update`],
      ...[
        '$aws/certificates/create/json',
        `$aws/provisioning-templates/${output(stack, 'TemplateName')}/provision/json`,
      ],
    ];
    for (const topic of others) {
      await expect(connection.publishAsync(topic, '{}', { qos: 1 }), topic).rejects.toThrow(/not authorized/i);
    }
    await connection.endAsync(true);
    for (const clientId of [desk, 'claim-7001', `${pi}x`]) {
      await expect(connectAs('7001', clientId), clientId).rejects.toThrow();
    }
  });
});
