import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadConfig } from '../config/load.ts';
import { componentNames, type ProgramName } from '../greengrass/components.ts';
import { type AccessControl, startTestNucleus, type TestNucleus } from '../greengrass/test-ipc-server.ts';
import { accessToAll } from '../greengrass/test-nucleus-stage.ts';
import { fixedClock } from '../monitor/machine-clock.ts';
import { manualTime, systemTime } from '../platform/time.ts';
import { testAuthority } from '../simulation/test-certificates.ts';
import { runChecks } from './check.ts';
import { readCore, rootOf } from './core.ts';
import { coreChecks } from './core-checks.ts';
import { examine } from './doctor.ts';

const dayMs = 86_400_000;

let folder: string;
let root: string;
let proc: string;
let nucleus: TestNucleus;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'core-'));
  root = join(folder, 'v2');
  proc = join(folder, 'proc');
  await mkdir(join(root, 'logs'), { recursive: true });
  nucleus = await startTestNucleus({ socket: join(root, 'ipc.socket') });
  await identity();
});
afterEach(async () => {
  await nucleus.stop();
  await rm(folder, { recursive: true, force: true });
});

async function file(path: string, text: string, mode = 0o644): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text, { mode });
  return path;
}

/** A certificate for 60 days from yesterday on, and what tells the nucleus where it is. */
async function identity(): Promise<void> {
  const authority = await testAuthority('Test authority', 60);
  const { cert, key } = await authority.client('IoT-blog_Core');
  const system = {
    certificateFilePath: await file(join(root, 'certs', 'iot-ge.cert.pem'), cert),
    privateKeyPath: await file(join(root, 'certs', 'iot-ge.private.key'), key, 0o600),
    rootCaPath: await file(join(root, 'certs', 'root.ca.pem'), authority.cert),
    thingName: 'IoT-blog_Core',
  };
  await file(join(root, 'config.yaml'), JSON.stringify({ system, services: {} }));
}

const deploy = (program: ProgramName) =>
  mkdir(join(root, 'packages', 'artifacts-unarchived', componentNames[program]), { recursive: true });

/** A process as the kernel shows it, of a component that the nucleus has started. */
async function run(program: ProgramName, pid: number, accessControl: AccessControl = accessToAll): Promise<void> {
  await deploy(program);
  const env = {
    ...nucleus.component(componentNames[program], { accessControl }),
    GREENGRASS_ITSM__STORE__DATA_DIR: join(root, 'work', componentNames[program]),
  };
  const environ = Object.entries(env).map(([name, value]) => `${name}=${value}\0`);
  await file(join(proc, `${pid}`, 'environ'), environ.join(''));
  await file(join(proc, `${pid}`, 'cmdline'), `node\0${root}/packages/x/${program}.mjs\0`);
}

/** What the checks of the core say. */
async function look(nowMs = Date.now()) {
  const core = await readCore(root, proc);
  const reports = await runChecks(coreChecks(core, manualTime(nowMs)), { time: systemTime, limitMs: 5_000 });
  return (name: string) => line(reports.find((report) => report.name === name));
}

function line(report: { result: string; found: string; todo?: string } | undefined): string {
  return [report?.result, report?.found, report?.todo].filter((part) => part !== undefined).join(' | ');
}

test('knows its core by where it was unpacked', () => {
  const place = '/packages/artifacts-unarchived/com.iotblog.SensorMonitor/0.1.0/sensor-monitor-arm64/doctor.mjs';
  expect(rootOf(`/greengrass/v2${place}`)).toBe('/greengrass/v2');
  expect(rootOf('/home/pi/greengrass-itsm/scripts/doctor/main.ts')).toBeUndefined();
});

describe('the nucleus', () => {
  test('listens', async () => {
    expect((await look())('nucleus')).toBe(`ok | listens on ${root}/ipc.socket`);
  });

  test('has left its socket behind', async () => {
    // What a killed nucleus leaves: a file, and nobody behind it.
    await nucleus.stop();
    await file(join(root, 'ipc.socket'), '');
    expect((await look())('nucleus')).toMatch(
      /^fail \| nothing listens on \S+ipc\.socket \(ECONNREFUSED\) \| sudo systemctl status greengrass; sudo tail /,
    );
  });

  test('has never run', async () => {
    await nucleus.stop();
    expect(existsSync(join(root, 'ipc.socket'))).toBe(false);
    expect((await look())('nucleus')).toMatch(/^fail \| no socket .* it has never run here \| sudo systemctl status/);
  });
});

