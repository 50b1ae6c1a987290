import { execFile } from 'node:child_process';
import type { Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { configSchema } from '../config/schema.ts';
import { silentLogger } from '../platform/logger.ts';
import { manualTime, systemTime, type Time } from '../platform/time.ts';
import { type TestAuthority, testAuthority } from '../simulation/test-certificates.ts';
import { createTransport } from './create-transport.ts';
import { iotCoreTopicProblem } from './iot-core/limits.ts';
import {
  credentialFiles,
  type IotCoreConfig,
  iotCoreConfig,
  iotCoreStage,
  iotCoreTransport,
} from './iot-core-stage.ts';
import { type Mosquitto, mosquittoBinary, startMosquitto } from './mosquitto.ts';
import { type TestFolder, testFolder } from './mqtt-stage.ts';
import type { CountingTransport } from './transport.ts';
import { type ClientOptions, capturedLog, transportContract, untilState } from './transport-contract.ts';

const binary = mosquittoBinary ?? '';
if (binary === '') {
  console.warn('mosquitto is not installed, so the suite of iot-core is skipped: apt-get install mosquitto');
}

let folder: TestFolder;
let authority: TestAuthority;
let files: Pick<IotCoreConfig, 'certFile' | 'keyFile' | 'caFile'>;
const open: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  folder = await testFolder();
  authority = await testAuthority();
  files = await credentialFiles(folder, 'edge', await authority.client('edge'), authority.cert);
});
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});
afterAll(() => folder.remove());

function transport(
  change: Partial<IotCoreConfig>,
  options: Partial<ClientOptions> & { time?: Time } = {},
  name: { thingName?: string; clientSuffix?: string } = {},
): CountingTransport {
  const made = iotCoreTransport(
    iotCoreConfig({ endpoint: '127.0.0.1', ...files, ...change }),
    { maxPayloadBytes: 64_000, logger: silentLogger, ...options },
    name,
  );
  open.push(() => made.stop());
  return made;
}

async function broker(settings: string[], hosts?: string[]): Promise<Mosquitto> {
  const server = await authority.server(hosts);
  return startMosquitto(binary, folder, [
    `cafile ${await folder.write('ca.pem', authority.cert)}`,
    `certfile ${await folder.write('server.crt', server.cert)}`,
    `keyfile ${await folder.write('server.key', server.key)}`,
    'require_certificate true',
    'set_tcp_nodelay true',
    ...settings,
  ]);
}

const reason = (one: CountingTransport) => {
  const state = one.state();
  return state.state === 'connected' ? 'connected' : state.reason;
};

