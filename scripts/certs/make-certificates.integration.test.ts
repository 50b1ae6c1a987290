import { execFile, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../device/platform/logger.ts';
import { iotCoreConfig, iotCoreTransport } from '../../device/transport/iot-core-stage.ts';
import { mosquittoBinary } from '../../device/transport/mosquitto.ts';
import { type TestFolder, testFolder } from '../../device/transport/mqtt-stage.ts';
import { untilState } from '../../device/transport/transport-contract.ts';
import { makeCertificates } from './make-certificates.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');

let scratch: TestFolder;
beforeEach(async () => {
  scratch = await testFolder();
});
afterEach(() => scratch.remove());

function make(change: { force?: boolean; port?: number } = {}) {
  const options = {
    thing: 'IoT-blog_Core',
    hosts: ['localhost', '127.0.0.1'],
    port: 8_883,
    validDays: 30,
    force: false,
  };
  return makeCertificates({ folder: join(scratch.path, 'certs'), ...options, ...change });
}

const file = (name: string) => join(scratch.path, 'certs', name);
const modeOf = async (name: string) => (await stat(file(name))).mode & 0o777;

describe('certificates for the local run', () => {
  test('have the names of certs.example/README.md, and keys are for the owner alone', async () => {
    const written = await make();
    const readme = await readFile(join(root, 'certs.example/README.md'), 'utf8');
    for (const { path } of written) expect(readme).toContain(`\`${path.split('/').at(-1)}\``);
    expect(await modeOf('iot-ge.private.key')).toBe(0o600);
    expect(await modeOf('broker.private.key')).toBe(0o600);
    const device = new X509Certificate(await readFile(file('iot-ge.cert.pem')));
    expect(device.subject).toBe('CN=IoT-blog_Core');
    expect(device.verify(new X509Certificate(await readFile(file('root.ca.pem'))).publicKey)).toBe(true);
    expect(device.publicKey.export({ type: 'spki', format: 'pem' })).toBe(
      await readFile(file('iot-ge.public.key'), 'utf8'),
    );
  });

  test('are not replaced unless that is asked for; then key and mode are new', async () => {
    await make();
    const before = await readFile(file('iot-ge.private.key'), 'utf8');
    await run('chmod', ['644', file('iot-ge.private.key')]);
    await expect(make()).rejects.toThrow(/iot-ge\.private\.key.* there already.*--force/);
    expect(await readFile(file('iot-ge.private.key'), 'utf8')).toBe(before);
    await make({ force: true });
    expect(await readFile(file('iot-ge.private.key'), 'utf8')).not.toBe(before);
    expect(await modeOf('iot-ge.private.key')).toBe(0o600);
  });

  test.skipIf(mosquittoBinary === undefined)('serve a broker and a device with mutual TLS', async () => {
    const port = await freePort();
    await make({ port });
    const broker = spawn(mosquittoBinary ?? '', ['-c', file('mosquitto.conf')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    try {
      for (let said = ''; !said.includes(' running'); ) said += String(await once(broker.stderr, 'data'));
      const files = {
        certFile: file('iot-ge.cert.pem'),
        keyFile: file('iot-ge.private.key'),
        caFile: file('root.ca.pem'),
      };
      const config = iotCoreConfig({ endpoint: 'localhost', port, ...files });
      const device = iotCoreTransport(config, { maxPayloadBytes: 1_000, logger: silentLogger });
      await device.start();
      await untilState(device, 'connected');
      expect(await device.publish('IoTBlog/sensorData', '{}')).toEqual({ ok: true });
      await device.stop();
    } finally {
      broker.kill('SIGKILL');
      await once(broker, 'exit');
    }
  });

  test('the program says what it wrote and what to try next, and does not write twice', async () => {
    const folder = join(scratch.path, 'mine');
    const program = [join(root, 'node_modules/.bin/tsx'), join(root, 'scripts/certs/main.ts'), '--folder', folder];
    const { stdout } = await run(process.execPath, [...program, '--thing', 'pi', '--port', '18883']);
    expect(stdout).toContain(`${join(folder, 'iot-ge.private.key')}`);
    expect(stdout).toContain(`mosquitto -c ${join(folder, 'mosquitto.conf')}`);
    expect(stdout).toContain('--set transport.iotCore.port=18883 --set transport.iotCore.thingName=pi');
    await expect(run(process.execPath, program)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('nothing was written'),
    });
    await expect(run(process.execPath, [...program, '--days', '0'])).rejects.toMatchObject({ code: 2 });
  });
});

describe('git', () => {
  test.each(['certs/iot-ge.private.key', 'certs/mosquitto.conf', 'certs.example/iot-ge.private.key', 'other.pem'])(
    'keeps %s out',
    async (path) => {
      await run('git', ['check-ignore', '--quiet', '--no-index', path], { cwd: root });
    },
  );

  test('has the description of them, and no key', async () => {
    const { stdout } = await run('git', ['ls-files', 'certs', 'certs.example'], { cwd: root });
    expect(stdout.trim()).toBe('certs.example/README.md');
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
