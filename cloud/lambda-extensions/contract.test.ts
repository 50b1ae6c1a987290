import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { configurationPath, defaultSettings, secretsConfig, settings } from './contract.ts';
import { settingsSchema } from './settings-schema.ts';

describe('config.yaml', () => {
  test('the file of the post’s extension is taken as it is', () => {
    const read = secretsConfig.parse({
      SecretManagers: [
        { prefix: 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:', secrets: [{ secretname: 'first' }] },
        { secrets: [{ secretname: 'team/second', filename: 'second' }] },
      ],
      SecretsHome: '/tmp/secrets',
    });
    expect(read.TtlSeconds).toBe(300);
    expect(read.SecretManagers[0]?.secrets[0]?.required).toBe(false);
  });

  test.each([
    ['a folder outside of /tmp', { SecretManagers: [], SecretsHome: '/var/task' }],
    ['a way out of the folder', { SecretManagers: [], SecretsHome: '/tmp/../etc' }],
    ['a file in another folder', { SecretManagers: [{ secrets: [{ secretname: 'a', filename: '../a' }] }] }],
    ['a name that is no file', { SecretManagers: [{ secrets: [{ secretname: 'team/a' }] }] }],
    ['a name that it does not know', { SecretManagers: [{ secrets: [{ secretname: 'a', requierd: true }] }] }],
  ])('%s is refused', (_, config) => {
    expect(secretsConfig.safeParse(config).success).toBe(false);
  });
});

describe('settings', () => {
  test('what AppConfig checks a version by is what functions read it by (bad schema)', () => {
    const asAppConfig = z.fromJSONSchema(JSON.parse(JSON.stringify(settingsSchema())));
    const value = fc.oneof(
      fc.constantFrom('normal', 'verbose', 'loud', null, true),
      fc.double({ min: -200, max: 200, noNaN: true }),
      fc.constantFrom(-40, 120, 0, 100),
    );
    const version = fc.record(
      { loglevel: value, tempLimit: value, humidLimit: value, more: fc.constant(1) },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(version, (one) => {
        expect(asAppConfig.safeParse(one).success).toBe(settings.safeParse(one).success);
      }),
      { examples: [[{ ...defaultSettings }], [{ loglevel: 'verbose', tempLimit: -40, humidLimit: 100 }]] },
    );
    expect(asAppConfig.safeParse(defaultSettings).success).toBe(true);
    // AppConfig reads draft 4, which has no exclusive limits as numbers.
    expect(settingsSchema()).toMatchObject({ $schema: 'http://json-schema.org/draft-04/schema#' });
  });
});

test('the fourth part of a configuration’s path is that of the post, and not used', () => {
  expect(configurationPath.parse('DemoExtensionApplication/Production/LoggingLevel/LogLevel')).toEqual({
    ...{ application: 'DemoExtensionApplication', environment: 'Production', profile: 'LoggingLevel' },
  });
  expect(configurationPath.safeParse('a/b').success).toBe(false);
  expect(configurationPath.safeParse('a/../c/d?e').success).toBe(false);
});