describe.skipIf(binary === '')('iot-core transport and mosquitto over mutual TLS', () => {
  let mosquitto: Mosquitto;
  beforeAll(async () => {
    mosquitto = await broker(['use_identity_as_username true']);
  });
  afterAll(() => mosquitto.stop());

  transportContract({
    lastWill: true,
    silence: true,
    badOptions: {
      'no endpoint': async () => transport({ endpoint: undefined }),
      'an endpoint with its protocol': async () => transport({ endpoint: 'https://iot.example' }),
      'an endpoint with its port': async () => transport({ endpoint: 'iot.example:8883' }),
      'a name that no thing can have': async () => transport({}, {}, { thingName: 'my thing' }),
      'a certificate that is missing': async () => transport({ certFile: `${folder.path}/missing` }),
      'a certificate that is none': async () => transport({ certFile: await folder.write('no-cert', 'none') }),
      'a CA file that holds none': async () => transport({ caFile: await folder.write('no-ca', 'none') }),
      'a key that others may read': async () => transport({ keyFile: await folder.write('open.key', 'none', 0o644) }),
      'a key of another certificate': async () => {
        const other = await credentialFiles(folder, 'other', await authority.client('other'), authority.cert);
        return transport({ keyFile: other.keyFile });
      },
    },
    topicProblem: iotCoreTopicProblem,
    open: async () => iotCoreStage(mosquitto.port, { endpoint: '127.0.0.1', ...files }),
  });

  test('what is wrong with the files is told: what, where, and what to do', async () => {
    const exposed = transport({ keyFile: await folder.write('seen.key', 'none', 0o640) });
    await expect(exposed.start()).rejects.toThrow(
      /^transport\.iotCore: .*seen\.key is open to other users \(mode 0640\).*chmod 600/,
    );
    await expect(transport({ certFile: `${folder.path}/gone` }).start()).rejects.toThrow(
      /^transport\.iotCore: cannot read .*\/gone: ENOENT/,
    );
    await expect(transport({ endpoint: undefined }).start()).rejects.toThrow('aws iot describe-endpoint');
  });

  test('a message longer than AWS IoT Core takes is refused here, whatever the configuration says', async () => {
    const one = transport({ port: mosquitto.port }, { maxPayloadBytes: 1_000_000 });
    await one.start();
    await untilState(one, 'connected');
    expect(await one.publish('x', Buffer.alloc(131_072))).toEqual({ ok: true });
    expect(await one.publish('x', Buffer.alloc(131_073))).toMatchObject({ ok: false, reason: 'too-large' });
  });

  test.each([
    ['x'.repeat(257), 'has 257 bytes; AWS IoT Core takes 256'],
    ['1/2/3/4/5/6/7/8/9', 'has 8 slashes; AWS IoT Core takes 7'],
  ])('a topic over which AWS IoT Core would end the connection is refused here', async (topic, words) => {
    const one = transport({ port: mosquitto.port });
    await one.start();
    await untilState(one, 'connected');
    expect(await one.publish(topic, 'm')).toMatchObject({ reason: 'failed', message: expect.stringContaining(words) });
    expect(await one.publish('x', 'm')).toEqual({ ok: true });
  });

  test('a stop while messages arrive takes leave properly: at once, and without a last will', async () => {
    const [watcher, sender] = [transport({ port: mosquitto.port }), transport({ port: mosquitto.port })];
    const wills: string[] = [];
    await watcher.subscribe('leave/will/+', ({ topic }) => void wills.push(topic));
    for (const one of [watcher, sender]) {
      await one.start();
      await untilState(one, 'connected');
    }
    for (let round = 0; round < 5; round += 1) {
      const will = { topic: `leave/will/${round}`, payload: 'gone' };
      const receiver = transport({ port: mosquitto.port }, { will });
      const first = new Promise<void>((resolve) => void receiver.subscribe('leave/flood', () => resolve()));
      await receiver.start();
      await untilState(receiver, 'connected');
      const sending = Array.from({ length: 20 }, () => sender.publish('leave/flood', 'm'));
      await first;
      const beganAt = performance.now();
      await receiver.stop();
      expect(performance.now() - beganAt).toBeLessThan(900);
      await Promise.all(sending);
    }
    expect(wills).toEqual([]);
  });

  test('more filters than go into one packet are all asked for', async () => {
    const one = transport({ port: mosquitto.port });
    const heard = new Set<string>();
    for (let index = 0; index < 20; index += 1) {
      await one.subscribe(`many/${index}`, ({ topic }) => void heard.add(topic));
    }
    await one.start();
    await untilState(one, 'connected');
    for (let index = 0; index < 20; index += 1) await one.publish(`many/${index}`, 'm');
    await expect.poll(() => heard.size).toBe(20);
  });

  test.each([
    ['monitor', {}, 'IoT-blog_Core'],
    ['handler', {}, 'IoT-blog_Core#handler'],
    ['doctor', { thingName: 'other' }, 'other#doctor'],
  ])('the client id is the thing, with a suffix for all but the monitor: %s', async (component, change, clientId) => {
    const log = capturedLog();
    const iotCore = { endpoint: '127.0.0.1', port: mosquitto.port, ...files, ...change };
    const config = configSchema.parse({ deviceId: 'IoT-blog_Core', transport: { kind: 'iot-core', iotCore } });
    const deps = { component, logger: log.logger, time: systemTime, random: () => 0.5 };
    const one = await createTransport(config, deps);
    open.push(() => one.stop());
    await one.start();
    await untilState(one, 'connected');
    expect(log.text()).toContain(`"clientId":"${clientId}","msg":"transport connected"`);
  });

  test('a certificate that is not valid yet, or no more, by this clock is a state that the right clock ends', async () => {
    for (const [wallMs, words] of [
      [0, /^the certificate in .* is valid from .*Z on, and this machine's clock says 1970-.*timedatectl/],
      [
        Date.now() + 10 * 86_400_000,
        /^the certificate in .* expired at .*, and this machine's clock says .*new certificate/,
      ],
    ] as const) {
      const time = manualTime(wallMs);
      const one = transport({ port: mosquitto.port }, { time });
      await one.start();
      expect(reason(one)).toMatch(words);
      time.setWall(Date.now());
      time.advance(20);
      await untilState(one, 'connected');
    }
  });

  test('a new certificate counts from the next connection on', async () => {
    const stranger = await (await testAuthority('Stranger')).client('edge');
    const changing = await credentialFiles(folder, 'changing', stranger, authority.cert);
    const one = transport({ port: mosquitto.port, ...changing });
    await one.start();
    await expect.poll(() => reason(one)).toMatch(/TLS with|ended the connection before it let us in/);
    await credentialFiles(folder, 'changing', await authority.client('edge'), authority.cert);
    await untilState(one, 'connected');
  });

  test('an endpoint of another CA, or of another name, is not trusted', async () => {
    const other = await testAuthority('Another authority');
    const mistrusting = transport({ port: mosquitto.port, caFile: await folder.write('other-ca.pem', other.cert) });
    const elsewhere = await broker([], ['elsewhere.example']);
    open.push(() => elsewhere.stop());
    for (const one of [mistrusting, transport({ port: elsewhere.port })]) {
      await one.start();
      await expect
        .poll(() => reason(one), { timeout: 5_000 })
        .toMatch(/^TLS with 127\.0\.0\.1:\d+ failed: .*cert.*; check that transport\.iotCore\.caFile/);
    }
  });

  test('an endpoint that is not there, or whose name is not known, is told', async () => {
    const gone = await broker([]);
    await gone.stop();
    const one = transport({ port: gone.port });
    await one.start();
    await expect.poll(() => reason(one)).toBe(`nothing listens on 127.0.0.1:${gone.port}`);
    const unknown = transport({ endpoint: 'iot.invalid' });
    await unknown.start();
    await expect.poll(() => reason(unknown)).toBe('the host name of iot.invalid:8883 cannot be resolved');
  });
});

describe.skipIf(binary === '')('iot-core transport and a broker that does not allow all', () => {
  const endpointless = (text: string) => text.replaceAll(/127\.0\.0\.1:\d+/g, 'PEER');
  let mosquitto: Mosquitto;
  beforeAll(async () => {
    const rights = await folder.write('rights', 'user edge\ntopic readwrite allowed/#\n');
    mosquitto = await broker(['use_identity_as_username true', `acl_file ${rights}`]);
  });
  afterAll(() => mosquitto.stop());

  test('a refused publish is unauthorized and names the statement to add; the next one goes', async () => {
    const one = transport({ port: mosquitto.port });
    await one.start();
    await untilState(one, 'connected');
    const refused = await one.publish('IoTBlog/other', 'm');
    expect(refused).toMatchObject({ ok: false, reason: 'unauthorized' });
    expect(endpointless(JSON.stringify(refused))).toContain(
      'PEER refuses the message to IoTBlog/other: not authorised; allow iot:Publish on ' +
        "arn:aws:iot:<region>:<account>:topic/IoTBlog/other in the policy of this thing's certificate",
    );
    expect(await one.publish('allowed/x', 'm')).toEqual({ ok: true });
  });

  test('a refused connection is a state that names the statement to add', async () => {
    const closed = await broker([]);
    open.push(() => closed.stop());
    const one = transport({ port: closed.port }, {}, { thingName: 'pi', clientSuffix: 'handler' });
    await one.start();
    await expect.poll(() => reason(one)).toContain('refuses the client id');
    expect(endpointless(reason(one))).toBe(
      'PEER refuses the client id pi#handler: not authorised; allow iot:Connect on ' +
        "arn:aws:iot:<region>:<account>:client/pi#handler in the policy of this thing's certificate, or set " +
        'transport.iotCore.thingName to the thing that the certificate belongs to',
    );
  });
});

describe('iot-core transport and what AWS IoT Core may answer', () => {
  /** Answers what it gets as the test says, by the first byte of each chunk. */
  async function peer(answer: (type: number, chunk: Buffer, socket: Socket) => void): Promise<number> {
    const server = createTlsServer(
      { ...(await authority.server()), ca: authority.cert, requestCert: true },
      (socket) => {
        socket.on('error', () => {});
        socket.on('data', (chunk) => answer(chunk[0] ?? 0, chunk, socket));
        open.push(async () => socket.destroy());
      },
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    open.push(async () => server.close());
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  const [connect, publish, subscribe] = [0x10, 0x32, 0x82];
  const connack = (code: number) => Buffer.from([0x20, 3, 0, code, 0]);
  const disconnect = (code: number) => Buffer.from([0xe0, 2, code, 0]);
  /** The packet id of a PUBLISH follows its topic. */
  const puback = (chunk: Buffer, code: number) => {
    const id = 4 + chunk.readUInt16BE(2);
    return Buffer.from([0x40, 4, chunk[id] ?? 0, chunk[id + 1] ?? 0, code, 0]);
  };
  const peerless = (text: string) => text.replaceAll(/127\.0\.0\.1:\d+/g, 'PEER');

  async function connectedTo(answer: (type: number, chunk: Buffer, socket: Socket) => void, change = {}) {
    const port = await peer((type, chunk, socket) => {
      if (type === connect) socket.write(connack(0));
      else answer(type, chunk, socket);
    });
    const one = transport({ port, reconnectCapMs: 60_000, ...change }, {}, { thingName: 'pi' });
    await one.start();
    await untilState(one, 'connected');
    return one;
  }

  test('a refused subscription is a state that names the statement to add', async () => {
    const one = await connectedTo((type, chunk, socket) => {
      if (type === subscribe) socket.write(Buffer.from([0x90, 4, chunk[2] ?? 0, chunk[3] ?? 0, 0, 0x87]));
    });
    await one.subscribe('IoTBlog/+/ack', () => {});
    expect(peerless(reason(one))).toBe(
      'PEER refuses the subscription to IoTBlog/+/ack: not authorised; allow iot:Subscribe on ' +
        'arn:aws:iot:<region>:<account>:topicfilter/IoTBlog/+/ack and iot:Receive on ' +
        "arn:aws:iot:<region>:<account>:topic/IoTBlog/*/ack in the policy of this thing's certificate",
    );
  });

  test('a connection that ends as not authorised names the statement for each message under way', async () => {
    const one = await connectedTo((type, _chunk, socket) => void (type === publish && socket.end(disconnect(0x87))));
    const results = await Promise.all([one.publish('a', 'm'), one.publish('b', 'm')]);
    for (const [index, topic] of ['a', 'b'].entries()) {
      expect(results[index]).toMatchObject({ reason: 'unauthorized' });
      expect(JSON.stringify(results[index])).toContain(
        `allow iot:Publish on arn:aws:iot:<region>:<account>:topic/${topic} `,
      );
    }
    expect(reason(one)).toContain('not authorised');
  });

  test.each([
    [0x97, 'busy'],
    [0x90, 'failed'],
    [0x10, true],
  ])('PUBACK %i is told as %s, and the connection stays', async (code, expected) => {
    const one = await connectedTo(
      (type, chunk, socket) => void (type === publish && socket.write(puback(chunk, code))),
    );
    const result = await one.publish('a', 'm');
    expect(result.ok || result.reason).toBe(expected);
    expect(reason(one)).toBe('connected');
  });

  test('a client that another one with its id puts out is told why', async () => {
    const one = await connectedTo((type, _chunk, socket) => void (type === publish && socket.end(disconnect(0x8e))));
    await one.publish('a', 'm');
    expect(peerless(reason(one))).toBe('another client connected to PEER with the client id pi, which takes ours away');
  });

  test.each([
    [0x87, true],
    [0x88, false],
  ])('CONNACK %i is told, and tried again in a hurry only where that may help', async (code, refused) => {
    const time = manualTime(Date.now());
    const port = await peer((type, _chunk, socket) => void (type === connect && socket.end(connack(code))));
    const one = transport({ port, reconnectBaseMs: 10, reconnectCapMs: 1_000 }, { time });
    await one.start();
    await expect.poll(() => reason(one)).toContain('refuses');
    expect((time.nextTimerAt() ?? 0) >= 500).toBe(refused);
  });

  test('a peer that falls silent is left after the time that an acknowledgement may take', async () => {
    const time = manualTime(Date.now());
    const port = await peer((type, _chunk, socket) => void (type === connect && socket.write(connack(0))));
    const one = transport({ port, publishTimeoutMs: 10_000 }, { time });
    await one.start();
    await untilState(one, 'connected');
    const impatient = one.publish('x', 'm', { timeoutMs: 1_000 });
    const patient = one.publish('x', 'm');
    time.advance(1_000);
    expect(await impatient).toMatchObject({ reason: 'timeout' });
    time.advance(9_000);
    expect(await patient).toMatchObject({ reason: 'timeout' });
    expect(peerless(reason(one))).toBe('PEER has not answered for 10 s');
  });

  test('a peer that never answers is given up after the time that a connection may take', async () => {
    const time = manualTime(Date.now());
    const asked: number[] = [];
    const port = await peer((type) => void asked.push(type));
    const one = transport({ port, connectTimeoutMs: 10_000 }, { time });
    await one.start();
    await expect.poll(() => asked).toEqual([connect]);
    time.advance(10_000);
    expect(peerless(reason(one))).toBe('PEER did not let us in within 10 s');
  });
});

describe.skipIf(binary === '')('iot-core transport and the process that holds it', () => {
  test('once it has stopped the process ends by itself, whatever connections it had', async () => {
    const mosquitto = await broker(['use_identity_as_username true']);
    open.push(() => mosquitto.stop());
    const module = JSON.stringify(new URL('iot-core-stage.ts', import.meta.url).href);
    const program = `
      import { iotCoreConfig, iotCoreTransport } from ${module};
      const options = { maxPayloadBytes: 1000, logger: { info() {}, warn() {} } };
      const transports = [];
      for (const port of ${JSON.stringify([mosquitto.port, 1])}) {
        const one = iotCoreTransport(iotCoreConfig({ ...${JSON.stringify({ endpoint: '127.0.0.1', ...files })}, port }), options);
        const settled = new Promise((resolve) => one.onState(resolve));
        await one.start();
        if (transports.length === 0) await settled;
        transports.push(one);
      }
      console.log(transports.map((one) => one.state().state).join());
      await Promise.all(transports.map((one) => one.stop()));
      console.log('stopped');
    `;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '--eval', program],
      { timeout: 15_000 },
    );
    expect(stdout.trim().split('\n')).toEqual(['connected,disconnected', 'stopped']);
  });
});
