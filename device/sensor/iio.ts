import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../platform/errors.ts';
import type { Metrics } from '../reading/reading.ts';
import { type Failure, ioFailure } from './io-failure.ts';
import type { ReadResult, Sensor } from './sensor.ts';

/**
 * What the kernel's driver of a chip offers. The units differ by driver: the HTS221's gives °C and %RH, the LPS25H's
 * follows the IIO ABI (m°C, kPa). `times` brings the value to °C, %RH, hPa.
 */
const chips: Readonly<Record<string, readonly { channel: string; metric: string; times: number }[]>> = {
  hts221: [
    { channel: 'in_temp', metric: 'temperature', times: 1 },
    { channel: 'in_humidityrelative', metric: 'humidity', times: 1 },
  ],
  lps25h: [
    { channel: 'in_temp', metric: 'temperature', times: 0.001 },
    { channel: 'in_pressure', metric: 'pressure', times: 10 },
  ],
};

interface Chip {
  name: string;
  folder: string;
}

const advice = {
  'no-permission': 'Let the user that runs this read it.',
  'not-found': 'Load the kernel’s driver (dtoverlay=rpi-sense), or set sensor.kind=i2c.',
};

/**
 * The Sense HAT through the kernel's IIO drivers, which some images have. Needs no native code.
 * Where both chips are there, the temperature is the HTS221's.
 */
export function createIioSensor(options: { root: string }): Sensor {
  const { root } = options;
  let found: Chip[] = [];

  async function read(signal: AbortSignal): Promise<ReadResult> {
    try {
      if (found.length === 0) found = await findChips(root);
      if (found.length === 0) return missing(`no HTS221 or LPS25H under ${root}`);
      const metrics: Record<string, number> = {};
      for (const chip of found) Object.assign(metrics, await readChip(chip, metrics, signal));
      return { ok: true, metrics };
    } catch (error) {
      const where = found.map((chip) => chip.folder).join(', ');
      found = [];
      return ioFailure(`iio: ${where === '' ? root : where}`, error, advice);
    }
  }

  return {
    kind: 'iio',
    describe: () => `iio: ${found.map((chip) => `${chip.folder} (${chip.name})`).join(', ') || root}`,
    async start() {},
    read,
    async stop() {},
  };
}

function missing(what: string): Failure {
  return { ok: false, reason: 'not-found', message: `iio: ${what}. ${advice['not-found']}` };
}

/** HTS221 first. A root that is not there has no chips. */
async function findChips(root: string): Promise<Chip[]> {
  const chipsFound: Chip[] = [];
  for (const entry of await entries(root)) {
    if (!entry.startsWith('iio:device')) continue;
    const folder = join(root, entry);
    const name = (await readFile(join(folder, 'name'), 'utf8')).trim();
    if (name in chips) chipsFound.push({ name, folder });
  }
  return chipsFound.sort((one, other) => one.name.localeCompare(other.name));
}

async function entries(root: string): Promise<string[]> {
  try {
    return (await readdir(root)).sort();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** The chip's metrics that are not there yet. */
async function readChip(chip: Chip, known: Metrics, signal: AbortSignal): Promise<Metrics> {
  const metrics: Record<string, number> = {};
  for (const { channel, metric, times } of chips[chip.name] ?? []) {
    if (metric in known) continue;
    const number = (what: string) => readNumber(join(chip.folder, `${channel}_${what}`), signal);
    const offset = await number('offset').catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return 0;
      throw error;
    });
    metrics[metric] = ((await number('raw')) + offset) * (await number('scale')) * times;
  }
  return metrics;
}

/** A file that holds no number gives NaN, which the sampler does not believe. */
async function readNumber(file: string, signal: AbortSignal): Promise<number> {
  const text = (await readFile(file, { encoding: 'utf8', signal })).trim();
  return text === '' ? Number.NaN : Number(text);
}
