import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { environmentName } from '../../device/config/environment.ts';
import { loadConfig } from '../../device/config/load.ts';
import { version } from '../../device/platform/version.ts';
import { topics } from '../../device/transport/topics.ts';
import { type ComponentName, components, componentVersion, readRecipe, recipe } from './recipe.ts';
import { recipeFormat } from './recipe-format.ts';
import { nodeFlags, recipeRun } from './recipe-run.ts';

const folder = join(import.meta.dirname, '../../recipes');
const names = components.map(({ name }) => name);
const [monitor, handler] = ['com.iotblog.SensorMonitor', 'com.iotblog.AnomalyHandler'] as const;
const places = {
  bucket: 'artifacts',
  prefix: 'edge/stable',
  secretArn: 'arn:aws:secretsmanager:eu-west-1:1:secret:s-a',
};

const defaultsOf = (name: ComponentName) => readRecipe(name).ComponentConfiguration.DefaultConfiguration;

/** Leaves of a tree by their path. */
function leaves(value: unknown, path = ''): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[path, value]];
  return Object.entries(value).flatMap(([key, item]) => leaves(item, path === '' ? key : `${path}.${key}`));
}

/** Operations with the resources that a component is granted, of one service. */
function grants(name: ComponentName, service: string): Record<string, string[]> {
  const granted: Record<string, string[]> = {};
  for (const { operations, resources } of Object.values(defaultsOf(name).accessControl[service] ?? {})) {
    for (const operation of operations) {
      granted[operation] = [...(granted[operation] ?? []), ...resources].toSorted();
    }
  }
  return granted;
}

describe('the recipes', () => {
  test('are one for each component, of the version that package.json names', () => {
    expect(componentVersion()).toBe(version);
    const files = readdirSync(folder).filter((file) => file !== 'README.md');
    expect(files.toSorted()).toEqual(names.map((name) => `${name}-${version}.yaml`).toSorted());
    for (const name of names) {
      expect(readRecipe(name)).toMatchObject({ ComponentName: name, ComponentVersion: version });
    }
  });

  test.each([
    ['Uri', 'URI'],
    ['install:', 'Install:'],
    ['run:', 'Run:'],
    ['Script', 'script'],
    ['RequiresPrivilege: false', 'RequiresPrivilege: true'],
    ['Setenv', 'setenv'],
    ['runtime', 'Runtime'],
    ['architecture: arm ', 'architecture: armv7 '],
    ['Timeout: 60', "Timeout: '60'"],
  ])('are refused with %s as %s', (right, wrong) => {
    const text = readFileSync(join(folder, `${monitor}-${version}.yaml`), 'utf8').replace('arm,', 'arm ,');
    expect(recipeFormat.safeParse(parse(text)).success).toBe(true);
    expect(text).toContain(right);
    expect(recipeFormat.safeParse(parse(text.replace(right, wrong))).success).toBe(false);
  });

  test('use no anchors, which not every reader of recipes resolves', () => {
    for (const name of names) {
      expect(readFileSync(join(folder, `${name}-${version}.yaml`), 'utf8')).not.toMatch(/: [&*]\w/);
    }
  });

  test('configure what the schema knows, in texts, and like its defaults but for what Greengrass is for', async () => {
    const plain = new Map(leaves((await loadConfig()).config));
    const expected = {
      [monitor]: { 'transport.kind': 'greengrass-ipc' },
      [handler]: { 'transport.kind': 'greengrass-ipc', 'secrets.kind': 'greengrass' },
    };
    for (const name of names) {
      const { accessControl, ...given } = defaultsOf(name);
      for (const [path, value] of leaves(given)) expect({ path, type: typeof value }).toEqual({ path, type: 'string' });
      const { config } = await loadConfig({ deployment: { accessControl, ...given } });
      const differing = leaves(config).filter(([path, value]) => plain.get(path) !== value && !Array.isArray(value));
      expect(Object.fromEntries(differing)).toEqual(expected[name]);
    }
  });

  test.each([
    [
      monitor,
      { tempLimit: '27', humidLimit: '60' },
      { thresholds: { temperature: { upper: 27 }, humidity: { upper: 60 } } },
    ],
    [monitor, { thresholds: { temperature: { upper: '27' } } }, { thresholds: { temperature: { upper: 27 } } }],
    [
      handler,
      { snowUrl: 'https://a.example/api/now/table/u_x' },
      { serviceNow: { url: 'https://a.example', table: 'u_x' } },
    ],
    [handler, { serviceNow: { url: 'https://a.example' } }, { serviceNow: { url: 'https://a.example' } }],
  ])('of %s take a limit or an instance by either name: %j', async (name, merged, expected) => {
    const { config } = await loadConfig({ deployment: { ...defaultsOf(name), ...merged } });
    expect(config).toMatchObject(expected);
  });

  test('give by the environment where the data is, which must not hang on the configuration that is asked of the nucleus', async () => {
    for (const name of names) {
      for (const { Lifecycle, Artifacts } of readRecipe(name).Manifests) {
        if (Artifacts === undefined) continue;
        expect(Lifecycle.Setenv).toEqual({
          [environmentName(['store', 'dataDir'])]: '{work:path}',
        });
      }
    }
  });

  test('grant exactly the topics and operations that each component uses', async () => {
    for (const [name, publishes, subscribes] of [
      [monitor, ['sensorData', 'anomaly', 'status'], ['ack', 'handlerStatus']],
      [handler, ['ack', 'handlerStatus'], ['anomalyFilter', 'statusFilter', 'sensorDataFilter']],
    ] as const) {
      const { config } = await loadConfig({ deployment: defaultsOf(name) });
      const known = topics(config.topics);
      const resource = (topic: keyof typeof known) => {
        const value = known[topic];
        return (typeof value === 'function' ? (value('*') ?? '') : String(value)).replace('+', '*');
      };
      expect(grants(name, 'aws.greengrass.ipc.pubsub')).toEqual({
        'aws.greengrass#PublishToTopic': publishes.map(resource).toSorted(),
        'aws.greengrass#SubscribeToTopic': subscribes.map(resource).toSorted(),
      });
    }
    const toCloud = { 'aws.greengrass#PublishToIoTCore': ['IoTBlog/anomaly', 'IoTBlog/sensorData'] };
    expect(grants(monitor, 'aws.greengrass.ipc.mqttproxy')).toEqual(toCloud);
    expect(Object.keys(defaultsOf(monitor).accessControl)).toHaveLength(2);
  });

  test('let the handler alone read one secret, and so leave Nucleus Lite to the monitor', () => {
    expect(grants(handler, 'aws.greengrass.SecretManager')).toEqual({
      'aws.greengrass#GetSecretValue': ['SECRET_ARN'],
    });
    expect(Object.keys(defaultsOf(handler).accessControl)).toHaveLength(2);
    expect(readRecipe(handler).ComponentDependencies).toHaveProperty([
      'aws.greengrass.SecretManager',
      'DependencyType',
    ]);
    expect(readRecipe(monitor)).not.toHaveProperty('ComponentDependencies');
    const runtimes = (name: ComponentName) => readRecipe(name).Manifests.map(({ Platform }) => Platform.runtime);
    expect(runtimes(handler)).toEqual([undefined, undefined, undefined]);
    expect(runtimes(monitor)).toEqual(['*', '*', '*']);
  });

  test('hold no brace in a script that is no variable, and stay short: Nucleus Lite takes neither', () => {
    for (const name of names) {
      for (const { Lifecycle, Platform } of readRecipe(name).Manifests) {
        for (const { Script } of [Lifecycle.install, ...(Lifecycle.run === undefined ? [] : [Lifecycle.run])]) {
          expect(Script.length).toBeLessThan(1_000);
          expect(Script.replaceAll(/\{(artifacts:decompressedPath|configuration:(\/\w+)+)\}/g, '')).not.toMatch(/[{}]/);
        }
        // Throws for a variable that stands for nothing.
        const variables = { decompressedPath: '/d', workPath: '/w', thingName: 't' };
        expect(recipeRun(readRecipe(name), Platform.architecture, variables).install).not.toMatch(/[{}]/);
      }
    }
  });
});

