import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { describeRoom, synthesiseRoom } from '../testing/describe-room.ts';
import type { TemplateResource } from '../testing/template.ts';
import { defaultSettings, settings } from './contract.ts';
import { rights } from './rights.ts';
import { settingsSchema } from './settings-schema.ts';
import { wildcards } from './wildcards.ts';

const room = 'lambda-extensions';
describeRoom(room, { rights, wildcards });

describe(room, () => {
  let prod: readonly TemplateResource[] = [];
  let local: readonly TemplateResource[] = [];
  const of = (resources: readonly TemplateResource[], type: string) =>
    resources.filter(({ Type }) => Type === `AWS::${type}`).map(({ Properties }) => Properties);

  beforeAll(async () => {
    prod = [...(await synthesiseRoom(room, 'prod')).stacks.values()].flat();
    local = [...(await synthesiseRoom(room, 'local')).stacks.values()].flat();
  }, 120_000);

  test('synth: a version is checked by the schema, and the first one passes it', () => {
    const [profile] = of(prod, 'AppConfig::ConfigurationProfile');
    const validators = z.array(z.object({ Type: z.string(), Content: z.string() })).parse(profile?.['Validators']);
    expect(validators.map(({ Type, Content }) => [Type, JSON.parse(Content)])).toEqual([
      ['JSON_SCHEMA', settingsSchema()],
    ]);
    const [version] = of(prod, 'AppConfig::HostedConfigurationVersion');
    expect(settings.parse(JSON.parse(String(version?.['Content'])))).toEqual(defaultSettings);
  });

  test('synth: the environment watches the alarm, for longer than a gradual change takes', () => {
    const [environment] = of(prod, 'AppConfig::Environment');
    expect(environment?.['Monitors']).toHaveLength(1);
    expect(of(prod, 'AppConfig::DeploymentStrategy')).toMatchObject([
      { Name: 'AllAtOnce', DeploymentDurationInMinutes: 0, GrowthFactor: 100, FinalBakeTimeInMinutes: 0 },
      { Name: 'Gradual', DeploymentDurationInMinutes: 10, GrowthFactor: 20, FinalBakeTimeInMinutes: 10 },
    ]);
  });

  test('synth: the agent is AWS’s own layer, of the region, but in the account that cannot have it', () => {
    const layersOf = (resources: readonly TemplateResource[]) =>
      resources
        .filter(({ path }) => path === 'Settings1')
        .map(({ Properties }) => JSON.stringify(Properties['Layers']));
    expect(layersOf(prod)).toEqual([
      expect.stringContaining('"Fn::FindInMap":["AgentLayers",{"Ref":"AWS::Region"},"arn"]'),
    ]);
    expect(layersOf(local)).toEqual([expect.stringContaining('configagentlayer')]);
  });

  test('synth: the demonstration has the two layers of the post', () => {
    const [demo] = prod.filter(({ path }) => path === 'Demo').map(({ Properties }) => Properties);
    expect(demo).toMatchObject({
      ...{ FunctionName: 'custom-runtime-extension-demo-function', Runtime: 'provided.al2023' },
      ...{ Handler: 'function.handler', MemorySize: 128, Timeout: 100 },
    });
    expect(demo?.['Layers']).toHaveLength(2);
  });
});
