import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { configSchema } from '../config/schema.ts';
import { silentLogger } from '../platform/logger.ts';
import { manualTime } from '../platform/time.ts';
import { createSource } from './create-source.ts';
import type { Sample, SensorFault } from './source.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'source-'));
});
afterAll(() => rm(folder, { recursive: true }));

const time = manualTime();
const create = (sensor: object, at = time) =>
  createSource(configSchema.parse({ sensor, store: { dataDir: folder } }), { time: at, logger: silentLogger });

describe('createSource', () => {
  test.each([
    [{ kind: 'mock' }, 'mock: scenario calm, seed 1'],
    [{ kind: 'replay', replay: { file: 'weather.csv' } }, 'replay: weather.csv'],
    [{ kind: 'iio', iio: { root: '/nowhere' } }, 'iio: /nowhere'],
    [{ kind: 'i2c' }, 'i2c: /dev/i2c-1'],
    [{ kind: 'node-sense-hat' }, 'node-sense-hat: npm package in a child process'],
    [{ kind: 'auto' }, 'auto: iio, then i2c'],
  ])('%j is %s', async (sensor, description) => {
    const source = await create(sensor);
    expect(source.kind).toBe(sensor.kind);
    expect(source.describe()).toBe(description);
    await source.stop();
  });

  test('kind mqtt without a transport is one clear sentence', async () => {
    await expect(create({ kind: 'mqtt' })).rejects.toThrow('sensor.kind=mqtt needs a transport');
  });

  async function firstOf(sensor: object): Promise<Sample | SensorFault> {
    const at = manualTime();
    const source = await create({ warmUpReadings: 0, ...sensor }, at);
    const first = new Promise<Sample | SensorFault>((resolve) => {
      void source.start({ sample: resolve, fault: resolve }).then(() => at.advance(0));
    });
    return first.finally(() => source.stop());
  }

  test('without hardware, auto is a fault that names both ways', async () => {
    const nowhere = { iio: { root: join(folder, 'iio') }, i2c: { device: join(folder, 'i2c-1') } };
    expect(await firstOf({ kind: 'auto', ...nowhere })).toMatchObject({
      reason: 'not-found',
      message: expect.stringMatching(/iio: no HTS221.*i2c: .*i2c-1/),
    });
  });

  test('the mock brings its own CPU temperature for the compensation', async () => {
    const first = await firstOf({ kind: 'mock', compensation: { enabled: true, factor: 8 } });
    if ('reason' in first) throw new Error(first.message);
    const { metrics, raw } = first;
    expect((raw?.['temperature'] ?? 0) - (metrics['temperature'] ?? 0)).toBeCloseTo(24 / 9, 0);
    expect(metrics['humidity']).toBeGreaterThan((raw?.['humidity'] ?? 0) + 4);
  });

  test.each([
    ['52123\n', undefined],
    ['hot', 'holds no CPU temperature'],
    ['', 'holds no CPU temperature'],
  ])('a CPU temperature file of %j', async (content, problem) => {
    const root = join(folder, 'iio-with-chip');
    const { mkdir } = await import('node:fs/promises');
    await mkdir(join(root, 'iio:device0'), { recursive: true });
    const chip = {
      name: 'hts221',
      in_temp_raw: '25',
      in_temp_scale: '1',
      in_humidityrelative_raw: '40',
      in_humidityrelative_scale: '1',
    };
    for (const [name, value] of Object.entries(chip)) await writeFile(join(root, 'iio:device0', name), value);
    const cpuTemperatureFile = join(folder, 'cpu');
    await writeFile(cpuTemperatureFile, content);
    const first = await firstOf({
      kind: 'iio',
      iio: { root },
      compensation: { enabled: true, factor: 10, cpuTemperatureFile },
    });
    if (problem !== undefined)
      expect(first).toMatchObject({ reason: 'io-error', message: expect.stringContaining(problem) });
    else
      expect(first).toMatchObject({
        metrics: { temperature: expect.closeTo(25 - 2.7123, 3) },
        raw: { temperature: 25 },
      });
  });
});
