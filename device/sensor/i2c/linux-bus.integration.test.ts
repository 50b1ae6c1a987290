import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { manualTime } from '../../platform/time.ts';
import { createI2cSensor } from '../i2c.ts';
import { createLinuxBus } from './linux-bus.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'i2c-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe.skipIf(process.platform !== 'linux')('createLinuxBus', () => {
  test('calls the kernel: a plain file is no bus, and errno says so', async () => {
    const file = join(folder, 'plain');
    await writeFile(file, 'no bus');
    const bus = createLinuxBus(file);
    await bus.open();
    await expect(bus.read(0x5f, 0x0f, 1)).rejects.toMatchObject({ code: 'ENOTTY' });
    await bus.close();
    await bus.close();
    await expect(bus.read(0x5f, 0x0f, 1)).rejects.toMatchObject({ code: 'EBADF' });
  });

  test('a bus that is not there is a fault of the sensor that says what to do', async () => {
    const device = join(folder, 'i2c-1');
    const sensor = createI2cSensor({ bus: createLinuxBus(device), device, time: manualTime() });
    expect(await sensor.read(new AbortController().signal)).toMatchObject({
      ok: false,
      reason: 'not-found',
      message: expect.stringContaining('Enable I²C'),
    });
  });
});
