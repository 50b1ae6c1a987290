import { describe, expect, test } from 'vitest';
import { configSchema } from '../../device/config/schema.ts';
import {
  awsComponents,
  bucketPolicy,
  deployedComponents,
  handlerComponent,
  monitorComponent,
  ownComponents,
  rolePermissions,
  roleTrust,
  topicNames,
} from './definition.ts';
import { defaultBucket, defaultNames, type PolicyDocument } from './names.ts';
import { readRecipe, components as recipeComponents } from './recipe.ts';
import { workstationPolicy } from './workstation-policy.ts';

const place = { account: '123456789012', region: 'eu-west-1' };
const names = { ...defaultNames, bucket: defaultBucket(place) };
const secretArn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:greengrass-snow-creds-AbCdEf';
const versions = { [monitorComponent]: '1.2.3', [handlerComponent]: '1.2.4' };
const settings = { tempLimit: 30, humidLimit: 50, snowUrl: 'https://dev1.service-now.com/api/now/table/incident' };
const components = deployedComponents(versions, settings, { secretArn, roleAlias: names.roleAlias });

const mergeOf = (component: string) => JSON.parse(components[component]?.configurationUpdate?.merge ?? '{}');

describe('definition of a core', () => {
  test('speaks of the topics that a device has by default', () => {
    expect(topicNames).toEqual(configSchema.parse({}).topics);
  });

  test('deploys both components and what they need of AWS, each in one version', () => {
    expect(Object.keys(components).sort()).toEqual([...Object.keys(awsComponents), ...ownComponents].sort());
    for (const { componentVersion } of Object.values(components)) expect(componentVersion).toMatch(/^\d+\.\d+\.\d+$/);
  });

  test('keeps what goes to the cloud on disk while there is no network', () => {
    expect(mergeOf('aws.greengrass.Nucleus').mqtt.spooler).toMatchObject({
      storageType: 'Disk',
      pluginName: 'aws.greengrass.DiskSpooler',
    });
  });

  test('gives the handler its one secret and the right to read it', () => {
    expect(mergeOf('aws.greengrass.SecretManager').cloudSecrets).toEqual([{ arn: secretArn }]);
    const [grant] = Object.values(mergeOf(handlerComponent).accessControl['aws.greengrass.SecretManager']);
    expect(grant).toMatchObject({ operations: ['aws.greengrass#GetSecretValue'], resources: [secretArn] });
    expect(JSON.stringify(mergeOf(monitorComponent))).not.toContain('secret');
  });

  test.each(ownComponents)('tells %s only what its configuration knows', (component) => {
    const { accessControl: _, ...told } = mergeOf(component);
    const { snowUrl, tempLimit, humidLimit, ...fields } = told;
    expect(configSchema.safeParse(fields).success).toBe(true);
    for (const value of [snowUrl, tempLimit, humidLimit]) expect(['string', 'undefined']).toContain(typeof value);
  });

  test('deploys the components that there are recipes of, with the secret under the name that the recipe has for it', () => {
    expect(recipeComponents.map(({ name }) => name)).toEqual(ownComponents);
    const { DefaultConfiguration } = readRecipe(handlerComponent).ComponentConfiguration;
    const inRecipe = Object.keys(DefaultConfiguration.accessControl['aws.greengrass.SecretManager'] ?? {});
    expect(Object.keys(mergeOf(handlerComponent).accessControl['aws.greengrass.SecretManager'])).toEqual(inRecipe);
  });

  test('lets nobody but the credentials provider of this account take the role', () => {
    expect(roleTrust(place).Statement).toEqual([
      expect.objectContaining({
        Principal: { Service: 'credentials.iot.amazonaws.com' },
        Condition: { StringEquals: { 'aws:SourceAccount': place.account } },
      }),
    ]);
  });
});

describe('rights', () => {
  const policies: [string, PolicyDocument][] = [
    ['of a device', rolePermissions(names, place)],
    ['of a workstation', workstationPolicy(names, place)],
  ];

  test.each(policies)('%s name every action', (_, { Statement }) => {
    for (const action of Statement.flatMap(({ Action }) => Action)) expect(action).toMatch(/^[a-z0-9]+:[A-Za-z]+$/);
  });

  test('of a device name no resource as a whole', () => {
    expect(wholes(rolePermissions(names, place))).toEqual([]);
  });

  test('of a workstation name none either, but for calls that know nothing narrower', () => {
    expect(wholes(workstationPolicy(names, place))).toEqual(['Account']);
  });

  test('of a workstation fit into one managed policy', () => {
    const text = JSON.stringify(workstationPolicy(names, place));
    expect(text.length).toBeLessThanOrEqual(6_144);
  });

  test('forbid to reach the artifacts in the clear', () => {
    expect(bucketPolicy(names, place).Statement).toEqual([
      expect.objectContaining({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
    ]);
  });
});

/** Statements that allow on everything. */
function wholes({ Statement }: PolicyDocument): (string | undefined)[] {
  return Statement.filter(({ Resource = [] }) => [Resource].flat().includes('*')).map(({ Sid }) => Sid);
}
