import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silentLogger } from '../platform/logger.ts';
import { testAuthority } from '../simulation/test-certificates.ts';
import { type Mosquitto, mosquittoBinary, passwordLine, startMosquitto } from './mosquitto.ts';
import { type MqttConfig, mqttConfig, mqttStage, mqttTransport, type TestFolder, testFolder } from './mqtt-stage.ts';
import { transportContract, untilState } from './transport-contract.ts';

const binary = mosquittoBinary ?? '';
if (binary === '') {
  console.warn('mosquitto is not installed, so the suites "mosquitto" are skipped: apt-get install mosquitto');
}

let folder: TestFolder;
beforeAll(async () => {
  folder = await testFolder();
});
afterAll(() => folder.remove());

describe.skipIf(binary === '')('mqtt transport and mosquitto with a password', () => {
  const password = `canary-${randomBytes(12).toString('hex')}`;
  let mosquitto: Mosquitto;
  let access: Partial<MqttConfig>;
  beforeAll(async () => {
    const users = await folder.write('users', passwordLine('edge', password));
    const rights = await folder.write('rights', 'user edge\ntopic readwrite contract/#\n');
    mosquitto = await startMosquitto(binary, folder, [`password_file ${users}`, `acl_file ${rights}`]);
    access = { username: 'edge', passwordFile: await folder.write('password', password) };
  });
  afterAll(() => mosquitto.stop());

  transportContract({
    lastWill: true,
    silence: true,
    badOptions: {},
    open: async () => mqttStage({ port: mosquitto.port, protocol: 'mqtt' }, access),
  });

  test('a wrong password is told in one sentence, without it', async () => {
    const url = `mqtt://127.0.0.1:${mosquitto.port}`;
    const wrong = await folder.write('wrong', 'canary-wrong');
    const one = mqttTransport(mqttConfig({ ...access, url, passwordFile: wrong }), {
      maxPayloadBytes: 64_000,
      logger: silentLogger,
    });
    await one.start();
    await expect
      .poll(() => one.state())
      .toEqual({
        state: 'disconnected',
        reason: expect.stringMatching(/^the broker refuses this client: not authorised; check its user and password/),
      });
    expect(JSON.stringify(one.state())).not.toContain('canary');
    await one.stop();
  });
});

describe.skipIf(binary === '')('mqtt transport and mosquitto over mutual TLS', () => {
  let mosquitto: Mosquitto;
  let access: Partial<MqttConfig>;
  beforeAll(async () => {
    const authority = await testAuthority();
    const [server, client] = [await authority.server(), await authority.client('edge')];
    const ca = await folder.write('ca.pem', authority.cert);
    mosquitto = await startMosquitto(binary, folder, [
      `cafile ${ca}`,
      `certfile ${await folder.write('server.crt', server.cert)}`,
      `keyfile ${await folder.write('server.key', server.key)}`,
      'require_certificate true',
      'use_identity_as_username true',
    ]);
    access = {
      caFile: ca,
      certFile: await folder.write('client.crt', client.cert),
      keyFile: await folder.write('client.key', client.key),
    };
  });
  afterAll(() => mosquitto.stop());

  transportContract({
    lastWill: true,
    silence: true,
    badOptions: {},
    open: async () => mqttStage({ port: mosquitto.port, protocol: 'mqtts' }, access),
  });

  test('a client without a certificate is not let in', async () => {
    const { caFile } = access;
    const url = `mqtts://127.0.0.1:${mosquitto.port}`;
    const options = { maxPayloadBytes: 64_000, logger: silentLogger };
    const one = mqttTransport(mqttConfig({ caFile, url }), options);
    await one.start();
    await expect
      .poll(() => one.state())
      .toEqual({ state: 'disconnected', reason: expect.stringMatching(/^(TLS with|127\.0\.0\.1:\d+ ended)/) });
    const other = mqttTransport(mqttConfig({ ...access, url }), options);
    await other.start();
    await untilState(other, 'connected');
    await Promise.all([one.stop(), other.stop()]);
  });
});
