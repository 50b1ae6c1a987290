import { afterEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../platform/logger.ts';
import { systemTime } from '../platform/time.ts';
import { createDeploymentConfiguration, type DeploymentConfiguration } from './configuration.ts';
import type { TestNucleusOptions } from './test-ipc-server.ts';
import { accessToAll, type NucleusStage, nucleusStage } from './test-nucleus-stage.ts';

let stage: NucleusStage;
let source: DeploymentConfiguration | undefined;

afterEach(async () => {
  await source?.stop();
  await stage.close();
});

/** A component named `monitor` that refuses whatever says `bad`, with the SDK's client on a nucleus of the test. */
async function begin(options: Omit<TestNucleusOptions, 'socket'> = {}) {
  stage = await nucleusStage(options);
  const changes: unknown[] = [];
  const ipc = stage.ipc('monitor', { accessControl: accessToAll, tempLimit: '30' });
  const begun = createDeploymentConfiguration({
    ...{ ipc, time: systemTime, logger: silentLogger, random: () => 0, backoff: { baseMs: 1, capMs: 5 } },
    judge: async (configuration) => (JSON.stringify(configuration).includes('bad') ? 'this is bad' : undefined),
    changed: (configuration) => changes.push(configuration),
  });
  source = begun;
  await ipc.start();
  await begun.start();
  const first = await begun.first();
  return {
    source: begun,
    first,
    limits: () => changes.map((one) => JSON.stringify(one).match(/"tempLimit":"(\w+)"/)?.[1]),
  };
}

const timesAsked = (operation: string) => stage.nucleus.calls.filter((call) => call.operation === operation).length;

describe.each(['classic', 'lite'] as const)('on %s', (kind) => {
  test('the configuration is read whole at the start, and again when a deployment changes it', async () => {
    const { first, limits } = await begin({ kind });
    expect(first).toEqual({ configuration: { accessControl: accessToAll, tempLimit: '30' } });
    stage.nucleus.configure('monitor', { tempLimit: '31' });
    await expect.poll(limits).toEqual(['30', '31']);
  });

  test('many changes are read once', async () => {
    const { limits } = await begin({ kind });
    const before = timesAsked('GetConfiguration');
    for (let leaf = 0; leaf < 20; leaf += 1) stage.nucleus.configure('monitor', { [`field${leaf}`]: '1' });
    stage.nucleus.configure('monitor', { tempLimit: '32' });
    await expect.poll(limits).toEqual(['30', '32']);
    expect(timesAsked('GetConfiguration')).toBe(before + 1);
  });

  test('the nucleus is told that the component runs', async () => {
    const { source: begun } = await begin({ kind });
    await begun.tellState('RUNNING');
    expect(stage.nucleus.states).toEqual([{ component: 'monitor', state: 'RUNNING' }]);
  });
});

test('a deployment hears before it changes anything whether its configuration can be used, and why not', async () => {
  const { limits } = await begin();
  await expect(stage.nucleus.propose('monitor', { tempLimit: '31' })).resolves.toMatchObject({ status: 'ACCEPTED' });
  await expect(stage.nucleus.propose('monitor', { tempLimit: 'bad' })).resolves.toMatchObject({
    ...{ status: 'REJECTED', message: 'this is bad' },
  });
  expect(limits()).toEqual(['30']);
});

test('Nucleus Lite does not ask, and that is no fault', async () => {
  await begin({ kind: 'lite' });
  await expect(stage.nucleus.propose('monitor', { tempLimit: 'bad' })).resolves.toBeUndefined();
});

test.each(['before it is done', 'before the reply', 'in the reply'] as const)(
  'a connection that is cut while the configuration is read, %s, costs nothing',
  async (when) => {
    const { limits } = await begin();
    stage.nucleus.next('GetConfiguration', { what: 'cut', when });
    stage.nucleus.configure('monitor', { tempLimit: '31' });
    await expect.poll(limits, { timeout: 5_000 }).toEqual(['30', '31']);
  },
);

test('a change that comes while the connection is cut is read afterwards', async () => {
  const { limits } = await begin();
  stage.nucleus.setOpen('monitor', false);
  stage.nucleus.cut('monitor');
  await expect.poll(() => stage.nucleus.connections('monitor')).toBe(0);
  stage.nucleus.configure('monitor', { tempLimit: '31' });
  stage.nucleus.setOpen('monitor', true);
  await expect.poll(limits, { timeout: 5_000 }).toEqual(['30', '31']);
});

test.each(['before it is done', 'before the reply', 'in the reply'] as const)(
  'a connection that is cut while a proposal is answered, %s: the next proposal is answered',
  async (when) => {
    await begin();
    stage.nucleus.next('SendConfigurationValidityReport', { what: 'cut', when });
    const first = stage.nucleus.propose('monitor', { tempLimit: 'bad' });
    await expect.poll(() => timesAsked('SubscribeToValidateConfigurationUpdates'), { timeout: 5_000 }).toBe(2);
    await expect.poll(() => stage.nucleus.streams('monitor'), { timeout: 5_000 }).toBeGreaterThanOrEqual(2);
    await expect(stage.nucleus.propose('monitor', { tempLimit: 'bad' })).resolves.toMatchObject({ status: 'REJECTED' });
    void first;
  },
);

test('a connection that is cut while the state is told: it is told again', async () => {
  const { source: begun } = await begin();
  stage.nucleus.next('UpdateState', { what: 'cut', when: 'before it is done' });
  await begun.tellState('RUNNING');
  await expect
    .poll(() => stage.nucleus.states, { timeout: 5_000 })
    .toEqual([{ component: 'monitor', state: 'RUNNING' }]);
});
