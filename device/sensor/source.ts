import type { Metrics } from '../reading/reading.ts';
import type { SensorFaultReason } from './sensor.ts';

/** What a source hands to the monitor: one believable set of values of one device. */
export interface Sample {
  /** Absent: the monitor's own device. */
  deviceId?: string;
  /** Absent: the monitor's own site. */
  site?: string;
  /** Wall time of the sample, epoch ms. */
  atMs: number;
  /** Monotonic instant of the sample on this machine, ms. */
  monotonicMs: number;
  metrics: Metrics;
  /** As measured, before compensation; only where compensation is on. */
  raw?: Metrics;
}

/** Told once when it begins and again when its reason changes; the device's next sample ends it. */
export interface SensorFault {
  /** Absent: the monitor's own device. */
  deviceId?: string;
  reason: SensorFaultReason;
  /** What failed, where, and what to do; for the log, the heartbeat and the console. */
  message: string;
  atMs: number;
}

export interface SampleSink {
  sample(sample: Sample): void;
  fault(fault: SensorFault): void;
  /** A replay has handed over its last row. */
  ended?(): void;
  /** A gateway's device was idle, or one too many: its state is to be saved and put away. */
  evicted?(deviceId: string): void;
}

/** Counts since the start of a source. */
export interface SourceStats {
  /** Samples handed over. */
  read: number;
  /** Reads that failed, rows or messages that could not be used, values that were not believed. */
  failed: number;
  /** Slots that were missed because a read was late, rows that were out of order, warm-up readings. */
  skipped: number;
}

/** What the monitor consumes: samples are pushed, of one device or of many. */
export interface SampleSource {
  readonly kind: string;
  /** What was chosen and why, for the log and the console. */
  describe(): string;
  /**
   * Begins to hand over samples. A sensor that is missing or broken is a fault in the sink, not an error here.
   * @throws AppError for what no retry cures: a file or column that is not there, an unknown scenario.
   */
  start(sink: SampleSink): Promise<void>;
  /** The pace may have changed, where the source has one: the next sample comes an interval from now. */
  pace?(): void;
  /** Idempotent; nothing is handed over after it was called. */
  stop(): Promise<void>;
  stats(): SourceStats;
}
