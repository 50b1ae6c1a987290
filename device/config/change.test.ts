import { describe, expect, it } from 'vitest';
import { adopt, changeBetween } from './change.ts';
import { type Field, fieldAt, heldByMap, isLive, knownPaths } from './fields.ts';
import { type Config, configSchema } from './schema.ts';

const changed = (change: (config: Config) => void): Config => {
  const config = configSchema.parse({});
  change(config);
  return config;
};
const before = configSchema.parse({});

it.each<[string, (config: Config) => void, string[]]>([
  [
    'a limit',
    ({ thresholds }) => Object.assign(thresholds['temperature'] ?? {}, { upper: 31 }),
    ['thresholds.temperature.upper'],
  ],
  [
    'a rule that is switched off',
    ({ thresholds }) => Object.assign(thresholds['humidity'] ?? {}, { upper: undefined }),
    ['thresholds.humidity.upper'],
  ],
  [
    'a rule for another metric',
    (config) => {
      config.thresholds = configSchema.parse({ thresholds: { 'Tank 1.a': { lower: 3 } } }).thresholds;
    },
    [
      'thresholds["Tank 1.a"].lower',
      'thresholds["Tank 1.a"].offDelayMs',
      'thresholds["Tank 1.a"].onDelayMs',
      'thresholds["Tank 1.a"].severity',
      'thresholds["Tank 1.a"].tiers',
      ...['deadband', 'offDelayMs', 'onDelayMs', 'severity', 'tiers', 'upper'].map(
        (name) => `thresholds.humidity.${name}`,
      ),
      ...['deadband', 'offDelayMs', 'onDelayMs', 'severity', 'tiers', 'upper'].map(
        (name) => `thresholds.temperature.${name}`,
      ),
    ],
  ],
  ['the storm guard', ({ handler }) => Object.assign(handler.storm, { keys: 7 }), ['handler.storm.keys']],
  ['the cap', ({ handler }) => Object.assign(handler, { maxNewPerHour: 3 }), ['handler.maxNewPerHour']],
  ['the level of the log', ({ log }) => Object.assign(log, { level: 'debug' }), ['log.level']],
])('%s takes effect at once', (_name, change, fields) => {
  expect(changeBetween(before, changed(change))).toEqual({ kind: 'live', fields: fields.sort() });
});

it.each<[string, (config: Config) => void]>([
  ['transport.kind', ({ transport }) => Object.assign(transport, { kind: 'in-process' })],
  ['store.dataDir', ({ store }) => Object.assign(store, { dataDir: 'elsewhere' })],
  ['http.handlerPort', ({ http }) => Object.assign(http, { handlerPort: 9_000 })],
  ['sensor.kind', ({ sensor }) => Object.assign(sensor, { kind: 'mock' })],
  ['serviceNow.url', ({ serviceNow }) => Object.assign(serviceNow, { url: 'https://other.example' })],
  ['handler.devices', ({ handler }) => Object.assign(handler, { devices: ['a', 'b'] })],
  ['deviceId', (config) => Object.assign(config, { deviceId: 'other' })],
])('%s takes a restart, and says that it is the reason', (field, change) => {
  const after = changed((config) => {
    change(config);
    config.handler.quietMs = 1;
  });
  expect(changeBetween(before, after)).toEqual({
    kind: 'restart',
    fields: [field, 'handler.quietMs'].sort(),
    because: [field],
  });
});

it('nothing changes where only an absent value is spelled out', () => {
  const after = changed(({ secrets }) => Object.assign(secrets, { region: undefined }));
  expect(changeBetween(before, after)).toEqual({ kind: 'none' });
});

it('these fields, and no others, take effect without a restart', () => {
  const leaves = knownPaths().filter((path) => {
    const field: Field | undefined = fieldAt(path);
    return field !== undefined && (field.type !== 'object' || heldByMap(field) !== undefined);
  });
  const live = leaves.filter(isLive).map((path) => path.join('.'));
  expect(live.filter((path) => !/^(thresholds|noData)\b/.test(path))).toEqual([
    'sensor.intervalMs',
    'sensor.timeoutMs',
    'sensor.faultBackoffMaxMs',
    'anomaly.updateIntervalMs',
    'monitor.heartbeatMs',
    'monitor.rollCallMs',
    'monitor.saveStateMs',
    'handler.quietMs',
    'handler.onRecovery',
    'handler.reopenWindowMs',
    'handler.noteIntervalMs',
    'handler.orphan',
    'handler.deviceSilentMs',
    'handler.statusMs',
    'handler.storm.keys',
    'handler.storm.windowMs',
    'handler.maxNewPerHour',
    'handler.keepEnded',
    'handler.maxRejected',
    'log.level',
  ]);
});

describe('a configuration that is adopted', () => {
  it('reaches who keeps a group of the one in use', () => {
    const inUse = configSchema.parse({});
    const { storm } = inUse.handler;
    const { thresholds } = inUse;
    const next = configSchema.parse({ handler: { storm: { keys: 3 } }, thresholds: { pressure: { lower: 900 } } });
    adopt(inUse, next);
    expect(inUse).toEqual(next);
    expect(storm.keys).toBe(3);
    expect(Object.keys(thresholds)).toEqual(['pressure']);
  });

  it('shares nothing with the one that was given', () => {
    const inUse = configSchema.parse({});
    const next = configSchema.parse({ handler: { devices: ['a'] } });
    adopt(inUse, next);
    next.handler.devices.push('b');
    expect(inUse.handler.devices).toEqual(['a']);
  });
});
