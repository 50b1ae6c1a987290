import type { Rule } from '../../anomaly/anomaly.ts';
import type { Config } from '../../config/schema.ts';
import { type ScriptStep, scriptedTruth } from './script.ts';
import type { Weather } from './weather.ts';

/** A part of the configuration: what is absent comes from the layers below. Lists are replaced as a whole. */
export type Overlay<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { [Field in keyof T]?: Overlay<T[Field]> }
    : T;

export interface ExpectedBreach {
  metric: string;
  rule: Rule;
  /** After the start of the sensor; readings meet it within an interval or two. */
  startedAfterMs: number;
  endedAfterMs: number;
}

export interface Scenario {
  name: string;
  title: string;
  description: string;
  script: readonly ScriptStep[];
  /** Short delays for the time of the scenario, laid over the defaults and under what the user sets. */
  configuration: Overlay<Config>;
  /** When the world refuses: the driver of the simulation sees to it. */
  outages: readonly { of: 'serviceNow'; fromMs: number; toMs: number }[];
  /** What must have been found when all is over. Several breaches may share one incident. */
  expected: { breaches: readonly ExpectedBreach[]; incidents: number };
  /** When all of it is over and its incidents are resolved, after the start. */
  durationMs: number;
}

export const defaultScenario = 'humidity-breach';

const shortDelays =
  'Delays are short here (on-delay 2 s, quiet period 7 s) so that the whole way is seen within a minute.';

const quick = {
  sensor: { kind: 'mock', intervalMs: 500, timeoutMs: 400, faultBackoffMaxMs: 1_000 },
  thresholds: {
    temperature: { upper: 30, deadband: 0.5, onDelayMs: 2_000, offDelayMs: 1_000 },
    humidity: { upper: 50, deadband: 2, onDelayMs: 2_000, offDelayMs: 1_000 },
  },
  noData: { afterMs: 5_000 },
  anomaly: { updateIntervalMs: 2_000 },
  // Event time reaches the handler with readings' messages and heartbeats: a late heartbeat is a late resolution.
  monitor: { heartbeatMs: 1_000 },
  handler: { quietMs: 7_000, noteIntervalMs: 11_000, reopenWindowMs: 600_000, deviceSilentMs: 15_000 },
  delivery: { settleMs: 2_000, pauseMs: 5_000, backoffBaseMs: 500, backoffCapMs: 3_000 },
} as const satisfies Overlay<Config>;

/** Humidity above its limit from second 5 to second 25. */
const humidBreach: ScriptStep = {
  kind: 'ramp',
  metric: 'humidity',
  to: 56,
  fromMs: 4_000,
  fullMs: 6_000,
  downMs: 23_000,
  toMs: 26_000,
};
const humidBreachExpected: ExpectedBreach = {
  metric: 'humidity',
  rule: 'upper',
  startedAfterMs: 5_000,
  endedAfterMs: 25_000,
};

