import { describe, expect, it } from 'vitest';
import { loadConfig } from './load.ts';
import { refusal } from './test-refusal.ts';

describe('values from text', () => {
  it.each([
    ['thresholds.temperature.upper=30', { thresholds: { temperature: { upper: 30 } } }],
    ['thresholds.temperature.upper= -1.5e1 ', { thresholds: { temperature: { upper: -15 } } }],
    ['thresholds["Tank 1.a"].upper=3', { thresholds: { 'Tank 1.a': { upper: 3 } } }],
    [
      'serviceNow.fields.assignment_group=Cold chain, north',
      { serviceNow: { fields: { assignment_group: 'Cold chain, north' } } },
    ],
    ['serviceNow.fields.note=a=b', { serviceNow: { fields: { note: 'a=b', category: 'hardware' } } }],
    ['serviceNow.fields={"u_a":"1"}', { serviceNow: { fields: { u_a: '1', contact_type: 'monitoring' } } }],
    [
      'serviceNow.severity.low={"impact":2,"urgency":"3"}',
      { serviceNow: { severity: { low: { impact: '2', urgency: '3' } } } },
    ],
    ['handler.devices=a, b', { handler: { devices: ['a', 'b'] } }],
    ['handler.devices=["a,b"]', { handler: { devices: ['a,b'] } }],
    ['handler.devices=', { handler: { devices: [] } }],
    [
      'thresholds.humidity.tiers=[{"beyond":0,"severity":"low"}]',
      { thresholds: { humidity: { tiers: [{ beyond: 0, severity: 'low' }] } } },
    ],
    ['sensor.replay.speed=max', { sensor: { replay: { speed: 'max' } } }],
    ['sensor.replay.speed=60', { sensor: { replay: { speed: 60 } } }],
    ['topics.perDevice=true', { topics: { perDevice: true } }],
    ['log.pretty=true', { log: { pretty: 'true' } }],
    ['site=30', { site: '30' }],
  ])('--set %s', async (option, expected) => {
    expect((await loadConfig({ set: [option] })).config).toMatchObject(expected);
  });

  it('a later --set of the same field wins', async () => {
    const { config } = await loadConfig({ set: ['site=a', 'site=b'] });
    expect(config.site).toBe('b');
  });

  it.each([
    ['SENSOR__KIND', 'mock', { sensor: { kind: 'mock' } }],
    ['SENSOR__I2C__DEVICE', '/dev/i2c-3', { sensor: { i2c: { device: '/dev/i2c-3' } } }],
    [
      'THRESHOLDS__TEMPERATURE__RATE_OF_CHANGE__PER_MINUTE',
      '2',
      { thresholds: { temperature: { rateOfChange: { perMinute: 2 } } } },
    ],
    [
      'SERVICE_NOW__FIELDS__ASSIGNMENT_GROUP',
      'Cold chain',
      { serviceNow: { fields: { assignment_group: 'Cold chain' } } },
    ],
    ['THRESHOLDS', '{"Tank 1":{"upper":3}}', { thresholds: { 'Tank 1': { upper: 3 }, temperature: { upper: 30 } } }],
    ['HTTP__ALLOWED_HOSTS', 'a.example,b.example', { http: { allowedHosts: ['a.example', 'b.example'] } }],
    ['TEMP_LIMIT', '25', { thresholds: { temperature: { upper: 25 } } }],
  ])('environment variable GREENGRASS_ITSM__%s', async (name, text, expected) => {
    const { config } = await loadConfig({
      env: { [`GREENGRASS_ITSM__${name}`]: text, PATH: '/bin', GREENGRASS_ITSM: undefined },
    });
    expect(config).toMatchObject(expected);
  });

  it.each(['30x', '', ' ', 'NaN', 'Infinity', '1e400', '0x1f', '1_000', '１', 'true'])(
    '%j is not taken for a number',
    async (text) => {
      expect(await refusal({ deployment: { sensor: { warmUpReadings: text } } })).toContain(
        'sensor.warmUpReadings (deployment): found',
      );
      expect(await refusal({ set: [`tempLimit=${text}`] })).toContain('expected a number');
    },
  );

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 1.5])('the number %s is not taken for a whole one', async (value) => {
    expect(await refusal({ deployment: { sensor: { warmUpReadings: value } } })).toContain(
      'expected a whole number from 0 to 100',
    );
  });

  it.each(['yes', 'TRUE', '1', ''])('%j is not taken for true or false', async (text) => {
    expect(await refusal({ set: [`noData.enabled=${text}`] })).toContain('expected true or false');
  });
});