describe('the certificate', () => {
  test.each([
    ['now', 0, /^ok \| of IoT-blog_Core, until \d{4}-\d\d-\d\d$/],
    [
      'a month before its end',
      31 * dayMs,
      /^warn \| \S+iot-ge\.cert\.pem is valid until .* \| Give the device a new key/,
    ],
    ['after its end', 61 * dayMs, /^fail \| \S+iot-ge\.cert\.pem was valid until .* \| Give the device a new key/],
    ['by a clock that has lost its time', -900 * dayMs, /^fail \| .* clock says .* \| .*: the clock is wrong\.$/],
  ])('%s', async (_case, afterMs, expected) => {
    expect((await look(Date.now() + afterMs))('certificate')).toMatch(expected);
  });

  test('is another key’s', async () => {
    const { key } = await (await testAuthority()).client('other');
    await file(join(root, 'certs', 'iot-ge.private.key'), key, 0o600);
    expect((await look())('certificate')).toMatch(/^fail \| \S+ is not the certificate of \S+ \| .* install BUNDLE/);
  });

  test('has a key that others may read', async () => {
    await chmod(join(root, 'certs', 'iot-ge.private.key'), 0o640);
    expect((await look())('certificate')).toMatch(/^fail \| \S+ is open to other users \| sudo chmod 600 \S+$/);
  });

  test('is missing, or not told of', async () => {
    await rm(join(root, 'certs', 'iot-ge.cert.pem'));
    expect((await look())('certificate')).toMatch(/^fail \| what \S+config\.yaml names cannot be read: ENOENT/);
    await file(join(root, 'config.yaml'), 'system: {thingName: x}');
    expect((await look())('certificate')).toMatch(
      /^fail \| .* for system\.certificateFilePath, .* \| .*install BUNDLE/,
    );
    await rm(join(root, 'config.yaml'));
    expect((await look())('certificate')).toMatch(/^fail \| there is no \S+config\.yaml, no /);
  });
});

test('components run, do not run, or are not deployed', async () => {
  for (const name of ['component sensor-monitor', 'component anomaly-handler']) {
    expect((await look())(name)).toMatch(/^fail \| \S+ is not deployed on this core \| npm run provision -- create/);
  }
  await run('sensor-monitor', 1_234);
  const finding = await look();
  expect(finding('component sensor-monitor')).toBe('ok | com.iotblog.SensorMonitor runs (process 1234)');
  expect(finding('component anomaly-handler')).toMatch(/^skip \| com\.iotblog\.AnomalyHandler is not deployed/);
  await deploy('anomaly-handler');
  expect((await look())('component anomaly-handler')).toMatch(
    /^fail \| .* is deployed, and does not run \| sudo tail -n 50 \S+\/logs\/com\.iotblog\.AnomalyHandler\.log: /,
  );
});

test('a process of another core, or one that no nucleus started, is not taken for the component', async () => {
  await run('sensor-monitor', 1_234);
  await file(join(proc, '1234', 'environ'), 'GREENGRASS_ITSM__STORE__DATA_DIR=/elsewhere\0SVCUID=x\0');
  expect((await look())('component sensor-monitor')).toMatch(/^fail /);
});

describe('asked as its components', () => {
  async function findings(access?: AccessControl) {
    await run('sensor-monitor', 1);
    if (access !== undefined) await run('anomaly-handler', 2, access);
    const core = await readCore(root, proc);
    const { config } = await loadConfig({
      set: [
        'transport.kind=greengrass-ipc',
        'secrets.kind=greengrass',
        'sensor.kind=mqtt',
        'serviceNow.url=http://127.0.0.1:1',
      ],
      deployment: { store: { dataDir: folder } },
    });
    const machine = {
      ...{ root: '/', platform: 'linux', arch: 'arm64', nodeVersion: 'v22.13.0', mayUse: async () => true },
      user: { name: 'root', uid: 0, gids: [] },
    };
    const given = { monitor: config, handler: config, core, kept: [], machine, machineClock: fixedClock('boot') };
    const reports = await examine({ ...given, write: false, networkMs: 2_000 });
    return (name: string) => line(reports.find((report) => report.name === name));
  }

  test('the nucleus hands messages and the secret over', async () => {
    const secretString = JSON.stringify({ username: 'greengrass', password: 'canary-password' });
    nucleus.putSecret({ arn: 'arn:s', name: 'greengrass-snow-creds', versionId: '1', value: { secretString } });
    const finding = await findings(accessToAll);
    expect(finding('messages of sensor-monitor')).toBe('ok | the nucleus answers');
    expect(finding('messages of anomaly-handler')).toBe('ok | the nucleus answers');
    expect(finding('secret')).toBe('ok | greengrass greengrass-snow-creds, holds a user name and a password');
    await expect.poll(() => nucleus.connections()).toBe(0);
  });

  test('the nucleus refuses what accessControl lacks, and the entry is told', async () => {
    const finding = await findings({});
    expect(finding('messages of sensor-monitor')).toMatch(/^ok /);
    expect(finding('messages of anomaly-handler')).toMatch(/^fail \| .*accessControl.*SubscribeToTopic/s);
    expect(finding('secret')).toMatch(/^fail \| Secret greengrass-snow-creds may not be read: .*accessControl/);
    expect(finding('login')).toBe('skip | not checked: needs secret');
  });

  test('one that has no handler is not asked for a secret or an instance', async () => {
    const finding = await findings();
    expect(finding('messages of sensor-monitor')).toMatch(/^ok /);
    for (const name of ['messages of anomaly-handler', 'secret', 'instance']) expect(finding(name)).toBe('');
  });
});
