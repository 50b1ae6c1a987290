import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../device/platform/logger.ts';
import { startBroker } from '../../device/simulation/broker.ts';
import { startServiceNow } from '../../device/simulation/servicenow/start-servicenow.ts';

const password = 'canary-password';
const brokerPassword = 'canary-broker';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doctor-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function doctor(...args: string[]): Promise<{ code: number | null; out: string; err: string; ms: number }> {
  const startedMs = performance.now();
  const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/doctor/main.ts', '--data-dir', folder, ...args]);
  const output = { out: '', err: '' };
  child.stdout.on('data', (chunk) => {
    output.out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output.err += chunk;
  });
  await once(child, 'close');
  return { code: child.exitCode, ...output, ms: performance.now() - startedMs };
}

const set = (values: Record<string, string>) =>
  Object.entries(values).flatMap(([path, value]) => ['--set', `${path}=${value}`]);

describe('npm run doctor', () => {
  test('ends with 0 where nothing fails, with --write too, and tells no secret', async () => {
    const broker = await startBroker({ port: 0, users: { edge: brokerPassword }, logger: silentLogger });
    const serviceNow = await startServiceNow({ port: 0, dataDir: ':memory:', password, logger: silentLogger });
    try {
      await writeFile(join(folder, 'greengrass-snow-creds.json'), JSON.stringify({ username: 'admin', password }), {
        mode: 0o600,
      });
      await writeFile(join(folder, 'broker-password'), brokerPassword, { mode: 0o600 });
      const options = set({
        'sensor.kind': 'mock',
        'sensor.intervalMs': '100',
        'transport.mqtt.url': broker.url,
        'transport.mqtt.username': 'edge',
        'transport.mqtt.passwordFile': join(folder, 'broker-password'),
        'serviceNow.url': serviceNow.url,
        'serviceNow.fields.assignment_group': 'Facilities',
      });
      const plain = await doctor('--write', ...options);
      expect(plain.err).toBe('');
      expect(plain.out).toMatch(
        /^greengrass-itsm\/\S+ · device IoT-blog_Core · configuration [0-9a-f]{12}\n\nMachine\n/,
      );
      expect(plain.out).toMatch(/✓ test incident +INC\d+ was made, read back, noted and canceled\n/);
      expect(plain.code).toBe(0);
      expect(serviceNow.rows('incident')).toMatchObject([{ state: '8' }]);

      const json = await doctor('--json', ...options);
      expect(JSON.parse(json.out)).toMatchObject({ ok: true, counts: { fail: 0 } });
      expect(json.code).toBe(0);
      expect(plain.out + json.out + json.err).not.toContain('canary');
    } finally {
      await serviceNow.stop();
      await broker.stop();
    }
  });

  test('ends with 1 where something fails, within ten seconds though nothing answers', async () => {
    const options = set({
      'sensor.kind': 'mock',
      'transport.mqtt.url': `mqtt://127.0.0.1:${mutePort}`,
      'serviceNow.url': `http://127.0.0.1:${mutePort}`,
    });
    const { code, out, ms } = await doctor(...options);
    expect(out).toMatch(/✗ broker .*did not let us in within 4 s\n/);
    expect(out).toMatch(/✗ instance .*gave no whole answer/);
    expect(out).toMatch(/\nNot ready: \d+ ok, \d+ to look at, 3 failed, \d+ not checked\.\n$/);
    expect(code).toBe(1);
    expect(ms).toBeLessThan(10_000);
  });

  test.each([
    ['an unknown option', ['--colour'], "unknown option '--colour'"],
    ['an unknown field', set({ 'serviceNow.uri': 'x' }), 'serviceNow.uri'],
    ['a file that is missing', ['--config', 'none.yaml'], 'none.yaml'],
  ])('ends with 2 and one sentence for %s', async (_case, args, sentence) => {
    const { code, out, err } = await doctor(...args);
    expect(err).toContain(sentence);
    expect(err).not.toContain('    at ');
    expect([out, code]).toEqual(['', 2]);
  });
});

/** Takes connections and never says a word. */
let mute: Server;
let mutePort = 0;
const sockets = new Set<Socket>();
beforeAll(async () => {
  mute = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
  const address = mute.address();
  mutePort = typeof address === 'object' && address !== null ? address.port : 0;
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => mute.close(resolve));
});
