import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Config, configSchema } from '../config/schema.ts';
import { fixedClock } from '../monitor/machine-clock.ts';
import { silentLogger } from '../platform/logger.ts';
import { systemTime } from '../platform/time.ts';
import { createSource } from '../sensor/create-source.ts';
import { type Check, runChecks } from './check.ts';
import { diskChecks } from './disk-checks.ts';
import type { Machine } from './machine.ts';
import { machineChecks } from './machine-checks.ts';
import { sensorChecks } from './sensor-checks.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'doctor-'));
});
afterEach(() => rm(root, { recursive: true }));

async function file(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
}

const pi = (change: Partial<Machine> = {}): Machine => ({
  root,
  platform: 'linux',
  arch: 'arm64',
  nodeVersion: 'v22.13.0',
  user: { name: 'pi', uid: 1000, gids: [1000, 998, 44, 995] },
  mayUse: async () => true,
  ...change,
});

async function run(checks: readonly Check[]) {
  const reports = await runChecks(checks, { time: systemTime, limitMs: 5_000 });
  return (name: string) => {
    const found = reports.find((report) => report.name === name);
    return [found?.result, found?.found, found?.todo].filter((part) => part !== undefined).join(' | ');
  };
}

describe('the machine', () => {
  const goodClock = fixedClock('boot', 'timesyncd');
  const one = async (name: string, change: Partial<Machine>, clock = goodClock) =>
    (await run(machineChecks(pi(change), clock, systemTime)))(name);

  test.each([
    ['arm64', 'ok | arm64'],
    ['x64', 'ok | x64'],
    ['arm', 'fail | Node.js is a 32-bit program here (arm) | Install the 64-bit Raspberry Pi OS: '],
    ['riscv64', 'warn | riscv64, which is not tested | '],
  ])('of architecture %s', async (arch, expected) => {
    expect(await one('64-bit', { arch })).toContain(expected);
  });

  test.each([
    ['v18.20.0', 'fail | v18.20.0; at least 20.19 is needed | Install Node.js 24'],
    ['v20.18.3', 'fail | v20.18.3; at least 20.19 is needed'],
    ['v20.19.0', 'ok | v20.19.0'],
    ['v22.0.0', 'ok | v22.0.0'],
    ['v23.1.0', 'warn | v23.1.0, which is not tested | Use one of Node.js 20, 22, 24.'],
    ['v24.3.0', 'ok | v24.3.0'],
  ])('with Node.js %s', async (nodeVersion, expected) => {
    expect(await one('Node.js', { nodeVersion })).toContain(expected);
  });

  test('with a clock', async () => {
    expect(await one('clock', {})).toBe('ok | synchronised (timesyncd)');
    expect(await one('clock', {}, fixedClock('boot', 'chrony', false))).toMatch(
      /^warn \| not synchronised \(chrony\) \| timedatectl/,
    );
  });
});

