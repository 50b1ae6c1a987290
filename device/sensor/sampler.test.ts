import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { silentLogger } from '../platform/logger.ts';
import { type ManualTime, manualTime } from '../platform/time.ts';
import { createSampler, type SamplerOptions } from './sampler.ts';
import type { ReadResult, Sensor } from './sensor.ts';
import type { Sample, SensorFault } from './source.ts';

const good = (temperature: number): ReadResult => ({ ok: true, metrics: { temperature } });
const pace = { intervalMs: 1_000, timeoutMs: 400, faultBackoffMaxMs: 8_000 };
const broken: ReadResult = { ok: false, reason: 'io-error', message: 'no answer' };

interface Run {
  time: ManualTime;
  samples: Sample[];
  faults: SensorFault[];
  reads: number[];
  sampler: ReturnType<typeof createSampler>;
  /** Advances in small steps, with promises settled between them. */
  pass(ms: number, stepMs?: number): Promise<void>;
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 8; turn += 1) await Promise.resolve();
}

async function begin(
  read: (index: number, signal: AbortSignal, time: ManualTime) => ReadResult | Promise<ReadResult>,
  change: Partial<SamplerOptions> = {},
): Promise<Run> {
  const time = manualTime(1_000_000, 500);
  const reads: number[] = [];
  const sensor: Sensor = {
    kind: 'fake',
    describe: () => 'fake',
    start: async () => {},
    async read(signal) {
      reads.push(time.monotonicMs() - 500);
      return read(reads.length - 1, signal, time);
    },
    stop: async () => {},
  };
  const sampler = createSampler({
    sensor,
    time,
    logger: silentLogger,
    pace,
    warmUpReadings: 0,
    plausibility: { temperature: { min: -40, max: 120, maxStep: 20 }, humidity: { min: 0, max: 100, maxStep: 50 } },
    ...change,
  });
  const samples: Sample[] = [];
  const faults: SensorFault[] = [];
  await sampler.start({ sample: (sample) => samples.push(sample), fault: (fault) => faults.push(fault) });
  return {
    time,
    samples,
    faults,
    reads,
    sampler,
    async pass(ms, stepMs = 100) {
      time.advance(0);
      for (let passed = 0; passed < ms; passed += stepMs) {
        await settle();
        time.advance(Math.min(stepMs, ms - passed));
      }
      await settle();
    },
  };
}

/** A read that takes a while, by the manual clock. */
const lasting = (time: ManualTime, ms: number, result: ReadResult) =>
  new Promise<ReadResult>((resolve) => time.after(ms, () => resolve(result)));

describe('cadence', () => {
  test('slots lie on a grid, however long a read takes', async () => {
    const run = await begin((index, _signal, time) => lasting(time, (index % 4) * 70, good(20)));
    await run.pass(10_000, 10);
    expect(run.reads).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((slot) => slot * 1_000));
  });

  test('a slot that a slow read misses is skipped and counted, not caught up on', async () => {
    const run = await begin((index, _signal, time) => lasting(time, index === 1 ? 2_500 : 0, good(20)), {
      pace: { ...pace, timeoutMs: 3_000 },
    });
    await run.pass(6_000);
    expect(run.reads).toEqual([0, 1_000, 4_000, 5_000, 6_000]);
    expect(run.sampler.stats().skipped).toBe(2);
  });

  test('another interval counts at once, also where the next reading was far off', async () => {
    const changing = { ...pace, intervalMs: 3_600_000 };
    const run = await begin(() => good(20), { pace: changing });
    await run.pass(300);
    changing.intervalMs = 1_000;
    run.sampler.pace?.();
    await run.pass(2_000);
    expect(run.reads).toEqual([0, 1_300, 2_300]);
    run.sampler.pace?.();
    await run.pass(1_000);
    expect(run.reads).toEqual([0, 1_300, 2_300, 3_300]);
  });

  test('an interval that changes during a read counts from its end, and no read overlaps it', async () => {
    const changing = { ...pace, timeoutMs: 3_000 };
    const run = await begin((index, _signal, time) => lasting(time, index === 0 ? 2_500 : 0, good(20)), {
      pace: changing,
    });
    await run.pass(500);
    changing.intervalMs = 400;
    run.sampler.pace?.();
    await run.pass(3_000);
    expect(run.reads.slice(0, 3)).toEqual([0, 2_900, 3_300]);
  });

  test('property: reads never leave the grid and never overlap', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 3_000 }), { minLength: 1, maxLength: 20 }),
        async (durations) => {
          let out = 0;
          const run = await begin(
            async (index, _signal, time) => {
              out += 1;
              expect(out).toBe(1);
              const result = await lasting(time, durations[index % durations.length] ?? 0, good(20));
              out -= 1;
              return result;
            },
            { pace: { ...pace, timeoutMs: 1_500 } },
          );
          await run.pass(30_000, 50);
          for (const at of run.reads) expect(at % 1_000).toBe(0);
          await run.sampler.stop();
        },
      ),
      { numRuns: 30 },
    );
  });

  test('a read that has ended leaves no timer but the next slot', async () => {
    const run = await begin(() => good(20), { pace: { ...pace, timeoutMs: 700 } });
    await run.pass(100);
    expect(run.time.nextTimerAt()).toBe(1_500);
  });

  test('after stop nothing is read or handed over', async () => {
    const run = await begin((_index, _signal, time) => lasting(time, 300, good(20)));
    await run.pass(1_100);
    await run.sampler.stop();
    await run.sampler.stop();
    await run.pass(5_000);
    expect(run.samples).toHaveLength(1);
    expect(run.reads).toEqual([0, 1_000]);
  });
});

