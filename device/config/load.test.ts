import { describe, expect, it } from 'vitest';
import { scenarios } from '../sensor/mock/scenarios.ts';
import { loadConfig } from './load.ts';
import { configSchema } from './schema.ts';

describe('layers', () => {
  it('is the schema’s defaults where nothing is given', async () => {
    const { config, origin } = await loadConfig();
    expect(config).toEqual(configSchema.parse({}));
    expect(config.thresholds).toMatchObject({
      temperature: { upper: 30, deadband: 0.5 },
      humidity: { upper: 50, deadband: 2 },
    });
    expect(origin('thresholds.temperature.upper')).toBe('default');
    expect(origin('no.such.field')).toBe('default');
  });

  const limit = (upper: number) => ({ thresholds: { temperature: { upper } } });
  const stack = [
    { layer: 'scenario', upper: 31, given: { overlay: limit(31) } },
    { layer: 'environment', upper: 33, given: { env: { GREENGRASS_ITSM__THRESHOLDS__TEMPERATURE__UPPER: '33' } } },
    { layer: 'deployment', upper: 34, given: { deployment: { thresholds: { temperature: { upper: '34' } } } } },
    { layer: '--set', upper: 35, given: { set: ['thresholds.temperature.upper=35'] } },
  ];

  it.each(stack)('$layer wins over every layer below it', async ({ layer, upper }) => {
    const index = stack.findIndex((one) => one.layer === layer);
    const { config, origin } = await loadConfig(
      Object.assign({}, ...stack.slice(0, index + 1).map((one) => one.given)),
    );
    expect(config.thresholds['temperature']?.upper).toBe(upper);
    expect(origin('thresholds.temperature.upper')).toBe(layer);
  });

  it('merges groups field by field and says where each value came from', async () => {
    const { config, origin } = await loadConfig({
      overlay: { sensor: { kind: 'mock', intervalMs: 500 } },
      deployment: { sensor: { intervalMs: '1000' }, thresholds: { pressure: { lower: 900 } } },
      set: ['sensor.timeoutMs=400'],
    });
    expect(config.sensor).toMatchObject({ kind: 'mock', intervalMs: 1_000, timeoutMs: 400, warmUpReadings: 1 });
    expect(config.thresholds).toMatchObject({
      temperature: { upper: 30 },
      pressure: { lower: 900, onDelayMs: 60_000 },
    });
    const paths = ['sensor.kind', 'sensor.intervalMs', 'sensor.timeoutMs', 'sensor.warmUpReadings', 'sensor'];
    expect(paths.map(origin)).toEqual(['scenario', 'deployment', '--set', 'default', '--set']);
    expect(origin('thresholds.pressure.onDelayMs')).toBe('default');
  });

  it('replaces lists as a whole', async () => {
    const { config, origin } = await loadConfig({
      overlay: { handler: { devices: ['a', 'b'] } },
      set: ['handler.devices=c'],
    });
    expect(config.handler.devices).toEqual(['c']);
    expect(origin('handler.devices')).toBe('--set');
  });

  it('takes null as not given', async () => {
    const { config, origin } = await loadConfig({
      overlay: { site: 'greenhouse' },
      deployment: { site: null, sensor: null, serviceNow: { caFile: null } },
    });
    expect(config.site).toBe('greenhouse');
    expect(config.serviceNow.caFile).toBeUndefined();
    expect(origin('site')).toBe('scenario');
  });

  it('switches limits and rules off that a layer below gave', async () => {
    const { config } = await loadConfig({
      overlay: { thresholds: { temperature: { lower: 5, stuck: { afterMs: 60_000 } } } },
      deployment: { thresholds: { temperature: { upper: 'off', stuck: 'off' } } },
      set: ['humidLimit=off'],
    });
    expect(config.thresholds['temperature']).toMatchObject({ lower: 5 });
    expect(config.thresholds['temperature']?.upper).toBeUndefined();
    expect(config.thresholds['temperature']?.stuck).toBeUndefined();
    expect(config.thresholds['humidity']?.upper).toBeUndefined();
  });

  it('can switch a rule on again above the layer that switched it off', async () => {
    const { config } = await loadConfig({
      overlay: { thresholds: { humidity: { stuck: 'off' } } },
      set: ['thresholds.humidity.stuck.afterMs=1000'],
    });
    expect(config.thresholds['humidity']?.stuck).toEqual({ afterMs: 1_000, tolerance: 0 });
  });

  it('does not add the default columns to those of a recording', async () => {
    const { config } = await loadConfig({ set: ['sensor.replay.columns={"timestamp":"t","pressure":"p"}'] });
    expect(config.sensor.replay.columns).toEqual({ timestamp: 't', pressure: 'p' });
    expect((await loadConfig()).config.sensor.replay.columns).toMatchObject({ humidity: 'humidity' });
  });

  it.each(scenarios)('takes what scenario $name brings', async ({ configuration }) => {
    const { config, origin } = await loadConfig({ overlay: configuration });
    expect(config).toMatchObject(configuration);
    expect(origin('sensor.kind')).toBe('scenario');
  });

  it('takes the name of the thing as the device’s, below every layer', async () => {
    const thing = await loadConfig({ thingName: 'pi-1' });
    expect([thing.config.deviceId, thing.origin('deviceId')]).toEqual(['pi-1', 'default']);
    expect((await loadConfig({ thingName: 'pi-1', overlay: { deviceId: 'own' } })).config.deviceId).toBe('own');
    expect((await loadConfig({ thingName: undefined })).config).toEqual(configSchema.parse({}));
    await expect(loadConfig({ thingName: 'handler' })).rejects.toThrow(/deviceId \(name of the thing\)/);
  });

  it('takes accessControl out of a deployment', async () => {
    const accessControl = { 'aws.greengrass.ipc.pubsub': { 'a:pubsub:1': { operations: ['*'] } } };
    expect((await loadConfig({ deployment: { accessControl } })).config).toEqual(configSchema.parse({}));
  });
});

describe('version', () => {
  it('is the same for the same effective configuration, whichever layers and order gave it', async () => {
    const one = await loadConfig({ deployment: { thresholds: { a: { upper: 1 }, b: { upper: '2' } }, site: 'x' } });
    const other = await loadConfig({ set: ['site=x', 'thresholds.b.upper=2.0', 'thresholds.a.upper=1'] });
    expect(one.version).toMatch(/^[0-9a-f]{12}$/);
    expect(other.version).toBe(one.version);
  });

  it('changes with a value, and with a limit that is switched off', async () => {
    const sets = [[], ['tempLimit=31'], ['tempLimit=off'], ['site=x']];
    const versions = await Promise.all(sets.map(async (set) => (await loadConfig({ set })).version));
    expect(new Set(versions).size).toBe(sets.length);
  });
});
