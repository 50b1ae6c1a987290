import { access, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createNodeSenseHat } from './node-sense-hat.ts';
import type { ReadResult, Sensor } from './sensor.ts';

let folder = '';
let sensor: Sensor | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sense-'));
});
afterEach(async () => {
  await sensor?.stop();
  await rm(folder, { recursive: true });
});

/** The package with a stand-in for its native addon: the body of getValue(callback), after what the module does first. */
async function packageWith(getValue: string, first = ''): Promise<void> {
  const modules = join(folder, 'node_modules');
  await mkdir(join(modules, 'node-sense-hat'), { recursive: true });
  await mkdir(join(modules, 'nodeimu'), { recursive: true });
  await writeFile(join(modules, 'node-sense-hat', 'package.json'), '{"name":"node-sense-hat","version":"0.0.2"}');
  await writeFile(join(modules, 'node-sense-hat', 'index.js'), 'throw new Error("no LED matrix");');
  await writeFile(
    join(modules, 'nodeimu', 'index.js'),
    `let count = 0; exports.IMU = class { constructor() { ${first} } getValue(callback) { count += 1; ${getValue} } };`,
  );
}

function create(): Sensor {
  sensor = createNodeSenseHat({ workingDir: join(folder, 'work'), resolveFrom: join(folder, 'index.js') });
  return sensor;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const read = (from: Sensor, signal = new AbortController().signal): Promise<ReadResult> => from.read(signal);
const answering = 'callback(null, { temperature: 24.5, humidity: 41, pressure: 1013 + count, accel: {} });';

describe('createNodeSenseHat', () => {
  test('reads through one child process, whose working directory is its own', async () => {
    await packageWith(answering, 'require("node:fs").writeFileSync("RTIMULib.ini", "");');
    const sense = create();
    expect(await read(sense)).toEqual({ ok: true, metrics: { temperature: 24.5, humidity: 41, pressure: 1_014 } });
    expect(await read(sense)).toEqual({ ok: true, metrics: { temperature: 24.5, humidity: 41, pressure: 1_015 } });
    await access(join(folder, 'work', 'RTIMULib.ini'));
  });

  test('a package that is not installed is told with the one command that installs it', async () => {
    expect(await read(create())).toEqual({
      ok: false,
      reason: 'not-found',
      message: expect.stringContaining('npm install --no-save node-sense-hat@0.0.2'),
    });
  });

  test('an addon that ends its process is a fault of the sensor; the next read starts another', async () => {
    await packageWith(
      answering,
      `const fs = require("node:fs");
       if (!fs.existsSync("once")) { fs.writeFileSync("once", ""); fs.writeSync(2, "No IMU detected\\n"); process.exit(1); }`,
    );
    const sense = create();
    expect(await read(sense)).toEqual({
      ok: false,
      reason: 'died',
      message: expect.stringContaining('exit code 1: No IMU detected'),
    });
    expect((await read(sense)).ok).toBe(true);
  });

  test('a child that dies between two reads is told by the next one', async () => {
    await packageWith(answering, 'require("node:fs").writeFileSync("pid", String(process.pid));');
    const sense = create();
    expect((await read(sense)).ok).toBe(true);
    const pid = Number(await readFile(join(folder, 'work', 'pid'), 'utf8'));
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => isAlive(pid)).toBe(false);
    const second = await read(sense);
    expect(second).toMatchObject({ ok: false, reason: 'died', message: expect.stringContaining('SIGKILL') });
    expect((await read(sense)).ok).toBe(true);
  });

  test('a native call that hangs is ended with its process when the read is given up', async () => {
    await packageWith(`if (count === 1) { ${answering} } else for (;;);`);
    const sense = create();
    expect((await read(sense)).ok).toBe(true);
    const out = new AbortController();
    const reading = read(sense, out.signal);
    out.abort();
    expect(await reading).toMatchObject({ ok: false, reason: 'timeout' });
    expect((await read(sense)).ok).toBe(true);
  });

  test.each([
    ['0 °C and 0 %RH', '{ temperature: 0, humidity: 0, pressure: 1013 }', 'io-error'],
    ['memory that was never written', '{ temperature: 6.9e-310, humidity: 4.6e18 }', 'implausible'],
    ['NaN', '{ temperature: NaN, humidity: 40 }', 'implausible'],
    ['nothing', '{}', 'implausible'],
  ])('%s is a fault, never a value', async (_what, data, reason) => {
    await packageWith(`callback(null, ${data});`);
    expect(await read(create())).toMatchObject({ ok: false, reason });
  });

  test('an error of the addon is a fault', async () => {
    await packageWith('callback(new Error("I2C read failed"));');
    expect(await read(create())).toEqual({
      ok: false,
      reason: 'io-error',
      message: 'node-sense-hat: I2C read failed',
    });
  });

  test('an answer that is no reading is a fault', async () => {
    await packageWith('process.send("hello");');
    expect(await read(create())).toMatchObject({ ok: false, reason: 'implausible' });
  });
});