describe('a placed recipe', () => {
  test('names its zips in the bucket, says which to upload, and leaves no placeholder', () => {
    for (const { name, program } of components) {
      const { inlineRecipe, artifacts, ...rest } = recipe(name, places);
      expect(rest).toEqual({ name, version });
      expect(artifacts).toEqual(
        ['arm64', 'amd64'].map((machine) => ({
          file: `artifacts/${name}/${version}/${program}-${machine}.zip`,
          key: `edge/stable/${name}/${version}/${program}-${machine}.zip`,
        })),
      );
      for (const { key } of artifacts) expect(inlineRecipe).toContain(`"s3://artifacts/${key}"`);
      expect(inlineRecipe).not.toMatch(/BUCKET_NAME|COMPONENT_NAME|COMPONENT_VERSION|SECRET_ARN/);
      expect(inlineRecipe.includes(places.secretArn)).toBe(name === handler);
    }
    expect(recipe(monitor, { ...places, prefix: '' }).artifacts[0]?.key).toBe(
      `${monitor}/${version}/sensor-monitor-arm64.zip`,
    );
  });
});

describe('the steps of a recipe', () => {
  const variables = { decompressedPath: '/gg/packages', workPath: '/gg/work', thingName: 'pi' };

  test('are the shell commands of the nucleus', () => {
    expect(recipeRun(readRecipe(monitor), 'aarch64', variables)).toEqual({
      install: 'sh "/gg/packages/sensor-monitor-arm64/install.sh" "auto" "/dev/i2c-1"',
      run: 'exec node --max-semi-space-size=4 --v8-pool-size=1 --heap-growing-percent=40 "/gg/packages/sensor-monitor-arm64/sensor-monitor.mjs"',
      env: { GREENGRASS_ITSM__STORE__DATA_DIR: '/gg/work', AWS_IOT_THING_NAME: 'pi' },
      cwd: '/gg/work',
    });
    expect(recipeRun(readRecipe(monitor), 'arm', variables).run).toBeUndefined();
  });

  test.each(components)('start $program with the same flags on every machine', ({ name }) => {
    const flags = nodeFlags(readRecipe(name));
    expect(flags).toEqual(['--max-semi-space-size=4', '--v8-pool-size=1', '--heap-growing-percent=40']);
    for (const architecture of ['aarch64', 'amd64'] as const) {
      expect(recipeRun(readRecipe(name), architecture, variables).run).toContain(`exec node ${flags.join(' ')} "`);
    }
  });

  test('take the configuration of a deployment, and refuse a variable that stands for nothing', () => {
    const deployed = { ...variables, configuration: { sensor: { kind: 'mock', i2c: { device: '/dev/i2c-3' } } } };
    expect(recipeRun(readRecipe(monitor), 'amd64', deployed).install).toMatch(/"mock" "\/dev\/i2c-3"$/);
    const empty = { ...variables, configuration: {} };
    expect(() => recipeRun(readRecipe(monitor), 'amd64', empty)).toThrow(
      '{configuration:/sensor/kind} stands for nothing',
    );
  });
});
