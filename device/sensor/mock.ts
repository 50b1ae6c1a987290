import { AppError } from '../platform/errors.ts';
import type { Time } from '../platform/time.ts';
import { findScenario, scenarios } from './mock/scenarios.ts';
import { type ScriptStep, scriptedTruth, stepAt } from './mock/script.ts';
import { quantised, type Weather, weatherChance } from './mock/weather.ts';
import type { ReadResult, Sensor } from './sensor.ts';

export interface MockOptions {
  seed: number;
  scenario: string;
  time: Time;
  /** Sets the machine's wall clock by so much, for scenarios in which it jumps. */
  jumpWall: (byMs: number) => void;
}

/**
 * A simulated Sense HAT: seeded weather with a scenario's faults. What it reads depends on seed, scenario and the
 * instants of the reads after the start, and on nothing else.
 * @throws AppError `unknown-scenario`
 */
export function createMockSensor(options: MockOptions): Sensor {
  const scenario = findScenario(options.scenario);
  if (scenario === undefined) {
    throw new AppError(
      'unknown-scenario',
      `There is no scenario "${options.scenario}" (sensor.mock.scenario). There are: ${scenarios.map((one) => one.name).join(', ')}.`,
    );
  }
  const { script } = scenario;
  const { time } = options;
  const chance = weatherChance(options.seed);
  const once = new Set(script);
  let startedAt: number | undefined;
  let last: Weather | undefined;

  const elapsed = () => time.monotonicMs() - (startedAt ?? time.monotonicMs());

  /** Whether a step that happens once is due now; true once. */
  const happens = (step: ScriptStep, atMs: number, elapsedMs: number) => elapsedMs >= atMs && once.delete(step);

  function measure(elapsedMs: number): Weather {
    const truth = scriptedTruth(script, elapsedMs);
    const { temperature, humidity, pressure } = chance(elapsedMs);
    const measured = {
      temperature: truth.temperature + temperature,
      humidity: truth.humidity + humidity,
      pressure: truth.pressure + pressure,
    };
    for (const step of script) {
      if (step.kind === 'spike' && happens(step, step.atMs, elapsedMs)) measured[step.metric] += step.by;
      if (step.kind === 'restart' && happens(step, step.toMs, elapsedMs)) {
        measured.temperature /= 2;
        measured.humidity /= 2;
      }
    }
    return quantised(measured);
  }

  async function read(signal: AbortSignal): Promise<ReadResult> {
    const elapsedMs = elapsed();
    for (const step of script) {
      if (step.kind === 'clock-jump' && happens(step, step.atMs, elapsedMs)) options.jumpWall(step.byMs);
    }
    if (stepAt(script, 'hang', elapsedMs) !== undefined) await aborted(signal);
    const dropout = stepAt(script, 'dropout', elapsedMs);
    if (dropout !== undefined) return failure(dropout.reason, 'does not answer');
    if (stepAt(script, 'restart', elapsedMs) !== undefined) return failure('not-ready', 'has lost its power');
    if (stepAt(script, 'stuck', elapsedMs) === undefined || last === undefined) last = measure(elapsedMs);
    const nan = stepAt(script, 'nan', elapsedMs);
    return { ok: true, metrics: nan === undefined ? { ...last } : { ...last, [nan.metric]: Number.NaN } };
  }

  const failure = (reason: Extract<ReadResult, { ok: false }>['reason'], what: string): ReadResult => ({
    ok: false,
    reason,
    message: `The mock sensor ${what}, as scenario ${options.scenario} wants it.`,
  });

  return {
    kind: 'mock',
    describe: () => `mock: scenario ${options.scenario}, seed ${options.seed}`,
    async start() {
      startedAt = time.monotonicMs();
    },
    read,
    async stop() {},
    cpuCelsius() {
      const elapsedMs = elapsed();
      return scriptedTruth(script, elapsedMs).temperature + chance(elapsedMs).cpuAboveSensor;
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
