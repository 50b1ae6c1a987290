import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ComponentName, components, readRecipe } from '../../cloud/greengrass/recipe.ts';
import { recipeRun } from '../../cloud/greengrass/recipe-run.ts';
import { silentLogger } from '../../device/platform/logger.ts';
import { type ServiceNow, startServiceNow } from '../../device/simulation/servicenow/start-servicenow.ts';
import { createPackaging } from './build-packages.ts';
import { type Target, targets } from './target.ts';
import { type RecordingBroker, startRecordingBroker } from './test-broker.ts';
import { machineFor } from './test-machine.ts';
import { unpack } from './unpack.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const thingName = 'IoT-blog_Core';
/** Emulated programs are some ten times slower. */
const patienceMs = 120_000;

let folder: string;
let broker: RecordingBroker;
let serviceNow: ServiceNow;
const running = new Set<ChildProcess>();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'packaged-'));
  broker = await startRecordingBroker();
  serviceNow = await startServiceNow({ port: 0, dataDir: ':memory:', logger: silentLogger });
  serviceNow.addUser({ userName: 'greengrass', password: 'greengrass-password', roles: ['itil'] });
});
afterEach(async () => {
  for (const child of running) child.kill('SIGKILL');
  await Promise.all([broker.stop(), serviceNow.stop()]);
  await rm(folder, { recursive: true, force: true });
});

/** Laid over the recipes' configuration, so that a broker stands in for the nucleus and a breach is told at once. */
async function configuration(): Promise<Record<string, string>> {
  const secret = join(folder, 'secret.json');
  await writeFile(secret, JSON.stringify({ username: 'greengrass', password: 'greengrass-password' }), { mode: 0o600 });
  const groups = {
    TRANSPORT: { kind: 'mqtt', mqtt: { url: broker.url } },
    SENSOR: { kind: 'mock', intervalMs: 200, timeoutMs: 150, warmUpReadings: 0 },
    // Long enough that the chart has a curve to draw.
    THRESHOLDS: { temperature: { upper: 10, onDelayMs: 1_000 } },
    MONITOR: { heartbeatMs: 300 },
    HANDLER: { claimMs: 0 },
    DELIVERY: { settleMs: 100, backoffBaseMs: 50 },
    SERVICE_NOW: { url: serviceNow.url },
    SECRETS: { kind: 'file', file: secret },
    STORE: { reserveBytes: 0 },
  };
  return Object.fromEntries(
    Object.entries(groups).map(([name, value]) => [`GREENGRASS_ITSM__${name}`, JSON.stringify(value)]),
  );
}

interface Started {
  installed: string;
  url(): string | undefined;
  /** The exit code after SIGTERM, and how long the end took. */
  stop(): Promise<{ code: number | null; tookMs: number }>;
}

/** Installs and starts a component as the nucleus does. */
async function start(name: ComponentName, target: Target, environment: Record<string, string>): Promise<Started> {
  const workPath = join(folder, 'work', name);
  mkdirSync(workPath, { recursive: true });
  const variables = { decompressedPath: join(folder, name), workPath, thingName };
  const steps = recipeRun(readRecipe(name), target.architecture, variables);
  const options = { cwd: steps.cwd, env: { ...process.env, ...environment, ...steps.env } };
  const { stdout: installed } = await run('sh', ['-c', steps.install], options);
  const child = spawn('sh', ['-c', steps.run ?? 'exit 1'], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      log += chunk.toString();
    });
  }
  return {
    installed,
    url: () => /"url":"(http:[^"]+)"/.exec(log)?.[1],
    async stop() {
      const startedAt = performance.now();
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
      running.delete(child);
      if (child.exitCode !== 0) throw new Error(log);
      return { code: child.exitCode, tookMs: performance.now() - startedAt };
    },
  };
}

