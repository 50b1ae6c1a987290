import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createIioSensor } from './iio.ts';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'iio-'));
});
afterEach(() => rm(root, { recursive: true }));

async function device(entry: string, files: Record<string, string>): Promise<string> {
  const folder = join(root, entry);
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), `${content}\n`);
  return folder;
}

const hts221 = {
  name: 'hts221',
  in_temp_raw: '200',
  in_temp_scale: '0.015901639',
  in_temp_offset: '1233.195876',
  in_humidityrelative_raw: '-6000',
  in_humidityrelative_scale: '-0.003263',
  in_humidityrelative_offset: '-9600',
};
const lps25h = {
  name: 'lps25h',
  in_temp_raw: '-9000',
  in_temp_scale: '2.083333',
  in_temp_offset: '20400',
  in_pressure_raw: '4149248',
  in_pressure_scale: '0.000024414',
};

const read = (sensor = createIioSensor({ root })) => sensor.read(new AbortController().signal);

describe('createIioSensor', () => {
  test('takes °C and %RH of the HTS221 as they are and the pressure of the LPS25H from kPa', async () => {
    await device('iio:device0', lps25h);
    await device('iio:device1', hts221);
    await device('iio:device2', { name: 'something-else' });
    const sensor = createIioSensor({ root });
    const result = await read(sensor);
    expect(result).toEqual({
      ok: true,
      metrics: {
        temperature: expect.closeTo((200 + 1233.195876) * 0.015901639, 6),
        humidity: expect.closeTo(50.9028, 3),
        pressure: expect.closeTo(1012.998, 2),
      },
    });
    expect(sensor.describe()).toBe(`iio: ${root}/iio:device1 (hts221), ${root}/iio:device0 (lps25h)`);
  });

  test('takes m°C of the LPS25H where it is alone', async () => {
    await device('iio:device0', lps25h);
    expect(await read()).toEqual({
      ok: true,
      metrics: { temperature: expect.closeTo(23.75, 2), pressure: expect.closeTo(1012.998, 2) },
    });
  });

  test.each([
    ['no chip', () => root],
    ['no such root', () => join(root, 'none')],
  ])('%s is not-found and says what to do', async (_what, where) => {
    await device('iio:device0', { name: 'bme280' });
    expect(await read(createIioSensor({ root: where() }))).toEqual({
      ok: false,
      reason: 'not-found',
      message: expect.stringContaining('set sensor.kind=i2c'),
    });
  });

  test('a file without a number gives NaN, for the sampler to refuse', async () => {
    await device('iio:device0', { ...hts221, in_temp_raw: '' });
    const result = await read();
    expect(result.ok && result.metrics['temperature']).toBeNaN();
  });

  test('a chip that goes away is a fault, and is found again when it comes back elsewhere', async () => {
    const folder = await device('iio:device0', hts221);
    const sensor = createIioSensor({ root });
    expect((await read(sensor)).ok).toBe(true);
    await rm(folder, { recursive: true });
    expect(await read(sensor)).toMatchObject({ ok: false, reason: 'not-found' });
    await device('iio:device7', hts221);
    expect((await read(sensor)).ok).toBe(true);
  });

  test.skipIf(process.getuid?.() === 0)('a file that may not be read is no-permission', async () => {
    const folder = await device('iio:device0', hts221);
    await chmod(join(folder, 'in_temp_raw'), 0);
    expect(await read()).toMatchObject({ ok: false, reason: 'no-permission' });
  });

  test('a read that is aborted ends as a failure', async () => {
    await device('iio:device0', hts221);
    expect(await createIioSensor({ root }).read(AbortSignal.abort())).toMatchObject({ ok: false, reason: 'io-error' });
  });
});
