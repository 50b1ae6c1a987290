import type { Metrics } from '../reading/reading.ts';

/** Why a sensor could not be read; never a value of 0. */
export type SensorFaultReason =
  | 'not-found'
  | 'no-permission'
  | 'busy'
  | 'not-ready'
  | 'timeout'
  | 'io-error'
  | 'implausible'
  | 'ended'
  | 'died';

export type ReadResult =
  | {
      ok: true;
      metrics: Metrics /** Instant of the sample where the source knows it (replay), epoch ms. */;
      atMs?: number;
    }
  | { ok: false; reason: SensorFaultReason; message: string };

/** A sensor of the machine that the monitor runs on: read when asked. */
export interface Sensor {
  readonly kind: string;
  /** What was chosen and why, for the log and the console: `iio: /sys/bus/iio/devices/iio:device0 (hts221)`. */
  describe(): string;
  /** Opens nothing that can fail: a missing chip is an answer of `read`, which opens (and after a failure reopens) it. */
  start(): Promise<void>;
  /** Never throws; the sampler adds the timeout and never begins a second read before the first one has ended. */
  read(signal: AbortSignal): Promise<ReadResult>;
  /** Temperature of the CPU beside the sensor, °C, where the sensor brings its own (a simulated one). */
  cpuCelsius?(): number;
  stop(): Promise<void>;
}