describe('samples', () => {
  test('carry the instants of both clocks', async () => {
    const run = await begin(() => good(21.5));
    await run.pass(1_000);
    expect(run.samples).toEqual([
      { atMs: 1_000_000, monotonicMs: 500, metrics: { temperature: 21.5 } },
      { atMs: 1_001_000, monotonicMs: 1_500, metrics: { temperature: 21.5 } },
    ]);
  });

  test('the warm-up is discarded, and neither told nor used to judge the next reading', async () => {
    const run = await begin((index) => good(index < 2 ? -39 : 22), { warmUpReadings: 2 });
    await run.pass(3_000);
    expect(run.samples.map((sample) => sample.metrics)).toEqual([{ temperature: 22 }, { temperature: 22 }]);
    expect(run.faults).toEqual([]);
  });

  test('the first readings after a failure are discarded too', async () => {
    const run = await begin((index) => (index === 2 ? broken : good(index === 3 ? 11 : 22)), { warmUpReadings: 1 });
    await run.pass(5_000);
    expect(run.samples.map((sample) => sample.metrics['temperature'])).toEqual([22, 22, 22]);
  });
});

describe('faults', () => {
  test('a failure is told once, its change is told, and the next sample ends it', async () => {
    const script: ReadResult[] = [
      good(20),
      broken,
      broken,
      { ok: false, reason: 'not-found', message: 'gone' },
      good(20),
      broken,
    ];
    const run = await begin((index) => script[index] ?? good(20), { pace: { ...pace, faultBackoffMaxMs: 1_000 } });
    await run.pass(6_000);
    expect(run.faults.map((fault) => fault.reason)).toEqual(['io-error', 'not-found', 'io-error']);
    expect(run.faults[0]).toEqual({ reason: 'io-error', message: 'no answer', atMs: 1_001_000 });
    expect(run.sampler.stats()).toEqual({ read: 3, failed: 4, skipped: 0 });
  });

  test('failures back off to the cap, on the grid, and the pace returns with the first answer', async () => {
    const run = await begin((index) => (index < 6 ? broken : good(20)));
    await run.pass(35_000);
    expect(run.reads.slice(0, 9)).toEqual([0, 1, 3, 7, 15, 23, 31, 32, 33].map((slot) => slot * 1_000));
  });

  test('a read that hangs is a timeout, its late value is dropped, and no second read starts meanwhile', async () => {
    const run = await begin((index, _signal, time) => (index === 1 ? lasting(time, 5_000, good(99)) : good(20)), {
      pace: { ...pace, faultBackoffMaxMs: 1_000 },
    });
    await run.pass(8_000);
    expect(run.faults.map((fault) => fault.reason)).toEqual(['timeout']);
    expect(run.reads).toEqual([0, 1_000, 7_000, 8_000]);
    expect(run.samples.map((sample) => sample.metrics['temperature'])).toEqual([20, 20, 20]);
  });

  test('the signal of a read that hangs is aborted', async () => {
    let aborted = false;
    const run = await begin(
      (_index, signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            aborted = true;
            resolve(broken);
          });
        }),
    );
    await run.pass(500);
    expect(aborted).toBe(true);
  });

  test('an unbelievable value is a fault and never a sample; it does not slow the pace', async () => {
    const run = await begin((index) => good([20, Number.NaN, 20, 500, 20, Number.POSITIVE_INFINITY, 20][index] ?? 20));
    await run.pass(6_000);
    expect(run.samples.map((sample) => sample.metrics['temperature'])).toEqual([20, 20, 20, 20]);
    expect(run.faults.map((fault) => fault.reason)).toEqual(['implausible', 'implausible', 'implausible']);
    expect(run.reads).toHaveLength(7);
  });
});

describe('compensation', () => {
  test('hands over corrected and raw values, with the CPU’s temperature averaged', async () => {
    const cpu = [60, 50, 40];
    const run = await begin(() => ({ ok: true, metrics: { temperature: 33, humidity: 35, pressure: 1_000 } }), {
      compensation: { factor: 2.125, smoothing: 2, cpuCelsius: async () => cpu.shift() ?? 50 },
    });
    await run.pass(2_000);
    const temperatures = run.samples.map((sample) => sample.metrics['temperature']);
    expect(temperatures[0]).toBeCloseTo(33 - 27 / 2.125, 6);
    expect(temperatures[1]).toBeCloseTo(33 - 22 / 2.125, 6);
    expect(temperatures[2]).toBeCloseTo(33 - 12 / 2.125, 6);
    expect(run.samples[0]?.raw).toEqual({ temperature: 33, humidity: 35, pressure: 1_000 });
    expect(run.samples[0]?.metrics['pressure']).toBe(1_000);
  });

  test('a CPU temperature that cannot be read is a fault, not an uncorrected value', async () => {
    const run = await begin(() => good(33), {
      compensation: { factor: 2, smoothing: 1, cpuCelsius: () => Promise.reject(new Error('no such file')) },
    });
    await run.pass(3_000);
    expect(run.samples).toEqual([]);
    expect(run.faults.map((fault) => fault.reason)).toEqual(['io-error']);
    expect(run.faults[0]?.message).toContain('no such file');
  });
});
