import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import mqtt, { type MqttClient } from 'mqtt';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type TestAuthority, testAuthority } from '../../device/simulation/test-certificates.ts';
import { type Mosquitto, mosquittoBinary, startMosquitto } from '../../device/transport/mosquitto.ts';
import { type TestFolder, testFolder } from '../../device/transport/mqtt-stage.ts';
import { type ClaimOptions, claimIdentity, serialNumberOfPi } from './claim.ts';
import { claim } from './claim-command.ts';
import { files, keyIdOfRequest, makeIdentity, privateKeyIn } from './identity.ts';
import { keyIdOf } from './key-id.ts';
import { certificateFor } from './test-certificate.ts';

/** A broker with mutual TLS, and a client beside it that answers as AWS IoT's API says it does. */
const askCertificate = '$aws/certificates/create-from-csr/json';
const askProvision = '$aws/provisioning-templates/fleet/provision/json';

let folder: TestFolder;
let authority: TestAuthority;
let broker: Mosquitto;
let aws: MqttClient;
let asked: { topic: string; body: Record<string, unknown> }[];
let answers: (topic: string, body: Record<string, unknown>) => Promise<[string, unknown] | undefined>;

const path = (name: string) => join(folder.path, name);
const write = (name: string, text: string) => folder.write(name, text);