/** What `accessControl` grants a component for one operation among components. */
function granted(name: ComponentName, operation: string): string[] {
  const { accessControl } = readRecipe(name).ComponentConfiguration.DefaultConfiguration;
  return Object.values(accessControl['aws.greengrass.ipc.pubsub'] ?? {})
    .filter(({ operations }) => operations.includes(`aws.greengrass#${operation}`))
    .flatMap(({ resources }) => resources)
    .toSorted();
}

/** As a recipe grants it: `*` for what varies. */
function asResources(topics: readonly string[]): string[] {
  return [...new Set(topics.map((topic) => topic.replace(thingName, '*').replace('+', '*')))].toSorted();
}

const names = components.map(({ name }) => name);
const cache = join(root, '.cache', 'npm');
const machines = targets.map((target) => ({ target, machine: machineFor(target, cache) }));
/** Packages that each component loads at run time, when it needs them. */
const loaded = {
  'com.iotblog.SensorMonitor': ['koffi', 'libsql'],
  'com.iotblog.AnomalyHandler': ['libsql', '@resvg/resvg-js'],
} as const;

for (const { target, machine } of machines) {
  describe(`the zips for ${target.name} (${machine.how})`, () => {
    const title = 'start as their recipes say, open an incident with its chart, and stop at SIGTERM';
    test.runIf(machine.usable)(title, { timeout: 3 * patienceMs }, async () => {
      const packaging = createPackaging({ root, out: join(folder, 'dist'), components: names, targets: [target] });
      await packaging.prepare();
      for (const name of names) await unpack((await packaging.build(name, target)).file, join(folder, name));
      const { path } = await machine.prepare(join(folder, 'machine'));
      const environment = { ...(await configuration()), PATH: path, NODE_NO_WARNINGS: '1' };

      const handler = await start('com.iotblog.AnomalyHandler', target, environment);
      expect(handler.installed).toContain('com.iotblog.AnomalyHandler can run here: Node.js');
      await expect.poll(() => broker.subscribed('handler').length, { timeout: patienceMs }).toBe(3);
      const monitor = await start('com.iotblog.SensorMonitor', target, environment);
      expect(monitor.installed).toContain(`(${target.nodeArch})`);

      await expect
        .poll(() => serviceNow.rows('incident').map((row) => row['correlation_id']), { timeout: patienceMs })
        .toEqual([`home/${thingName}/temperature/upper`]);
      const attachments = () => serviceNow.rows('sys_attachment');
      await expect.poll(() => attachments().length, { timeout: patienceMs }).toBe(1);
      expect(attachments()[0]).toMatchObject({ content_type: 'image/png' });
      expect(Number(attachments()[0]?.['size_bytes'])).toBeGreaterThan(5_000);

      const page = await (await fetch(`${handler.url()}/`)).text();
      const assets = [...page.matchAll(/\/assets\/[\w.-]+/g)].map(([asset]) => asset);
      expect(assets).toHaveLength(3);
      for (const asset of assets) expect((await fetch(`${handler.url()}${asset}`)).status).toBe(200);
      expect((await fetch(`${monitor.url()}/healthz`)).status).toBe(200);

      for (const stopped of [await monitor.stop(), await handler.stop()]) {
        expect(stopped.code).toBe(0);
        expect(stopped.tookMs).toBeLessThan(5_000);
      }
      const programs = { 'com.iotblog.SensorMonitor': 'monitor', 'com.iotblog.AnomalyHandler': 'handler' } as const;
      for (const { name, program } of components) {
        const [published, subscribed] = [broker.published(programs[name]), broker.subscribed(programs[name])];
        expect(asResources(published)).toEqual(granted(name, 'PublishToTopic'));
        expect(asResources(subscribed)).toEqual(granted(name, 'SubscribeToTopic'));

        const parts = ['./aws-crt-nodejs.node', ...loaded[name]].map((part) => `require('${part}');`).join('');
        const cwd = join(folder, name, `${program}-${target.name}`);
        const { stdout } = await run('node', ['-p', `${parts}process.arch`], { cwd, env: { PATH: path } });
        expect(stdout).toBe(`${target.nodeArch}\n`);
      }
    });
  });
}
