import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config/schema.ts';
import { AppError } from '../platform/errors.ts';
import type { SampleSource } from '../sensor/source.ts';
import { type Check, type Finding, fail, ok, skip, warn } from './check.ts';
import type { Machine } from './machine.ts';

const topic = 'Sensor';
const chips: readonly string[] = ['hts221', 'lps25h'];
/** The account of Greengrass components. */
const greengrassUser = 'ggc_user';

export interface SensorCheckDeps {
  config: Config['sensor'];
  machine: Machine;
  /** The source that configuration names, not started. */
  source: () => Promise<SampleSource>;
}

export function sensorChecks({ config, machine, source }: SensorCheckDeps): Check[] {
  const usesBus = ['auto', 'i2c', 'node-sense-hat'].includes(config.kind);
  const unused = () => skip(`sensor.kind ${config.kind} needs none`);
  const driver = () => iioChips(join(machine.root, config.iio.root));
  return [
    {
      name: 'IIO devices',
      topic,
      run: async () =>
        config.kind === 'auto' || config.kind === 'iio' ? iioFinding(config, await driver()) : unused(),
    },
    {
      name: 'I2C bus',
      topic,
      async run() {
        if (!usesBus) return unused();
        if (config.kind === 'auto' && (await driver()).length > 0) return skip('the kernel’s driver serves the sensor');
        return busFinding(config.i2c.device, machine);
      },
    },
    { name: 'groups', topic, run: () => (usesBus ? groupsFinding(machine) : unused()) },
    { name: 'reading', topic, needs: ['IIO devices', 'I2C bus'], run: () => firstReading(config.kind, source) },
  ];
}

/** Names of the Sense HAT's chips that the kernel has a driver for. */
async function iioChips(root: string): Promise<string[]> {
  const devices = await readdir(root).catch(() => []);
  const names = await Promise.all(
    devices.map((device) => readFile(join(root, device, 'name'), 'utf8').catch(() => '')),
  );
  return names.map((name) => name.trim()).filter((name) => chips.includes(name));
}

function iioFinding({ kind, iio }: Config['sensor'], found: readonly string[]): Finding {
  if (found.length > 0) return ok(found.join(', '));
  if (kind === 'auto') return skip(`none of ${chips.join(', ')} under ${iio.root}; the I²C bus is used`);
  return fail(
    `none of ${chips.join(', ')} under ${iio.root}`,
    'Add dtoverlay=rpi-sense to /boot/firmware/config.txt and reboot, or set sensor.kind=i2c.',
  );
}

async function busFinding(device: string, { root, user, mayUse }: Machine): Promise<Finding> {
  const path = join(root, device);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) {
    return fail(
      `${device} is not there`,
      'sudo raspi-config nonint do_i2c 0 && sudo reboot (on a machine without a Sense HAT: --set sensor.kind=mock)',
    );
  }
  if (found.isDirectory()) return fail(`${device} is a folder`, 'Name the bus with sensor.i2c.device.');
  if (await mayUse(path)) return ok(`${device}, open to ${user.name}`);
  return fail(`${device} may not be opened by ${user.name}`, `sudo usermod -aG i2c ${user.name}, then log in again`);
}

interface Group {
  name: string;
  gid: number;
  members: readonly string[];
}

async function groupsFinding({ root, user }: Machine): Promise<Finding> {
  const [groups, accounts] = await Promise.all([lines(join(root, 'etc/group')), lines(join(root, 'etc/passwd'))]);
  const wanted = groups.flatMap(([name = '', , gid = '', members = '']): Group[] =>
    ['i2c', 'video', 'input'].includes(name) ? [{ name, gid: Number(gid), members: members.split(',') }] : [],
  );
  if (wanted.length === 0) return skip('this machine has no groups i2c, video and input');
  const namesOf = (isIn: (group: Group) => boolean) => wanted.filter((group) => !isIn(group)).map(({ name }) => name);

  const service = accounts.find(([name]) => name === greengrassUser);
  if (service !== undefined && user.name !== greengrassUser) {
    const missing = namesOf(({ gid, members }) => members.includes(greengrassUser) || Number(service[3]) === gid);
    if (missing.length > 0) return missingGroups(greengrassUser, missing, 'then: sudo systemctl restart greengrass');
  }
  if (user.uid === 0) return ok(service === undefined ? 'root may open everything' : `${greengrassUser} is in all`);
  const missing = namesOf(({ gid }) => user.gids.includes(gid));
  if (missing.length === 0) return ok(`${user.name} is in ${wanted.map(({ name }) => name).join(', ')}`);
  const listed = wanted.every(({ name, members }) => !missing.includes(name) || members.includes(user.name));
  if (listed) return warn(`${user.name} was put into ${missing.join(', ')} after this login`, 'Log in again.');
  return missingGroups(user.name, missing, 'then log in again');
}

/** Without i2c the sensor cannot be read; without the others only the Sense HAT's display and joystick stay dark. */
function missingGroups(user: string, missing: readonly string[], then: string): Finding {
  const found = `${user} is not in ${missing.join(', ')}`;
  const todo = `sudo usermod -aG ${missing.join(',')} ${user}, ${then}`;
  return missing.includes('i2c') ? fail(found, todo) : warn(found, todo);
}

async function lines(path: string): Promise<string[][]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.split('\n').map((line) => line.split(':'));
}

/** Starts the source and waits for its first sample or fault. */
async function firstReading(kind: Config['sensor']['kind'], source: () => Promise<SampleSource>): Promise<Finding> {
  if (kind === 'mqtt') return skip('sensor.kind mqtt has readings when devices publish them');
  let started: SampleSource | undefined;
  try {
    const opened = await source();
    started = opened;
    const first = await new Promise<{ metrics: Readonly<Record<string, number>> } | { fault: string }>(
      (resolve, reject) => {
        opened
          .start({
            sample: ({ metrics }) => resolve({ metrics }),
            fault: ({ message }) => resolve({ fault: message }),
            ended: () => resolve({ fault: 'there is not one reading in it' }),
          })
          .catch(reject);
      },
    );
    if ('fault' in first) {
      return fail(first.fault, 'Correct what it says; on a machine without a sensor: --set sensor.kind=mock');
    }
    const values = Object.entries(first.metrics).map(([metric, value]) => `${metric} ${value.toFixed(1)}`);
    return ok(`${values.join(', ')} (${opened.describe()})`);
  } catch (error) {
    if (error instanceof AppError) return fail(error.message, 'Correct sensor.* in the configuration.');
    throw error;
  } finally {
    await started?.stop();
  }
}