describe.skipIf(mosquittoBinary === undefined)('claim', () => {
  beforeAll(async () => {
    folder = await testFolder();
    authority = await testAuthority();
    const [server, cloud, batch] = await Promise.all([
      authority.server(['127.0.0.1']),
      authority.client('cloud'),
      authority.client('claim'),
    ]);
    await write('root.pem', authority.cert);
    await write('claim.cert.pem', batch.cert);
    await write('claim.private.key', batch.key);
    broker = await startMosquitto(mosquittoBinary ?? '', folder, [
      `cafile ${path('root.pem')}`,
      `certfile ${await write('server.pem', server.cert)}`,
      `keyfile ${await write('server.key', server.key)}`,
      'require_certificate true',
      'use_identity_as_username true',
    ]);
    aws = await mqtt.connectAsync({
      protocol: 'mqtts',
      host: '127.0.0.1',
      port: broker.port,
      protocolVersion: 5,
      ca: authority.cert,
      ...cloud,
    });
    aws.on('message', (topic, payload) => void answer(topic, payload));
    await aws.subscribeAsync([askCertificate, askProvision], { qos: 1 });
  });
  afterAll(async () => {
    await aws?.endAsync(true);
    await broker?.stop();
    await folder?.remove();
  });
  beforeEach(() => {
    asked = [];
    answers = async (topic) => (topic === askCertificate ? signed() : ['accepted', provisioned]);
  });

  async function answer(topic: string, payload: Buffer): Promise<void> {
    const body = JSON.parse(payload.toString('utf8'));
    asked.push({ topic, body });
    const [how, said] = (await answers(topic, body)) ?? [];
    if (how !== undefined) await aws.publishAsync(`${topic}/${how}`, JSON.stringify(said), { qos: 1 });
  }

  const provisioned = { thingName: 'pi-0001', deviceConfiguration: { site: 'hall' } };
  async function signed(): Promise<[string, unknown]> {
    const key = readFileSync(path(`certs/${files.key}`), 'utf8');
    const certificatePem = await certificateFor(key, { endsMs: Date.now() + 86_400_000 });
    return ['accepted', { certificateId: 'c1', certificatePem, certificateOwnershipToken: 'token' }];
  }

  async function options(changed: Partial<ClaimOptions> = {}): Promise<ClaimOptions> {
    const { csrFile } = await makeIdentity(path('certs'), '0001', { force: false });
    return {
      endpoint: `127.0.0.1:${broker.port}`,
      rootCa: authority.cert,
      claimCertificate: readFileSync(path('claim.cert.pem'), 'utf8'),
      claimKey: readFileSync(path('claim.private.key'), 'utf8'),
      clientId: 'claim-0001',
      template: 'fleet',
      parameters: { SerialNumber: '0001' },
      csr: readFileSync(csrFile, 'utf8'),
      timeoutMs: 10_000,
      ...changed,
    };
  }

  test('has the device’s own request signed and the device provisioned, and sends no key', async () => {
    const given = await options();
    expect(await claimIdentity(given)).toMatchObject({ thing: 'pi-0001', configuration: { site: 'hall' } });
    expect(asked).toEqual([
      { topic: askCertificate, body: { certificateSigningRequest: given.csr } },
      { topic: askProvision, body: { certificateOwnershipToken: 'token', parameters: { SerialNumber: '0001' } } },
    ]);
    const key = keyIdOf(createPublicKey(privateKeyIn(path(`certs/${files.key}`))));
    expect(await keyIdOfRequest(given.csr ?? '', 'csr')).toBe(key);
    expect(JSON.stringify(asked)).not.toContain('PRIVATE');
  });

  /** What a person gives for a core with the classic nucleus. */
  const classicCore = () => ({
    claim: path('claim.cert.pem'),
    claimKey: path('claim.private.key'),
    endpoint: `127.0.0.1:${broker.port}`,
    credentialsEndpoint: 'credentials.example.com',
    template: 'fleet',
    parameter: { SerialNumber: '0001' },
    rootCa: path('root.pem'),
    keys: path('certs'),
    target: path('greengrass'),
  });

  test('puts what it got in place as install does, and goes on with the same key after a failure', async () => {
    const command = classicCore();
    const context = { nowMs: Date.now(), print: () => {} };
    answers = async (topic) =>
      topic === askCertificate
        ? signed()
        : ['rejected', { statusCode: 403, errorCode: 'AccessDenied', errorMessage: 'no' }];
    await expect(claim(command, context)).rejects.toMatchObject({ reason: 'claim-refused' });
    const key = readFileSync(path(`certs/${files.key}`), 'utf8');
    answers = async (topic) => (topic === askCertificate ? signed() : ['accepted', provisioned]);
    const { placed } = await claim(command, context);
    expect(placed.map((one) => one.path)).toContain(path('greengrass/config.yaml'));
    expect(readFileSync(path(`greengrass/certs/${files.key}`), 'utf8')).toBe(key);
  });

  test.each([
    [
      'a folder that cannot be written',
      () => ({ target: path('claim.cert.pem/greengrass') }),
      /Cannot write .*greengrass/,
    ],
    ['an endpoint that is none', () => ({ credentialsEndpoint: 'https://x/' }), /--credentials-endpoint HOST/],
  ])('asks the cloud for nothing with %s', async (_what, changed, sentence) => {
    const command = { ...classicCore(), ...changed() };
    await expect(claim(command, { nowMs: Date.now(), print: () => {} })).rejects.toThrow(sentence);
    expect(asked).toEqual([]);
  });

  test('says what the cloud said when the hook refuses the serial number', async () => {
    answers = async (topic) =>
      topic === askCertificate
        ? signed()
        : ['rejected', { statusCode: 401, errorCode: 'Unauthorized', errorMessage: 'serial number not allowed' }];
    await expect(claimIdentity(await options())).rejects.toThrow(/serial number not allowed \(Unauthorized\)/);
  });

  test.each([
    ['nothing comes', async () => undefined, 'claim-timeout'],
    ['something else comes', async (): Promise<[string, unknown]> => ['accepted', { hello: 1 }], 'claim-refused'],
  ])('ends in a sentence where %s', async (_what, answering, reason) => {
    answers = answering;
    await expect(claimIdentity(await options({ timeoutMs: 400 }))).rejects.toMatchObject({ reason });
  });

  test('tells what to check where it cannot connect', async () => {
    const stranger = await (await testAuthority('Somebody else')).client('claim');
    const given = await options({ claimCertificate: stranger.cert, claimKey: stranger.key });
    await expect(claimIdentity(given)).rejects.toThrow(/Check the endpoint, the clock of this device/);
  });

  test('names the options that are missing', async () => {
    const incomplete = claim({ claim: 'x' }, { nowMs: 0, print: () => {} });
    await expect(incomplete).rejects.toThrow(/--claim-key, --endpoint, --credentials-endpoint, --template/);
  });

  test('reads the serial number of a Pi', async () => {
    const tree = await write('serial-number', '10000000abcdef01\0');
    const cpu = await write('cpuinfo', 'Hardware\t: BCM2835\nSerial\t\t: 00000000deadbeef\n');
    expect(serialNumberOfPi({ tree, cpu })).toBe('10000000abcdef01');
    expect(serialNumberOfPi({ tree: path('none'), cpu })).toBe('00000000deadbeef');
    expect(() => serialNumberOfPi({ tree: path('none'), cpu: path('none') })).toThrow(/--parameter/);
  });
});