describe('the disk', () => {
  const look = async (dataDir: string, reserveBytes = 0) => run(diskChecks({ dataDir, reserveBytes }));

  test('takes files, and keeps none of the check', async () => {
    const finding = await look(root);
    expect(finding('data directory')).toMatch(
      new RegExp(`^(ok \\| ${root} is writable|warn \\| ${root} is in memory)`),
    );
    expect(await readdir(root)).toEqual([]);
  });

  test('a folder that is not there yet is not made by looking', async () => {
    const dataDir = join(root, 'new', 'data');
    expect((await look(dataDir))('data directory')).toBe(`ok | ${dataDir} is made at the first start`);
    expect(await readdir(root)).toEqual([]);
  });

  test('a file is no folder', async () => {
    await file('data', '');
    expect((await look(join(root, 'data')))('data directory')).toBe(
      `fail | ${root}/data is a file | Choose a folder with store.dataDir or --data-dir.`,
    );
  });

  test('a folder of the kernel’s takes no file', async () => {
    const finding = (await look('/proc/self'))('data directory');
    expect(finding).toMatch(/^fail \| \/proc\/self takes no file: \w+ \| sudo install -d -m 700 .* \/proc\/self;/);
  });

  test('too little space fails', async () => {
    expect((await look(root))('disk space')).toMatch(/^(ok|warn) \| [\d.]+ [GM]B free for /);
    expect((await look(root, 1e15))('disk space')).toMatch(/^fail \| .* \| Free space, .*: df -h \//);
  });
});

describe('the sensor', () => {
  const sensor = (change: object): Config['sensor'] => configSchema.parse({ sensor: change }).sensor;
  const withoutSource = () => Promise.reject(new Error('not asked for'));
  const look = (change: object, machine = pi()) =>
    run(sensorChecks({ config: sensor(change), machine, source: withoutSource }));
  const groups = 'root:x:0:\nvideo:x:44:pi,ggc_user\ninput:x:995:pi\ni2c:x:998:pi,ggc_user\n';

  test('served by the kernel’s driver needs no bus', async () => {
    await file('sys/bus/iio/devices/iio:device0/name', 'hts221\n');
    const finding = await look({ kind: 'auto' });
    expect(finding('IIO devices')).toBe('ok | hts221');
    expect(finding('I2C bus')).toBe('skip | the kernel’s driver serves the sensor');
  });

  test('on the bus is found there', async () => {
    await file('dev/i2c-1', '');
    await file('sys/bus/iio/devices/iio:device0/name', 'rp1-adc\n');
    const finding = await look({ kind: 'auto' });
    expect(finding('IIO devices')).toMatch(/^skip \| none of hts221, lps25h /);
    expect(finding('I2C bus')).toBe('ok | /dev/i2c-1, open to pi');
  });

  test('without a bus, a driver, or the right to use the bus fails and says what to do', async () => {
    const finding = await look({ kind: 'i2c' });
    expect(finding('I2C bus')).toMatch(/^fail \| \/dev\/i2c-1 is not there \| sudo raspi-config nonint do_i2c 0/);
    expect(finding('reading')).toBe('skip | not checked: needs I2C bus');
    expect((await look({ kind: 'iio' }))('IIO devices')).toMatch(/^fail \| none of .* \| Add dtoverlay=rpi-sense/);
    await file('dev/i2c-1', '');
    const forbidden = await look({ kind: 'i2c' }, pi({ mayUse: async () => false }));
    expect(forbidden('I2C bus')).toBe(
      'fail | /dev/i2c-1 may not be opened by pi | sudo usermod -aG i2c pi, then log in again',
    );
  });

  test.each<[string, { gids: number[]; passwd?: string; uid?: number }, string]>([
    ['all', { gids: [44, 995, 998] }, 'ok | pi is in video, input, i2c'],
    ['none for the display', { gids: [998] }, 'warn | pi was put into video, input after this login | Log in again.'],
    [
      'none for a service account',
      { gids: [44, 995, 998], passwd: 'ggc_user:x:997:997::/:/bin/false\n' },
      'warn | ggc_user is not in input | sudo usermod -aG input ggc_user, then: sudo systemctl restart greengrass',
    ],
    ['root', { gids: [0], uid: 0 }, 'ok | root may open everything'],
  ])('looks at the groups of its user: %s', async (_case, { gids, passwd = '', uid = 1000 }, expected) => {
    await file('etc/group', groups);
    await file('etc/passwd', passwd);
    const finding = await look({ kind: 'i2c' }, pi({ user: { name: 'pi', uid, gids } }));
    expect(finding('groups')).toBe(expected);
  });

  test('a user outside the group of the bus fails', async () => {
    await file('etc/group', groups);
    const finding = await look({ kind: 'i2c' }, pi({ user: { name: 'eve', uid: 1001, gids: [44, 995] } }));
    expect(finding('groups')).toBe('fail | eve is not in i2c | sudo usermod -aG i2c eve, then log in again');
  });

  test('that is simulated, recorded or remote needs neither bus nor groups', async () => {
    const finding = await look({ kind: 'mqtt' });
    for (const name of ['IIO devices', 'I2C bus', 'groups', 'reading']) expect(finding(name)).toMatch(/^skip \| /);
  });

  test('is read once', async () => {
    const config = configSchema.parse({ sensor: { kind: 'mock', intervalMs: 50 } });
    const source = () => createSource(config, { time: systemTime, logger: silentLogger });
    const finding = await run(sensorChecks({ config: config.sensor, machine: pi(), source }));
    expect(finding('reading')).toMatch(/^ok \| temperature [\d.]+, humidity [\d.]+.* \(mock.*\)$/);
  });

  test('that gives no reading fails with its own words', async () => {
    const config = configSchema.parse({ sensor: { kind: 'iio', iio: { root: join(root, 'sys/bus/iio/devices') } } });
    await file('sys/bus/iio/devices/iio:device0/name', 'hts221\n');
    const source = () => createSource(config, { time: systemTime, logger: silentLogger });
    const machine = pi({ root: '/' });
    const finding = await run(sensorChecks({ config: config.sensor, machine, source }));
    expect(finding('reading')).toMatch(/^fail \| iio: .*ENOENT/);
  });

  test('of a recording that is not there fails', async () => {
    const config = configSchema.parse({ sensor: { kind: 'replay', replay: { file: join(root, 'none.csv') } } });
    const source = () => createSource(config, { time: systemTime, logger: silentLogger });
    const finding = await run(sensorChecks({ config: config.sensor, machine: pi(), source }));
    expect(finding('reading')).toMatch(/^fail \| .*none\.csv.* \| Correct sensor\.\* in the configuration\.$/);
  });
});
