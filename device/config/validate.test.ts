import { describe, expect, it } from 'vitest';
import type { ConfigLayers } from './load.ts';
import { refusal } from './test-refusal.ts';

describe('refusals', () => {
  const whole = (problem: string) =>
    `The configuration cannot be used: ${problem}. Every field is described in device/config/REFERENCE.md.`;

  it.each<[string, ConfigLayers, string]>([
    [
      'a name with a letter changed',
      { set: ['thresholds.temperature.uper=30'] },
      'thresholds.temperature.uper (--set thresholds.temperature.uper): unknown name; did you mean thresholds.temperature.upper?',
    ],
    [
      'a name from another group',
      { deployment: { intervalMs: '5000' } },
      'intervalMs (deployment): unknown name; did you mean sensor.intervalMs?',
    ],
    [
      'a name of another spelling',
      { deployment: { serviceNow: { close_code: 'x' } } },
      'serviceNow.close_code (deployment): unknown name; did you mean serviceNow.closeCode?',
    ],
    [
      'an environment variable with a letter changed',
      { env: { GREENGRASS_ITSM__SENSOR__KNID: 'mock' } },
      'sensor.knid (environment variable GREENGRASS_ITSM__SENSOR__KNID): unknown name; did you mean GREENGRASS_ITSM__SENSOR__KIND?',
    ],
    [
      'an environment variable of the family with one underscore',
      { env: { GREENGRASS_ITSM_SENSOR_KIND: 'mock' } },
      'environment variable GREENGRASS_ITSM_SENSOR_KIND: names of this program have two underscores between their parts, as GREENGRASS_ITSM__SENSOR__KIND',
    ],
    [
      'a misspelt other name',
      { deployment: { tempLimt: 3 } },
      'tempLimt (deployment): unknown name; did you mean tempLimit?',
    ],
    ['a name like nothing', { deployment: { zzzzzz: 3 } }, 'zzzzzz (deployment): unknown name'],
    [
      'a key that a map does not have',
      { deployment: { serviceNow: { severity: { hihg: { impact: '1', urgency: '1' } } } } },
      'serviceNow.severity.hihg (deployment): unknown name; did you mean serviceNow.severity.high?',
    ],
    [
      'a number out of range',
      { deployment: { sensor: { intervalMs: '3' } } },
      'sensor.intervalMs (deployment): found "3", expected a whole number from 20 to 2678400000 (ms)',
    ],
    [
      'a word that is not among those known',
      { env: { GREENGRASS_ITSM__SENSOR__KIND: 'sense-hat' } },
      'sensor.kind (environment variable GREENGRASS_ITSM__SENSOR__KIND): found "sense-hat", expected one of auto, mock, replay, iio, i2c, node-sense-hat, mqtt',
    ],
    [
      'a limit that is none',
      { set: ['thresholds.x.lower=low'] },
      'thresholds.x.lower (--set thresholds.x.lower): found "low", expected a number (the metric\'s unit), or off',
    ],
    [
      'a number for a text',
      { deployment: { site: 7 } },
      'site (deployment): found 7, expected a text of 1 to 128 characters; write it in quotes',
    ],
    [
      'a text for a group',
      { deployment: { sensor: 'mock' } },
      'sensor (deployment): found "mock", expected a group of fields',
    ],
    [
      'a text for a list',
      { deployment: { handler: { devices: 'a,b' } } },
      'handler.devices (deployment): found "a,b", expected a list of at most 1000',
    ],
    [
      'a group for a text',
      { deployment: { site: { a: 1 } } },
      'site (deployment): found a group of fields, expected a text of 1 to 128 characters',
    ],
    [
      'a reserved device',
      { deployment: { deviceId: 'handler' } },
      'deviceId (deployment): found "handler": the id `handler` is reserved',
    ],
    [
      'a control character',
      { deployment: { site: 'a\u0007b' } },
      'site (deployment): found "a\\u0007b": control characters are not allowed',
    ],
    [
      'a rule without what it needs',
      { set: ['thresholds.temperature.rateOfChange.windowMs=60000'] },
      "thresholds.temperature.rateOfChange.perMinute (--set thresholds.temperature.rateOfChange.windowMs): is missing, expected a number above 0 (the metric's unit a minute)",
    ],
    [
      'a null in a list',
      { deployment: { handler: { devices: ['a', null] } } },
      'handler.devices[1] (deployment): an item must not be null',
    ],
    [
      'a bare word for --set',
      { set: ['hunter2'] },
      '--set hunter2: no = follows the name; write --set thresholds.temperature.upper=30',
    ],
    [
      'no name for --set',
      { set: ['=3'] },
      '--set: begins with no name of a field; write --set thresholds.temperature.upper=30',
    ],
    [
      'an item of a list for --set',
      { set: ['thresholds.temperature.tiers[0].beyond=1'] },
      '--set thresholds.temperature.tiers: a list is given as a whole, as JSON or with commas between its items',
    ],
    [
      'broken JSON',
      { set: ['thresholds={"a":'] },
      '--set thresholds: begins like JSON and is none; check quotes, commas and brackets',
    ],
    ['a list as the whole', { deployment: [] }, 'deployment: is not a group of fields such as {"site": "home"}'],
  ])('%s', async (_, layers, sentence) => {
    expect(await refusal(layers)).toBe(whole(sentence));
  });

  it('tells every problem, each in a line of its own', async () => {
    const message = await refusal({
      overlay: { sensor: { kind: 'none' } },
      deployment: { colour: 'red', sensor: { intervalMs: 'x' } },
      set: ['http.monitorPort=99999'],
    });
    expect(message.split('\n')).toEqual([
      'The configuration cannot be used: 4 problems.',
      '- sensor.kind (scenario): found "none", expected one of auto, mock, replay, iio, i2c, node-sense-hat, mqtt',
      '- sensor.intervalMs (deployment): found "x", expected a whole number from 20 to 2678400000 (ms)',
      '- colour (deployment): unknown name',
      '- http.monitorPort (--set http.monitorPort): found "99999", expected a whole number from -1 to 65535 (port)',
      'Every field is described in device/config/REFERENCE.md.',
    ]);
  });

  it('stops telling where nobody reads on', async () => {
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`unknown${index}`, index]));
    const lines = (await refusal({ deployment: many })).split('\n');
    expect(lines).toHaveLength(23);
    expect(lines.at(-2)).toBe('- and 80 more');
    const thresholds = Object.fromEntries(Object.keys(many).map((metric) => [metric, { upper: 'x' }]));
    expect((await refusal({ deployment: { thresholds } })).split('\n').at(-2)).toBe('- and 80 more');
  });

  it('refuses a wrong value also where a higher layer hides it', async () => {
    expect(await refusal({ overlay: { site: '' }, set: ['site=a'] })).toContain(
      'site (scenario): found "", expected a text of 1 to 128',
    );
  });

  it.each<ConfigLayers>([
    { deployment: { serviceNow: { password: 'hunter2' } } },
    { deployment: { transport: { mqtt: { passwordFile: { hunter2: 1 } } } } },
    { deployment: { serviceNow: { fields: { u_api_key: 'hunter2'.repeat(200) } } } },
    { deployment: { serviceNow: { url: 'https://admin:hunter2@dev1.service-now.com' } } },
    { deployment: { sensor: { kind: 'https://admin:hunter2@dev1.service-now.com' } } },
    { set: ['serviceNow.password=hunter2'] },
    { set: ['serviceNow.password:hunter2'] },
    { set: ['serviceNow.fields={"u_token":hunter2}'] },
    { env: { GREENGRASS_ITSM__SECRETS__PASSWORD: 'hunter2' } },
  ])('does not repeat what looks like a secret (%#)', async (layers) => {
    expect(await refusal(layers)).not.toMatch(/hunter2/);
  });

  it.each<ConfigLayers>([
    { deployment: JSON.parse('{"__proto__":{"site":"x"}}') },
    { deployment: JSON.parse('{"thresholds":{"__proto__":{"upper":1}}}') },
    { deployment: JSON.parse('{"serviceNow":{"fields":{"constructor":"x"}}}') },
    { set: ['__proto__.site=x'] },
    { set: ['thresholds.constructor.prototype.polluted=1'] },
    { set: ['thresholds={"__proto__":{"polluted":1}}'] },
    { set: ['sensor["__proto__"].polluted=1'] },
    { env: { GREENGRASS_ITSM____PROTO____SITE: 'x' } },
    { env: { GREENGRASS_ITSM__THRESHOLDS__CONSTRUCTOR__UPPER: '1' } },
  ])('no name reaches a prototype: %j', async (layers) => {
    await refusal(layers);
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect('polluted' in {}).toBe(false);
  });
});
