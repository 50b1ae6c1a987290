import { afterAll, beforeAll, describe } from 'vitest';
import { testAuthority } from '../simulation/test-certificates.ts';
import { credentialFiles, type IotCoreConfig, iotCoreStage } from './iot-core-stage.ts';
import { type Mosquitto, mosquittoBinary, startMosquitto } from './mosquitto.ts';
import { type TestFolder, testFolder } from './mqtt-stage.ts';
import { transportContract } from './transport-contract.ts';

const binary = mosquittoBinary ?? '';
let folder: TestFolder;
beforeAll(async () => {
  folder = await testFolder();
});
afterAll(() => folder.remove());

describe.skipIf(binary === '')('iot-core transport and mosquitto over mutual TLS', () => {
  let mosquitto: Mosquitto;
  let access: Partial<IotCoreConfig>;
  beforeAll(async () => {
    const authority = await testAuthority();
    const server = await authority.server();
    mosquitto = await startMosquitto(binary, folder, [
      `cafile ${await folder.write('ca.pem', authority.cert)}`,
      `certfile ${await folder.write('server.crt', server.cert)}`,
      `keyfile ${await folder.write('server.key', server.key)}`,
      'require_certificate true',
      'set_tcp_nodelay true',
      'use_identity_as_username true',
    ]);
    access = {
      endpoint: '127.0.0.1',
      ...(await credentialFiles(folder, 'edge', await authority.client('edge'), authority.cert)),
    };
  });
  afterAll(() => mosquitto.stop());

  transportContract({
    lastWill: true,
    silence: true,
    badOptions: {},
    open: async () => iotCoreStage(mosquitto.port, access),
  });
});
