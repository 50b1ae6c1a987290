import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config/schema.ts';
import { AppError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import type { Time } from '../platform/time.ts';
import type { Transport } from '../transport/transport.ts';
import { createSampler, type SamplerOptions } from './sampler.ts';
import type { Sensor } from './sensor.ts';
import type { SampleSource } from './source.ts';

export interface SourceDependencies {
  /** The monitor's time; for a replay the recording's. */
  time: Time;
  logger: Logger;
  /** Needed by kind `mqtt`; started and stopped by its owner. */
  transport?: Transport;
  /** Sets the simulated machine's wall clock, for scenarios in which it jumps; without it they do not. */
  jumpWall?: (byMs: number) => void;
}

/**
 * The source of readings that `sensor.kind` names. Adapters are loaded by kind, so that what one of them needs (native
 * code, a package) is not touched by the others.
 * @throws AppError `unknown-scenario`, and `no-transport` for kind mqtt without one.
 */
export async function createSource(config: Config, dependencies: SourceDependencies): Promise<SampleSource> {
  const { time, logger, transport } = dependencies;
  const { kind, plausibility, replay, mqtt } = config.sensor;
  if (kind === 'replay') {
    const { createReplay } = await import('./replay.ts');
    return createReplay({ file: replay.file, columns: replay.columns, plausibility, time, logger });
  }
  if (kind === 'mqtt') {
    if (transport === undefined) throw new AppError('no-transport', 'sensor.kind=mqtt needs a transport to listen on.');
    const { createGateway } = await import('./mqtt.ts');
    const { maxPayloadBytes } = config.transport;
    return createGateway({ ...mqtt, transport, maxPayloadBytes, plausibility, time, logger });
  }
  const sensor = await createSensor(kind, config, dependencies);
  return createSampler({
    ...{ sensor, time, logger, pace: config.sensor, warmUpReadings: config.sensor.warmUpReadings, plausibility },
    ...compensationOf(config, sensor),
  });
}

type PolledKind = Exclude<Config['sensor']['kind'], 'replay' | 'mqtt'>;

async function createSensor(kind: PolledKind, config: Config, dependencies: SourceDependencies): Promise<Sensor> {
  const { mock, iio, i2c } = config.sensor;
  const { time, logger } = dependencies;
  switch (kind) {
    case 'mock': {
      const { createMockSensor } = await import('./mock.ts');
      const ignored = (byMs: number) => logger.warn({ byMs }, 'scenario sets the clock; ignored outside a simulation');
      return createMockSensor({ ...mock, time, jumpWall: dependencies.jumpWall ?? ignored });
    }
    case 'iio': {
      const { createIioSensor } = await import('./iio.ts');
      return createIioSensor(iio);
    }
    case 'i2c': {
      const { createI2cSensor } = await import('./i2c.ts');
      const { createLinuxBus } = await import('./i2c/linux-bus.ts');
      return createI2cSensor({ device: i2c.device, bus: createLinuxBus(i2c.device), time });
    }
    case 'node-sense-hat': {
      const { createNodeSenseHat } = await import('./node-sense-hat.ts');
      return createNodeSenseHat({ workingDir: join(config.store.dataDir, 'node-sense-hat') });
    }
    case 'auto': {
      const { createAutoSensor } = await import('./auto.ts');
      const ways = [await createSensor('iio', config, dependencies), await createSensor('i2c', config, dependencies)];
      return createAutoSensor(ways);
    }
  }
}

function compensationOf(config: Config, sensor: Sensor): Pick<SamplerOptions, 'compensation'> {
  const { enabled, factor, smoothing, cpuTemperatureFile } = config.sensor.compensation;
  if (!enabled) return {};
  const ownCelsius = sensor.cpuCelsius;
  const cpuCelsius =
    ownCelsius === undefined ? () => readCpuCelsius(cpuTemperatureFile) : () => Promise.resolve(ownCelsius());
  return { compensation: { factor, smoothing, cpuCelsius } };
}

/** The kernel gives m°C. */
async function readCpuCelsius(file: string): Promise<number> {
  const text = (await readFile(file, 'utf8')).trim();
  const celsius = Number(text) / 1_000;
  if (text === '' || !(celsius > -50 && celsius < 150)) {
    throw new AppError('io-error', `"${file}" holds no CPU temperature in m°C but "${text.slice(0, 40)}".`);
  }
  return celsius;
}
