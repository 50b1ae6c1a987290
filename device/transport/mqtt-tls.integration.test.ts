import { generateKeyPairSync } from 'node:crypto';
import { Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { silentLogger } from '../platform/logger.ts';
import { type Broker, startBroker } from '../simulation/broker.ts';
import { startTcpProxy } from '../simulation/tcp-proxy.ts';
import { type CertificateAndKey, type TestAuthority, testAuthority } from '../simulation/test-certificates.ts';
import { type MqttConfig, mqttConfig, mqttStage, mqttTransport, type TestFolder, testFolder } from './mqtt-stage.ts';
import type { CountingTransport } from './transport.ts';
import { capturedLog, transportContract, untilState } from './transport-contract.ts';

let folder: TestFolder;
let authority: TestAuthority;
let server: CertificateAndKey;
let broker: Broker;
let access: Partial<MqttConfig>;

const open: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  folder = await testFolder();
  authority = await testAuthority();
  server = await authority.server();
  broker = await brokerWith(server);
  access = {
    url: broker.url,
    username: 'edge',
    passwordFile: await folder.write('password', 'pw'),
    caFile: await folder.write('ca.pem', authority.cert),
    ...(await files('client', await authority.client('edge'))),
  };
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const close of open.splice(0).reverse()) await close();
});
afterAll(async () => {
  await broker.stop();
  await folder.remove();
});

function brokerWith({ cert, key }: CertificateAndKey): Promise<Broker> {
  const tls = { cert, key, clientCa: authority.cert };
  return startBroker({ port: 0, users: { edge: 'pw' }, logger: silentLogger, tls });
}

async function files(name: string, { cert, key }: CertificateAndKey): Promise<{ certFile: string; keyFile: string }> {
  return { certFile: await folder.write(`${name}.crt`, cert), keyFile: await folder.write(`${name}.key`, key) };
}

function transport(change: Partial<MqttConfig>, logger = silentLogger): CountingTransport {
  const made = mqttTransport(mqttConfig({ ...access, ...change }), { maxPayloadBytes: 64_000, logger });
  open.push(() => made.stop());
  return made;
}

const reason = (one: CountingTransport) => {
  const state = one.state();
  return state.state === 'connected' ? 'connected' : state.reason;
};

describe('mqtt transport over mutual TLS', () => {
  transportContract({
    lastWill: true,
    silence: true,
    badOptions: {
      'a CA file that holds none': async () => transport({ caFile: await folder.write('no-ca', 'none') }),
      'a certificate without its key': async () => transport({ keyFile: undefined }),
      'a certificate that is none': async () => transport({ certFile: await folder.write('no-cert', 'none') }),
      'a key that others may read': async () => transport({ keyFile: await folder.write('open.key', 'none', 0o604) }),
      'a key of another certificate': async () => {
        const { keyFile } = await files('other', await authority.client('other'));
        return transport({ keyFile });
      },
      'a key that wants a passphrase': async () => transport({ keyFile: await folder.write('locked', lockedKey()) }),
    },
    open: async () => mqttStage({ port: broker.port, protocol: 'mqtts' }, access),
  });

  test('TCP_NODELAY is set under TLS, too', async () => {
    const undelayed: unknown[] = [];
    const setNoDelay = Socket.prototype.setNoDelay;
    vi.spyOn(Socket.prototype, 'setNoDelay').mockImplementation(function (this: Socket, on) {
      if (on === true) undelayed.push(this.remotePort);
      return setNoDelay.call(this, on);
    });
    const proxy = await startTcpProxy(broker.port);
    open.push(() => proxy.stop());
    const one = transport({ url: `mqtts://127.0.0.1:${proxy.port}` });
    await one.start();
    for (let connections = 1; connections <= 2; connections += 1) {
      await untilState(one, 'connected');
      expect(undelayed.filter((port) => port === proxy.port)).toHaveLength(connections);
      proxy.cut();
      await untilState(one, 'disconnected');
      proxy.restore();
    }
  });

  test('a broker of another CA is not trusted', async () => {
    const other = await testAuthority('Another authority');
    const one = transport({ caFile: await folder.write('other-ca.pem', other.cert) });
    await one.start();
    await expect
      .poll(() => reason(one))
      .toMatch(/^TLS with 127\.0\.0\.1:\d+ failed: .*; check caFile, certFile and keyFile$/);
  });

  test('a broker is not trusted without a CA file where no public CA knows it', async () => {
    const one = transport({ caFile: undefined });
    await one.start();
    await expect.poll(() => reason(one)).toContain('failed: self-signed certificate');
  });

  test('a certificate for another host is not trusted', async () => {
    const elsewhere = await brokerWith(await authority.server(['elsewhere.example']));
    open.push(() => elsewhere.stop());
    const one = transport({ url: elsewhere.url });
    await one.start();
    await expect.poll(() => reason(one)).toContain("not in the cert's");
  });

  test('a host name is asked for, and its certificate is trusted', async () => {
    const named = await brokerWith(await authority.server(['localhost']));
    open.push(() => named.stop());
    const one = transport({ url: `mqtts://localhost:${named.port}` });
    await one.start();
    await untilState(one, 'connected');
  });

  test('a client without a certificate, or with one of another CA, is not let in, and is told', async () => {
    const none = transport({ certFile: undefined, keyFile: undefined });
    const stranger = transport(await files('stranger', await (await testAuthority('Stranger')).client('edge')));
    for (const one of [none, stranger]) {
      await one.start();
      await expect.poll(() => reason(one)).toMatch(/^(TLS with|127\.0\.0\.1:\d+ ended)/);
      expect(reason(one)).not.toMatch(/\n|\.c:/);
    }
  });

  test('a peer without TLS is told', async () => {
    const plain = await startBroker({ port: 0, users: { edge: 'pw' }, logger: silentLogger });
    open.push(() => plain.stop());
    const one = transport({ url: plain.url.replace('mqtt:', 'mqtts:') });
    await one.start();
    await expect.poll(() => reason(one)).toMatch(/^(TLS with|127\.0\.0\.1:\d+ ended)/);
  });

  test('a new certificate counts from the next connection on', async () => {
    const certificates: string[] = [];
    const watched = await files('renewed', await (await testAuthority('Old')).client('edge'));
    const log = capturedLog();
    const one = transport(watched, log.logger);
    one.onState(({ state }) => certificates.push(state));
    await one.start();
    await expect.poll(() => reason(one)).not.toContain('connecting');
    const client = await authority.client('edge');
    await files('renewed', client);
    await untilState(one, 'connected');
    for (const line of client.key.split('\n').slice(1, -2)) expect(log.text()).not.toContain(line);
  });
});

function lockedKey(): string {
  return generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'canary' },
  }).privateKey;
}
