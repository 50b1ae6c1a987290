import { messageOf } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import type { Time, Timer } from '../platform/time.ts';
import type { Metrics } from '../reading/reading.ts';
import { compensate, movingMean } from './compensation.ts';
import { type Bounds, plausibilityCheck } from './plausibility.ts';
import type { ReadResult, Sensor, SensorFaultReason } from './sensor.ts';
import type { SampleSink, SampleSource, SourceStats } from './source.ts';

export interface SamplerOptions {
  sensor: Sensor;
  time: Time;
  logger: Logger;
  /** Read whenever it is needed; `SampleSource.pace` makes another interval count at once. */
  pace: {
    readonly intervalMs: number;
    readonly timeoutMs: number;
    readonly faultBackoffMaxMs: number;
  };
  /** Readings thrown away after the start and after failed reads: the first ones of a chip are wrong. */
  warmUpReadings: number;
  plausibility: Readonly<Record<string, Bounds>>;
  /** Correction of the CPU's heat; absent: off. */
  compensation?: {
    factor: number;
    /** Readings over which the CPU's temperature is averaged. */
    smoothing: number;
    /** Temperature of the CPU, °C; rejects when it cannot be read. */
    cpuCelsius: () => Promise<number>;
  };
}

type Failure = Extract<ReadResult, { ok: false }>;
type Measured = Extract<ReadResult, { ok: true }> & { cpuCelsius?: number };

/**
 * Reads a sensor at a steady pace and hands over what is believed.
 *
 * | state        | at its slot                       | then                                                     |
 * |--------------|-----------------------------------|----------------------------------------------------------|
 * | good         | read                              | sample; fault → faulty                                   |
 * | faulty       | read, after a pause that doubles  | sample (recovered) → good; another reason → told again   |
 * | hung         | nothing: a read is still out      | its late end, whatever it brings → faulty                |
 * | stopped      | nothing                           |                                                          |
 *
 * Slots lie on a grid of `intervalMs` from the start on the monotonic clock, so the pace never drifts; a slot that a
 * slow read misses is skipped, not caught up on. An unbelievable value does not slow the pace, since the next reading
 * decides about it.
 */
export function createSampler(options: SamplerOptions): SampleSource {
  const { sensor, time, logger, pace, compensation } = options;
  const check = plausibilityCheck(options.plausibility);
  const meanCpu = movingMean(compensation?.smoothing ?? 1);
  const stats: SourceStats = { read: 0, failed: 0, skipped: 0 };
  let state: 'new' | 'running' | 'stopped' = 'new';
  let sink: SampleSink | undefined;
  /** The grid of slots. */
  let { intervalMs } = pace;
  let originMs = 0;
  let slot = 0;
  let slotTimer: Timer | undefined;
  let timeoutTimer: Timer | undefined;
  let reading: AbortController | undefined;
  let toDiscard = options.warmUpReadings;
  let fault: SensorFaultReason | undefined;
  let failuresInARow = 0;

  /** Begins a grid anew, from now. */
  function lay(): void {
    ({ intervalMs } = pace);
    originMs = time.monotonicMs();
    slot = 0;
  }

  function scheduleNext(): void {
    if (state !== 'running') return;
    const nowMs = time.monotonicMs();
    const pauseMs = failuresInARow === 0 ? 0 : backoffMs(failuresInARow, intervalMs, pace.faultBackoffMaxMs);
    const passed = Math.floor((nowMs - originMs) / intervalMs);
    const next = Math.max(slot + 1, passed + 1, slot + Math.ceil(pauseMs / intervalMs));
    if (failuresInARow === 0) stats.skipped += next - slot - 1;
    slot = next;
    slotTimer = time.after(originMs + slot * intervalMs - nowMs, runSlot);
  }

  function runSlot(): void {
    slotTimer = undefined;
    if (reading !== undefined) {
      // The read that timed out has still not come back: a second one would only hang beside it.
      failuresInARow += 1;
      scheduleNext();
      return;
    }
    const out = new AbortController();
    reading = out;
    let settled = false;
    const settle = (result: Measured | Failure) => {
      if (settled) return;
      settled = true;
      timeoutTimer?.cancel();
      if (state !== 'running') return;
      take(result);
      scheduleNext();
    };
    const { timeoutMs } = pace;
    timeoutTimer = time.after(timeoutMs, () => {
      out.abort();
      const message = `${sensor.kind}: no answer within ${timeoutMs} ms (sensor.timeoutMs).`;
      settle({ ok: false, reason: 'timeout', message });
    });
    void readOnce(out.signal).then((result) => {
      reading = undefined;
      settle(result);
    });
  }

  async function readOnce(signal: AbortSignal): Promise<Measured | Failure> {
    const result = await sensor.read(signal);
    if (!result.ok || compensation === undefined) return result;
    try {
      return { ...result, cpuCelsius: await compensation.cpuCelsius() };
    } catch (error) {
      const message = `The heat of the CPU cannot be corrected (sensor.compensation): ${messageOf(error)}`;
      return { ok: false, reason: 'io-error', message };
    }
  }

  function take(result: Measured | Failure): void {
    if (!result.ok) {
      stats.failed += 1;
      failuresInARow += 1;
      toDiscard = options.warmUpReadings;
      tell(result.reason, result.message);
      return;
    }
    failuresInARow = 0;
    if (toDiscard > 0) {
      toDiscard -= 1;
      stats.skipped += 1;
      return;
    }
    const checked = check(result.metrics);
    if (!checked.ok) {
      stats.failed += 1;
      tell('implausible', `${sensor.kind}: ${checked.message}`);
      return;
    }
    if (fault !== undefined) logger.info({ sensor: sensor.describe(), was: fault }, 'sensor recovered');
    fault = undefined;
    stats.read += 1;
    sink?.sample({
      atMs: result.atMs ?? time.wallMs(),
      monotonicMs: time.monotonicMs(),
      ...correct(checked.metrics, result.cpuCelsius),
    });
  }

  function correct(measured: Metrics, cpuCelsius: number | undefined): { metrics: Metrics; raw?: Metrics } {
    if (compensation === undefined || cpuCelsius === undefined) return { metrics: measured };
    return { metrics: compensate(measured, meanCpu(cpuCelsius), compensation.factor), raw: measured };
  }

  function tell(reason: SensorFaultReason, message: string): void {
    if (fault === reason) return;
    fault = reason;
    logger.warn({ sensor: sensor.describe(), reason, detail: message }, 'sensor fault');
    sink?.fault({ reason, message, atMs: time.wallMs() });
  }

  return {
    kind: sensor.kind,
    describe: () => sensor.describe(),
    async start(target) {
      if (state !== 'new') return;
      sink = target;
      state = 'running';
      await sensor.start();
      lay();
      slotTimer = time.after(0, runSlot);
    },
    pace() {
      if (state !== 'running' || intervalMs === pace.intervalMs) return;
      lay();
      // Without a slot to come a read is under way, whose end plans the next.
      if (slotTimer === undefined) return;
      slotTimer.cancel();
      scheduleNext();
    },
    async stop() {
      if (state === 'stopped') return;
      state = 'stopped';
      slotTimer?.cancel();
      timeoutTimer?.cancel();
      reading?.abort();
      await sensor.stop();
    },
    stats: () => ({ ...stats }),
  };
}

/** Pause after a number of failed reads in a row: the interval, doubled with each, up to a cap; ms. */
function backoffMs(failures: number, intervalMs: number, maxMs: number): number {
  return Math.min(maxMs, intervalMs * 2 ** Math.min(failures - 1, 30));
}