export const scenarios: readonly Scenario[] = [
  {
    name: 'humidity-breach',
    title: 'Humidity rises over 50 %RH and recovers',
    description: `An incident opens, is told “still breaching”, and is resolved. ${shortDelays}`,
    script: [humidBreach],
    configuration: quick,
    outages: [],
    expected: { breaches: [humidBreachExpected], incidents: 1 },
    durationMs: 38_000,
  },
  {
    name: 'temperature-breach',
    title: 'Temperature rises far over 30 °C and recovers',
    description: `Severity grows with the distance beyond the limit (tiers at 0, 2 and 5 °C). ${shortDelays}`,
    script: [
      { kind: 'ramp', metric: 'temperature', to: 37, fromMs: 3_000, fullMs: 17_000, downMs: 20_000, toMs: 26_000 },
    ],
    configuration: {
      ...quick,
      thresholds: {
        ...quick.thresholds,
        temperature: {
          ...quick.thresholds.temperature,
          tiers: [
            { beyond: 0, severity: 'medium' },
            { beyond: 2, severity: 'high' },
            { beyond: 5, severity: 'critical' },
          ],
        },
      },
    },
    outages: [],
    expected: {
      breaches: [{ metric: 'temperature', rule: 'upper', startedAfterMs: 9_900, endedAfterMs: 23_250 }],
      incidents: 1,
    },
    durationMs: 36_000,
  },
  {
    name: 'two-at-once',
    title: 'Temperature and humidity breach together',
    description: `Two keys, two incidents, each with its own life. ${shortDelays}`,
    script: [humidBreach, { kind: 'step', metric: 'temperature', to: 33, fromMs: 8_000, toMs: 18_000 }],
    configuration: quick,
    outages: [],
    expected: {
      breaches: [
        humidBreachExpected,
        { metric: 'temperature', rule: 'upper', startedAfterMs: 8_000, endedAfterMs: 18_000 },
      ],
      incidents: 2,
    },
    durationMs: 38_000,
  },
  {
    name: 'flapping',
    title: 'Humidity crosses its limit again and again',
    description: `Three breaches with short recoveries between them: one incident, kept open by the quiet period. ${shortDelays}`,
    script: [
      { kind: 'step', metric: 'humidity', to: 54, fromMs: 5_000, toMs: 9_000 },
      { kind: 'step', metric: 'humidity', to: 55, fromMs: 12_000, toMs: 16_000 },
      { kind: 'step', metric: 'humidity', to: 54, fromMs: 19_000, toMs: 23_000 },
    ],
    configuration: quick,
    outages: [],
    expected: {
      breaches: [5_000, 12_000, 19_000].map((startedAfterMs) => ({
        metric: 'humidity',
        rule: 'upper' as const,
        startedAfterMs,
        endedAfterMs: startedAfterMs + 4_000,
      })),
      incidents: 1,
    },
    durationMs: 36_000,
  },
  {
    name: 'sensor-dropout',
    title: 'The sensor stops answering for a while',
    description: `Reads fail from second 4 to 16; no-data opens an incident instead of a value of 0. ${shortDelays}`,
    script: [{ kind: 'dropout', reason: 'io-error', fromMs: 4_000, toMs: 16_000 }],
    configuration: { ...quick, noData: { afterMs: 3_000 } },
    outages: [],
    expected: {
      breaches: [{ metric: '*', rule: 'no-data', startedAfterMs: 4_000, endedAfterMs: 16_000 }],
      incidents: 1,
    },
    durationMs: 30_000,
  },
  {
    name: 'stuck-sensor',
    title: 'The sensor repeats one value',
    description: `Readings go on but do not change from second 4 to 20; rule stuck is on for the temperature. ${shortDelays}`,
    script: [{ kind: 'stuck', fromMs: 4_000, toMs: 20_000 }],
    configuration: {
      ...quick,
      thresholds: {
        ...quick.thresholds,
        temperature: { ...quick.thresholds.temperature, stuck: { afterMs: 6_000, tolerance: 0 } },
      },
    },
    outages: [],
    expected: {
      breaches: [{ metric: 'temperature', rule: 'stuck', startedAfterMs: 4_000, endedAfterMs: 20_000 }],
      incidents: 1,
    },
    durationMs: 34_000,
  },
  {
    name: 'bad-readings',
    title: 'Spikes, NaN, a hanging read and a restart of the chip',
    description: `Nothing of it is a value: faults are told, and no incident opens. ${shortDelays}`,
    script: [
      { kind: 'spike', metric: 'humidity', by: 60, atMs: 3_000 },
      { kind: 'nan', metric: 'temperature', fromMs: 6_000, toMs: 7_600 },
      { kind: 'hang', fromMs: 10_000, toMs: 11_000 },
      { kind: 'restart', fromMs: 14_000, toMs: 16_000 },
      { kind: 'spike', metric: 'temperature', by: -90, atMs: 18_000 },
    ],
    configuration: quick,
    outages: [],
    expected: { breaches: [], incidents: 0 },
    durationMs: 22_000,
  },
  {
    name: 'clock-jump',
    title: 'The wall clock is set an hour forward during a breach',
    description: `Durations are measured on the monotonic clock: one breach, one incident. ${shortDelays}`,
    script: [humidBreach, { kind: 'clock-jump', byMs: 3_600_000, atMs: 12_000 }],
    configuration: quick,
    outages: [],
    expected: { breaches: [humidBreachExpected], incidents: 1 },
    durationMs: 38_000,
  },
  {
    name: 'offline',
    title: 'ServiceNow cannot be reached while humidity breaches and recovers',
    description: `What opened and ended meanwhile becomes one resolved incident with its true times. ${shortDelays}`,
    script: [humidBreach],
    configuration: quick,
    outages: [{ of: 'serviceNow', fromMs: 3_000, toMs: 40_000 }],
    expected: { breaches: [humidBreachExpected], incidents: 1 },
    durationMs: 55_000,
  },
  {
    name: 'calm',
    title: 'Weather within its limits',
    description: 'Readings and heartbeats, no incident; delays as configured.',
    script: [],
    configuration: { sensor: { kind: 'mock' } },
    outages: [],
    expected: { breaches: [], incidents: 0 },
    durationMs: 30_000,
  },
];

export function findScenario(name: string): Scenario | undefined {
  return scenarios.find((scenario) => scenario.name === name);
}

/** What the world of a scenario is like at an instant after its start, without noise and sensor faults. Pure. */
export function truthOf(scenario: Scenario, elapsedMs: number): Weather {
  return scriptedTruth(scenario.script, elapsedMs);
}
